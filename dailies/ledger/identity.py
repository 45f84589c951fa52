"""Whose ledger this is: ``ledger.json``."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from dailies.errors import LedgerError
from dailies.ledger.schema import SCHEMA_VERSION
from dailies.system.durable import replace_bytes

_ORGANISATION = re.compile(r"/generated-videos/([0-9a-f-]{36})/", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Identity:
    """A random id, the service (``live`` or ``sandbox``), and GeekHub's organisation once it is known."""

    ledger_id: str
    service: str
    organisation: str | None = None
    schema_version: int = SCHEMA_VERSION


def organisation_of(video_url: str | None) -> str | None:
    """Return the organisation in a video's URL (page "Storage"); None where there is none."""
    found = _ORGANISATION.search(video_url or "")
    return found[1].lower() if found else None


def read_identity(ledger: Path) -> Identity:
    """Read a ledger's identity.

    Raises:
        LedgerError: it is missing, damaged, or of another version.
    """
    path = ledger / "ledger.json"
    try:
        known = json.loads(path.read_text("utf-8"))
        version = known["schema_version"]
        if version == SCHEMA_VERSION:
            return Identity(**known)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise LedgerError(f"{path} is missing or damaged; restore it from a backup") from error
    raise LedgerError(f"{ledger} is a ledger of version {version}; this Dailies reads version {SCHEMA_VERSION}")


def write_identity(ledger: Path, identity: Identity) -> None:
    """Write a ledger's identity. Hold the ledger's lock.

    Raises:
        LedgerError: it cannot be written.
    """
    path = ledger / "ledger.json"
    try:
        replace_bytes(path, (json.dumps(asdict(identity), indent=2) + "\n").encode())
    except OSError as error:
        raise LedgerError(f"{path} cannot be written: {error.strerror}") from error
