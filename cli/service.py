"""Which service the command speaks to: GeekHub where there is a key, else the sandbox, and then it says so."""

import os
import shlex
from pathlib import Path

from cli.known_service import Service
from dailies.errors import SettingsError
from dailies.gateway.errors import SandboxError
from dailies.gateway.hosting.address import SandboxAddress, read_connection
from dailies.gateway.hosting.process import start_sandbox
from dailies.gateway.storage.address import read_storage_address
from dailies.settings import Settings, load_settings, variable


def sandbox_folder(settings: Settings) -> Path:
    """Where the sandbox keeps its state."""
    return settings.data_dir / "sandbox"


def stop_command(settings: Settings) -> str:
    """What stops that sandbox, whatever the environment in which it is typed."""
    folder = sandbox_folder(settings)
    usual = folder == Path(Settings.model_fields["data_dir"].default, folder.name)
    return "dailies sandbox stop" + ("" if usual else f" --data-dir {shlex.quote(str(folder.resolve()))}")


def open_service(*, speed: float = 60.0) -> Service:
    """Read the settings; without a key start the sandbox (or find it running) and use it.

    Raises:
        SettingsError: a setting is wrong, the key is in a block, or the sandbox does not start.
    """
    settings = _own_settings()
    if settings.geekhub_api_key is not None:
        return Service(settings)
    try:
        return _sandbox_service(start_sandbox(sandbox_folder(settings), speed=speed))
    except SandboxError as error:
        raise SettingsError(f"No GEEKHUB_API_KEY is set, and the sandbox cannot be used instead: {error}") from None
    except OSError as error:
        raise SettingsError(
            f"No GEEKHUB_API_KEY is set, and the sandbox cannot be used instead: {error.filename} cannot be written"
            f" ({error.strerror}); choose another folder by DAILIES_DATA_DIR"
        ) from None


def find_service() -> Service:
    """The same for verbs that only read: a sandbox that is not running is left alone.

    Raises:
        SettingsError: a setting is wrong, or the key is in a block.
    """
    settings = _own_settings()
    known = None if settings.geekhub_api_key else read_connection(sandbox_folder(settings))
    return Service(settings) if known is None else _sandbox_service(known)


def _own_settings() -> Settings:
    """The settings with the command's own key or none; the flow that it starts must not take another from a block."""
    settings = load_settings()
    if settings.credentials_block is None:
        return settings
    if settings.geekhub_api_key is None:
        raise SettingsError(
            f"The key is in the block {settings.credentials_block!r} of a Prefect server, for deployments: set"
            " GEEKHUB_API_KEY for the command line, or unset DAILIES_CREDENTIALS_BLOCK for the sandbox."
        )
    os.environ[variable("credentials_block")] = ""
    return load_settings()


def _sandbox_service(sandbox: SandboxAddress) -> Service:
    # Set here, at the edge, as a shell would by the sandbox's `export` lines: the flow reads the environment, too.
    os.environ.update(
        GEEKHUB_API_KEY=sandbox.api_key,
        GEEKHUB_BASE_URL=sandbox.base_url,
        DAILIES_CREDENTIALS_BLOCK="",
        DAILIES_TIME_SCALE=str(sandbox.time_scale),
        DAILIES_FX=f"*={sandbox.fx_mxn_per_usd}",
        DAILIES_FX_CEILING="1",
    )
    settings = load_settings()
    storage = read_storage_address(sandbox_folder(settings))
    if settings.supabase_url is None and storage is not None:
        os.environ.update(SUPABASE_URL=storage.url, SUPABASE_SERVICE_KEY=storage.service_key)
        settings = load_settings()
    return Service(settings, sandbox.root_url, sandbox.org_id)
