"""Chooses the service that the command uses: GeekHub where there is a key, else the sandbox."""

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from dailies.errors import SettingsError
from dailies.gateway.hosting.address import SandboxAddress, read_connection
from dailies.gateway.hosting.errors import SandboxError
from dailies.gateway.storage.address import read_storage_address
from dailies.ledger.folder import LedgerFolder
from dailies.settings import Settings, load_settings, variable


@dataclass(frozen=True, slots=True)
class Service:
    """GeekHub or a sandbox, and the settings to work with.

    Attributes:
        settings: they name the service and its ledger.
        sandbox_url: the page of the sandbox that the settings lead to; None with the user's own key, or without a
            known sandbox.
        sandbox_org_id: UUID of the organisation of that sandbox's key.
    """

    settings: Settings
    sandbox_url: str | None = None
    sandbox_org_id: str | None = None

    @property
    def is_real_money(self) -> bool:
        """Whether videos are paid for."""
        return self.settings.service == "live"

    def open_ledger(self) -> LedgerFolder:
        """Open the ledger of this service; create it if there is none.

        Raises:
            LedgerError: the folder is unusable, or belongs to another account or sandbox.
        """
        return LedgerFolder.open(self.settings.ledger_path, self.settings.service, self.sandbox_org_id)

    def find_ledger(self) -> LedgerFolder | None:
        """Open the ledger of this service; None if nothing was ever planned or run.

        Raises:
            LedgerError: as ``open_ledger``.
        """
        return self.open_ledger() if (self.settings.ledger_path / "ledger.json").exists() else None


def sandbox_folder(settings: Settings) -> Path:
    """Return the folder in which the sandbox keeps its state."""
    return settings.data_dir / "sandbox"


def stop_command(settings: Settings) -> str:
    """Return the command that stops that sandbox from any working folder and environment."""
    folder = sandbox_folder(settings)
    usual = folder == Path(Settings.model_fields["data_dir"].default, folder.name)
    return "dailies sandbox stop" + ("" if usual else f" --data-dir {shlex.quote(str(folder.resolve()))}")


def open_service() -> Service:
    """Read the settings; without a key, use the running sandbox or start one.

    Raises:
        SettingsError: a setting is wrong, the key is in a block, or the sandbox does not start.
    """
    from dailies.gateway.hosting.process import start_sandbox

    settings = _command_settings()
    if settings.geekhub_api_key is not None:
        return Service(settings)
    try:
        return _sandbox_service(start_sandbox(sandbox_folder(settings)))
    except SandboxError as error:
        raise SettingsError(f"No GEEKHUB_API_KEY is set, and the sandbox cannot be used instead: {error}") from None
    except OSError as error:
        raise SettingsError(
            f"No GEEKHUB_API_KEY is set, and the sandbox cannot be used instead: {error.filename} cannot be written"
            f" ({error.strerror}); choose another folder with DAILIES_DATA_DIR"
        ) from None


def find_service() -> Service:
    """Read the settings for a verb that only reads: without a key, use the running sandbox, but start none.

    Raises:
        SettingsError: a setting is wrong, or the key is in a block.
    """
    settings = _command_settings()
    known = None if settings.geekhub_api_key else read_connection(sandbox_folder(settings))
    return Service(settings) if known is None else _sandbox_service(known)


def _command_settings() -> Settings:
    """Read the settings with the command's own key or none; the flow must not take another key from a block."""
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
