"""Where a sandbox's storage is and how to speak to it; kept in a file that only its owner can read."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path


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
    """Keep it in ``supabase.json``, readable by its owner only (mode 0600); replaces an earlier one whole."""
    draft = data_dir / f".supabase.{os.getpid()}.json"
    draft.unlink(missing_ok=True)
    kept = {"url": address.url, "anon_key": address.anon_key, "service_key": address.service_key}
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(kept, file, indent=2)
        file.write("\n")
    draft.replace(data_dir / "supabase.json")


def read_storage_address(data_dir: Path) -> StorageAddress | None:
    """The storage of the folder's sandbox when it was last started; None if it never was."""
    try:
        return StorageAddress(**json.loads((data_dir / "supabase.json").read_text("utf-8")))
    except FileNotFoundError:
        return None
