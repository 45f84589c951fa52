"""HTTP to addresses that others chose: no connection to the local network, however a name or a redirect leads there."""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx

LONGEST_URL = 2048
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class LocalAddressError(Exception):
    """A URL leads to the local network, where it has no business."""


def is_web_url(text: str) -> bool:
    """Return whether a text is a URL that can be fetched: http or https, a host, a port if any, and no password."""
    if len(text) > LONGEST_URL or not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
        httpx.URL(text)
        has_port = parts.port is None or parts.port > 0
    except (ValueError, httpx.InvalidURL):
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and has_port and parts.username is None


def is_public(address: str) -> bool:
    """Return whether an IP address is one of the internet; an IPv4 address inside an IPv6 one counts as itself."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return inner.is_global and not inner.is_multicast
    return ip.is_global and not ip.is_multicast


def is_local_service(url: str) -> bool:
    """Return whether a service's own URL leads to the local network. Blocks while the name is resolved."""
    host = httpx.URL(url).host
    try:
        return not all(is_public(address) for address in _addresses(socket.getaddrinfo(host, None)))
    except OSError:
        return False


def guarded_client(*, allow_local: bool, **options: Any) -> httpx.AsyncClient:
    """Return an HTTP client that follows redirects, but not to the local network.

    Args:
        allow_local: whether it may: the service itself is there. Link-local addresses, where clouds answer with
            credentials, stay out of reach.
        options: of ``httpx.AsyncClient``.

    Raises:
        LocalAddressError: by a request, before anything is sent.
    """
    limits = options.pop("limits", httpx.Limits())
    transport = httpx.AsyncHTTPTransport(limits=limits)
    # httpx has no option for it. The pool asks its backend for every connection, those of redirects included.
    transport._pool._network_backend = _GuardedBackend(allow_local)  # noqa: SLF001

    async def check(request: httpx.Request) -> None:  # a proxy would resolve the name itself
        _check_literal(request.url.host, allow_local=allow_local)

    hooks = {"request": [check]}
    return httpx.AsyncClient(transport=transport, event_hooks=hooks, follow_redirects=True, **options)


class _GuardedBackend(httpcore.AnyIOBackend):
    """Resolves a name, and connects to one of the addresses that are allowed: the name cannot change in between."""

    def __init__(self, allow_local: bool) -> None:
        self._allow_local = allow_local

    async def connect_tcp(self, host: str, port: int, *given: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        """Connect to the first allowed address that answers."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(str(error)) from error
        allowed = [address for address in _addresses(found) if _is_allowed(address, allow_local=self._allow_local)]
        if not allowed:
            raise LocalAddressError(f"{host} is an address of the local network")
        for address in allowed[:-1]:
            try:
                return await super().connect_tcp(address, port, *given, **options)
            except httpcore.ConnectError:
                continue
        return await super().connect_tcp(allowed[-1], port, *given, **options)


def _addresses(found: Iterable[tuple[Any, ...]]) -> list[str]:
    return list(dict.fromkeys(str(info[4][0]) for info in found))


def _is_allowed(address: str, *, allow_local: bool) -> bool:
    if is_public(address):
        return True
    ip = ipaddress.ip_address(address.partition("%")[0])
    return allow_local and not (ip.is_link_local or ip.is_multicast or ip.is_unspecified)


def _check_literal(host: str, *, allow_local: bool) -> None:
    try:
        is_allowed = _is_allowed(host, allow_local=allow_local)
    except ValueError:  # a name
        is_allowed = allow_local or host.rstrip(".").lower() != "localhost"
    if not is_allowed:
        raise LocalAddressError(f"{host} is an address of the local network")
