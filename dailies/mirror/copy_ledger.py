"""Copies the ledger, the results and the reports beside the videos."""

import asyncio
import hashlib
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from dailies.ledger.folder import LedgerFolder
from dailies.mirror.copier import Copier
from dailies.mirror.names import plain_name
from dailies.mirror.target import Stored
from dailies.settings import Settings

FOLDER = "books"
_CONTENT_TYPES = {
    ".parquet": "application/vnd.apache.parquet",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".csv": "text/csv",
    ".html": "text/html",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


async def copy_ledger_files(copier: Copier, ledger: LedgerFolder, settings: Settings) -> tuple[str, ...]:
    """Bring the target's copy of the ledger up to date and return the names of the files that were written.

    The journals of live runs are not copied: each run folds its own into the ledger when it ends.

    Raises:
        MirrorError: the target takes nothing more.
    """
    written = []
    for name, path in _ledger_files(ledger.path, settings.data_dir / "results"):
        draft = copier.drafts / f"{secrets.token_hex(8)}.part"
        try:
            here = await asyncio.to_thread(_copy, path, draft)
            if await copier.target.stat(name) != here:
                await copier.target.put(name, draft, _CONTENT_TYPES[path.suffix], replace=True)
                written.append(name)
        finally:
            draft.unlink(missing_ok=True)
    return tuple(written)


def _ledger_files(ledger: Path, results: Path) -> Iterator[tuple[str, Path]]:
    for path in (ledger / "ledger.json", *sorted(ledger.glob("month=*/[!.]*.parquet"))):
        yield f"{FOLDER}/ledger/{path.relative_to(ledger).as_posix()}", path
    for path in sorted((ledger / "mirror").glob("[!.]*.parquet")):
        yield f"{FOLDER}/mirror/{path.name}", path
    for path in sorted(results.glob("[!.]*")):
        if path.suffix in _CONTENT_TYPES and path.is_file():
            yield f"{FOLDER}/results/{plain_name(path.stem) or 'results'}{path.suffix}", path


def _copy(path: Path, draft: Path) -> Stored:
    shutil.copyfile(path, draft)
    with draft.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
        return Stored(file.tell(), digest.hexdigest())
