"""Which service the command speaks to: GeekHub where there is a key, else the sandbox, and then it says so."""

import os
from dataclasses import dataclass
from pathlib import Path

from dailies.errors import SettingsError
from dailies.folder import LedgerFolder
from dailies.sandbox.address import SandboxAddress
from dailies.sandbox.errors import SandboxError
from dailies.sandbox.process import start_sandbox
from dailies.settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class Service:
    """The settings to work with, and the sandbox that they lead to (None: a key was given)."""

    settings: Settings
    sandbox: SandboxAddress | None

    @property
    def is_real_money(self) -> bool:
        """Whether videos are paid for."""
        return self.settings.service == "live"

    def open_ledger(self) -> LedgerFolder:
        """The ledger of this service.

        Raises:
            LedgerError: the folder is unusable, or keeps the books of another account or sandbox.
        """
        folder = LedgerFolder.open(self.settings.ledger_path, self.settings.service)
        if self.sandbox is not None:
            folder.require_organisation(self.sandbox.org_id)
        return folder


def sandbox_folder(settings: Settings) -> Path:
    """Where the sandbox keeps its state."""
    return settings.data_dir / "sandbox"


def open_service(*, speed: float = 60.0) -> Service:
    """Read the settings; without a key start the sandbox (or find it running) and use it.

    Raises:
        SettingsError: a setting is wrong, or the sandbox does not start.
    """
    settings = load_settings()
    if settings.geekhub_api_key is not None:
        return Service(settings, None)
    try:
        sandbox = start_sandbox(sandbox_folder(settings), speed=speed)
    except (SandboxError, OSError) as error:
        raise SettingsError(f"No GEEKHUB_API_KEY is set, and the sandbox cannot be used instead: {error}") from None
    # Set here, at the edge, as a shell would by the sandbox's `export` lines: the flow reads the environment, too.
    os.environ.update(
        GEEKHUB_API_KEY=sandbox.api_key,
        GEEKHUB_BASE_URL=sandbox.base_url,
        DAILIES_TIME_SCALE=str(sandbox.time_scale),
        DAILIES_FX=f"*={sandbox.fx_mxn_per_usd}",
        DAILIES_FX_CEILING="0",
    )
    return Service(load_settings(), sandbox)
