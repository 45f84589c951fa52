"""The password of the Prefect server that Dailies starts: without it, every web page could use the server.

A browser lets any page send requests to 127.0.0.1, and Prefect's API hands out keys and starts runs. The password
lasts as long as its file, so browsers, workers and scripts that know it survive a restart of the server.
"""

import os
import secrets
from pathlib import Path

from dotenv import dotenv_values

from dailies.system.private_files import write_private

_URL, _PASSWORD = "PREFECT_API_URL", "PREFECT_API_AUTH_STRING"


def password_path() -> Path:
    """Return the file, mode 0600, that gives a shell the server's address and password: ``. <path>``."""
    from prefect.settings import get_current_settings

    return get_current_settings().home / "dailies-server.env"


def read_password() -> str | None:
    """Return the password of the server that we start; None before the first start, or if the file is damaged."""
    try:
        return dotenv_values(password_path(), interpolate=False).get(_PASSWORD) or None
    except (OSError, ValueError):
        return None


def protect(api_url: str) -> dict[str, str]:
    """Return the settings of a server that is about to start: its password, and its UI as the only origin.

    A password that the user has set for Prefect comes first; else the file has it, and is written here.

    Raises:
        OSError: the file cannot be written.
    """
    from prefect.settings import get_current_settings

    settings = get_current_settings()
    chosen = settings.server.api.auth_string or settings.api.auth_string
    if chosen:
        password_path().unlink(missing_ok=True)
    password = chosen.get_secret_value() if chosen else _keep_password(api_url)
    return {
        "PREFECT_SERVER_API_AUTH_STRING": password,
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": _origins(settings.server.api.cors_allowed_origins, api_url),
    }


def _keep_password(api_url: str) -> str:
    password = read_password() or f"dailies:{secrets.token_urlsafe(24)}"
    write_private(password_path(), f"export {_URL}={api_url}\nexport {_PASSWORD}={password}\n")
    return password


def _origins(chosen: str, api_url: str) -> str:
    """Return the origins that a user has chosen; instead of Prefect's default, all, those of the server's UI."""
    ui = api_url.removesuffix("/api")
    return chosen if chosen != "*" else f"{ui},{ui.replace('127.0.0.1', 'localhost')}"


def use_server(api_url: str, password: str | None) -> None:
    """Let Prefect, in this process and in its children, use a server; a password that the user has set stays."""
    from prefect.context import refresh_global_settings_context
    from prefect.settings import get_current_settings

    os.environ[_URL] = api_url
    if password is not None and get_current_settings().api.auth_string is None:
        os.environ[_PASSWORD] = password
    refresh_global_settings_context()
