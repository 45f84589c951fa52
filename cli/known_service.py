"""The service that the command speaks to, and the books that belong to it."""

from dataclasses import dataclass
from pathlib import Path

from dailies.ledger.folder import LedgerFolder
from dailies.settings import Settings


@dataclass(frozen=True, slots=True)
class Service:
    """GeekHub or a sandbox, and the settings to work with.

    Attributes:
        settings: what to work with.
        sandbox_url: the page of the sandbox that the settings lead to; None where a key was given, or none is known.
        sandbox_org_id: UUID of the organisation of that sandbox's key.
    """

    settings: Settings
    sandbox_url: str | None = None
    sandbox_org_id: str | None = None

    @property
    def name(self) -> str:
        """``live`` or ``sandbox``: which ledger this is."""
        return self.settings.service

    @property
    def is_real_money(self) -> bool:
        """Whether videos are paid for."""
        return self.name == "live"

    @property
    def ledger_path(self) -> Path:
        """Where this service's ledger is, or will be."""
        return self.settings.ledger_path

    def open_ledger(self) -> LedgerFolder:
        """The ledger of this service, made if there is none.

        Raises:
            LedgerError: the folder is unusable, or keeps the books of another account or sandbox.
        """
        folder = LedgerFolder.open(self.ledger_path, self.name)
        folder.require_organisation(self.sandbox_org_id)
        return folder

    def find_ledger(self) -> LedgerFolder | None:
        """The ledger of this service; None where nothing was ever planned or run.

        Raises:
            LedgerError: as ``open_ledger``.
        """
        return self.open_ledger() if (self.ledger_path / "ledger.json").exists() else None
