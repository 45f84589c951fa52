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

from dailies.errors import ServerError

PATIENCE_S = 40.0
_EVERY_S = 2.0
_NOTABLE_S = 5.0
_REFUSALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def ask(url: str, body: Any = None) -> httpx.Response:
    """One GET, or a POST where there is a body, with a short patience.

    Raises:
        httpx.HTTPError: nobody answers, or not with success.
    """
    # No proxy of the environment: the server is near.
    method = "GET" if body is None else "POST"
    sent = httpx.request(method, url, json=body, headers=_authorization(), timeout=3.0, trust_env=False)
    return sent.raise_for_status()


def answers(api_url: str) -> bool:
    """Whether a Prefect server is up and well at this address; one that wants to know who asks is up, too."""
    try:
        return ask(f"{api_url}/health").json() is True
    except httpx.HTTPStatusError as error:
        return error.response.status_code in _REFUSALS
    except (httpx.HTTPError, ValueError):
        return False


def is_missing(url: str) -> bool:
    """Whether the server there says that it has no such thing."""
    try:
        ask(url)
    except httpx.HTTPStatusError as error:
        return error.response.status_code == HTTPStatus.NOT_FOUND
    except httpx.HTTPError:
        return False
    return False


def is_compatible(api_url: str) -> bool:
    """Whether the server there tells a version, and it understands this Prefect."""
    try:
        return understands_us(read_version(api_url))
    except ServerError:
        return False


def read_version(api_url: str) -> str:
    """The server's version; empty where it tells none.

    Raises:
        ServerError: it does not let us in.
    """
    try:
        return str(ask(f"{api_url}/admin/version").json())
    except httpx.HTTPStatusError as error:
        if error.response.status_code not in _REFUSALS:
            return ""
        raise ServerError(
            f"The Prefect server at {api_url} refuses {_credential()} (HTTP {error.response.status_code}): one with a"
            " password wants in PREFECT_API_AUTH_STRING what its own PREFECT_SERVER_API_AUTH_STRING is."
        ) from None
    except (httpx.HTTPError, ValueError):
        return ""


def understands_us(found: str) -> bool:
    """Whether a server of that version does: of the same major version, and not of an older minor one."""
    ours, theirs = (tuple(int(n) for n in re.findall(r"\d+", text)[:2]) for text in (version("prefect"), found))
    return len(theirs) == 2 and theirs[0] == ours[0] and theirs >= ours


async def until_lost(
    answers: Callable[[], Awaitable[bool]],
    tell: Callable[[str], None],
    *,
    patience_s: float = PATIENCE_S,
    every_s: float = _EVERY_S,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Return when the server has not answered for ``patience_s`` seconds; until then tell when it goes and comes.

    Args:
        answers: asks it once.
        tell: says a line to a person.
        patience_s: how long a restart may take.
        every_s: seconds between two questions.
        clock: seconds, monotonic.
    """
    seen_at, told = clock(), False
    while clock() - seen_at < patience_s:
        await asyncio.sleep(every_s)
        if await answers():
            if told:
                tell("The Prefect server answers again; the run goes on.")
            seen_at, told = clock(), False
        elif not told and clock() - seen_at >= _NOTABLE_S:
            told = True
            tell(f"The Prefect server does not answer; waiting for it, {patience_s:.0f} s at most.")


def _authorization() -> dict[str, str]:
    """As Prefect's own client has it: the password goes before the key."""
    from prefect.settings import get_current_settings

    api = get_current_settings().api
    if api.auth_string is not None:
        token = base64.b64encode(api.auth_string.get_secret_value().encode()).decode()
        return {"authorization": f"Basic {token}"}
    return {} if api.key is None else {"authorization": f"Bearer {api.key.get_secret_value()}"}


def _credential() -> str:
    """Which setting was refused, never what is in it."""
    from prefect.settings import get_current_settings

    api = get_current_settings().api
    if api.auth_string is not None:
        return "PREFECT_API_AUTH_STRING"
    return "PREFECT_API_AUTH_STRING, which is not set" if api.key is None else "PREFECT_API_KEY"
