"""The URL and keys of a sandbox's storage, kept in a file that only its owner can read."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from dailies.system.private_files import write_private


@dataclass(frozen=True, slots=True)
class StorageAddress:
    """All that a Supabase client needs.

    Attributes:
        url: for ``SUPABASE_URL``.
        anon_key: reads what is public.
        service_key: for ``SUPABASE_SERVICE_KEY``; may do everything.
    """

    url: str
    anon_key: str = field(repr=False)
    service_key: str = field(repr=False)


def write_storage_address(data_dir: Path, address: StorageAddress) -> None:
    """Keep the address in ``supabase.json`` (mode 0600)."""
    write_private(data_dir / "supabase.json", json.dumps(asdict(address), indent=2) + "\n")


def read_storage_address(data_dir: Path) -> StorageAddress | None:
    """Read the address that the folder's storage had at its last start; None if it never started."""
    try:
        return StorageAddress(**json.loads((data_dir / "supabase.json").read_text("utf-8")))
    except FileNotFoundError:
        return None
