"""Asks a Prefect server over plain HTTP, as Prefect's settings say; importing Prefect's client takes seconds."""

import asyncio
import base64
import re
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import httpx

from cli.prefect_password import password_path
from dailies.errors import ServerError

BUSY_S = 20.0
"""Seconds for which a question is repeated to a server that is there but too busy to answer."""
PATIENCE_S = 40.0
_EVERY_S = 2.0
_NOTABLE_S = 5.0
_REFUSALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def ask(url: str, body: Any = None, *, busy_s: float = 0.0, anonymously: bool = False) -> httpx.Response:
    """Send a GET, or a POST with a body; repeat it for ``busy_s`` seconds if the server is there but does not answer.

    ``anonymously`` leaves out the password.

    Raises:
        httpx.HTTPError: no answer, or one that is no success.
    """
    method, give_up_at = "GET" if body is None else "POST", time.monotonic() + busy_s
    headers = {} if anonymously else _authorization()
    while True:
        try:
            # No proxy of the environment: the server is near.
            sent = httpx.request(method, url, json=body, headers=headers, timeout=3.0, trust_env=False)
            return sent.raise_for_status()
        except httpx.HTTPError as error:
            if not _is_busy(error) or time.monotonic() >= give_up_at:
                raise
        time.sleep(0.5)


def _is_busy(error: httpx.HTTPError) -> bool:
    """Return whether the server may answer later: it neither refused the connection nor gave its answer."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.is_server_error
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ConnectionRefusedError):
        cause = cause.__cause__ or cause.__context__
    return cause is None


def answers(api_url: str, busy_s: float = 0.0) -> bool:
    """Return whether a healthy Prefect server is at this address; one that asks for a password counts."""
    try:
        return ask(f"{api_url}/health", busy_s=busy_s).json() is True
    except httpx.HTTPStatusError as error:
        return error.response.status_code in _REFUSALS
    except (httpx.HTTPError, ValueError):
        return False


def is_missing(url: str) -> bool:
    """Return whether the server says that it has no such thing."""
    try:
        ask(url)
    except httpx.HTTPStatusError as error:
        return error.response.status_code == HTTPStatus.NOT_FOUND
    except httpx.HTTPError:
        return False
    return False


def is_open(api_url: str) -> bool:
    """Return whether the server asks for no password, so that anyone who reaches it can use it."""
    try:
        return ask(f"{api_url}/admin/version", busy_s=BUSY_S, anonymously=True).is_success
    except httpx.HTTPError:
        return False


def is_compatible(api_url: str) -> bool:
    """Return whether the server there reports a version that understands this Prefect."""
    try:
        return understands_us(read_version(api_url))
    except ServerError:
        return False


def read_version(api_url: str) -> str:
    """Return the server's version; empty if it reports none.

    Raises:
        ServerError: it refuses our credentials.
    """
    try:
        return str(ask(f"{api_url}/admin/version", busy_s=BUSY_S).json())
    except httpx.HTTPStatusError as error:
        if error.response.status_code not in _REFUSALS:
            return ""
        raise ServerError(
            f"The Prefect server at {api_url} refuses {_credential()} (HTTP {error.response.status_code}): set"
            " PREFECT_API_AUTH_STRING to the password that the server has in PREFECT_SERVER_API_AUTH_STRING. If Dailies"
            f" started the server, {password_path()} has it."
        ) from None
    except (httpx.HTTPError, ValueError):
        return ""


def understands_us(found: str) -> bool:
    """Return whether a server of that version does: the same major version, and no older minor one."""
    ours, theirs = (tuple(int(n) for n in re.findall(r"\d+", text)[:2]) for text in (version("prefect"), found))
    return len(theirs) == 2 and theirs[0] == ours[0] and theirs >= ours


async def until_lost(
    answers: Callable[[], Awaitable[bool]],
    show: Callable[[str], None],
    *,
    patience_s: float = PATIENCE_S,
    every_s: float = _EVERY_S,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Return when the server has not answered for ``patience_s`` seconds; until then report when it goes and returns.

    Args:
        answers: asks the server once.
        show: prints a line.
        patience_s: how long a restart may take.
        every_s: seconds between two questions.
        clock: seconds, monotonic.
    """
    seen_at, reported = clock(), False
    while clock() - seen_at < patience_s:
        await asyncio.sleep(every_s)
        if await answers():
            if reported:
                show("The Prefect server answers again; the run continues.")
            seen_at, reported = clock(), False
        elif not reported and clock() - seen_at >= _NOTABLE_S:
            reported = True
            show(f"The Prefect server does not answer; waiting for it, {patience_s:.0f} s at most.")


def _authorization() -> dict[str, str]:
    """Return the headers that Prefect's own client sends: the password comes before the key."""
    from prefect.settings import get_current_settings

    api = get_current_settings().api
    if api.auth_string is not None:
        token = base64.b64encode(api.auth_string.get_secret_value().encode()).decode()
        return {"authorization": f"Basic {token}"}
    return {} if api.key is None else {"authorization": f"Bearer {api.key.get_secret_value()}"}


def _credential() -> str:
    """Name the setting that was refused, never its value."""
    from prefect.settings import get_current_settings

    api = get_current_settings().api
    if api.auth_string is not None:
        return "PREFECT_API_AUTH_STRING"
    return "PREFECT_API_AUTH_STRING, which is not set" if api.key is None else "PREFECT_API_KEY"
