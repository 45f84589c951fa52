"""Reads a source over HTTP: with a limit on bytes, one deadline for all of it, and a check of every redirect."""

import time
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from dailies.prompts.sources.budget import MAX_BYTES
from dailies.system.addresses import is_link_local, is_local

DEADLINE_S = 120.0
_READ_S = 30.0
_MAX_REDIRECTS = 5


class WebError(Exception):
    """A source on the web cannot be read; the message says why and holds no address."""


def download(url: str, *, deadline_s: float = DEADLINE_S) -> bytes:
    """Fetch a URL whole.

    A redirect may lead from http to https but not back, and to the local network only where the URL itself is there.
    Link-local addresses, where clouds keep the credentials of a machine, are never fetched.

    Args:
        url: an address of http or https.
        deadline_s: seconds for everything, redirects included.

    Raises:
        WebError: a limit, the deadline or a redirect ended it.
        httpx.HTTPError: the server cannot be reached, or answered with an error.
    """
    import httpx

    ends = time.monotonic() + deadline_s
    is_at_home = _is_local(url)
    with httpx.Client(follow_redirects=False, timeout=min(_READ_S, deadline_s)) as client:
        for _ in range(_MAX_REDIRECTS + 1):
            if is_link_local(urlsplit(url).hostname or ""):
                raise WebError("the address is link-local")
            with client.stream("GET", url) as answer:
                if answer.has_redirect_location:
                    url = _redirected(url, answer.headers["location"], is_at_home=is_at_home)
                    continue
                answer.raise_for_status()
                return _body(answer.iter_bytes(), ends, deadline_s)
    raise WebError(f"it redirects more than {_MAX_REDIRECTS} times")


def _body(chunks: Iterator[bytes], ends: float, deadline_s: float) -> bytes:
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) > MAX_BYTES:
            raise WebError(f"the file has more than {MAX_BYTES // 2**20} MiB")
        if time.monotonic() > ends:
            raise WebError(f"it did not arrive within {deadline_s:g} s")
    return bytes(content)


def _redirected(url: str, location: str, *, is_at_home: bool) -> str:
    target = urljoin(url, location)
    parts = urlsplit(target)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise WebError("it redirects to something else than a web page")
    if parts.scheme == "http" and urlsplit(url).scheme == "https":
        raise WebError("it redirects from https to http")
    if not is_at_home and _is_local(target):
        raise WebError("it redirects to the local network")
    return target


def _is_local(url: str) -> bool:
    return is_local(urlsplit(url).hostname or "")
