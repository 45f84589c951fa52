"""The ledger itself, the results and the reports, copied beside the videos."""

import asyncio
import hashlib
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from dailies.ledger.folder import LedgerFolder
from dailies.mirror.copier import Mirror
from dailies.mirror.names import plain_name
from dailies.mirror.target import Stored
from dailies.settings import Settings

FOLDER = "books"
_KINDS = {
    ".parquet": "application/vnd.apache.parquet",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".csv": "text/csv",
    ".html": "text/html",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


async def copy_books(mirror: Mirror, ledger: LedgerFolder, settings: Settings) -> tuple[str, ...]:
    """Bring the target's copy of the ledger up to date; the names of what was written.

    The journals of runs that are at work are not copied: they are folded into the ledger when the runs end.

    Raises:
        MirrorError: the target takes nothing more.
    """
    written = []
    for name, path in _books(ledger.path, settings.data_dir / "results"):
        draft = mirror.drafts / f"{secrets.token_hex(8)}.part"
        try:
            here = await asyncio.to_thread(_take, path, draft)
            if await mirror.target.look(name) != here:
                await mirror.target.put(name, draft, _KINDS[path.suffix], replace=True)
                written.append(name)
        finally:
            draft.unlink(missing_ok=True)
    return tuple(written)


def _books(ledger: Path, results: Path) -> Iterator[tuple[str, Path]]:
    for path in (ledger / "ledger.json", *sorted(ledger.glob("month=*/[!.]*.parquet"))):
        yield f"{FOLDER}/ledger/{path.relative_to(ledger).as_posix()}", path
    for path in sorted((ledger / "mirror").glob("[!.]*.parquet")):
        yield f"{FOLDER}/mirror/{path.name}", path
    for path in sorted(results.glob("[!.]*")):
        if path.suffix in _KINDS and path.is_file():
            yield f"{FOLDER}/results/{_plain(path)}", path


def _plain(path: Path) -> str:
    return f"{plain_name(path.stem) or 'results'}{path.suffix}"


def _take(path: Path, draft: Path) -> Stored:
    shutil.copyfile(path, draft)
    with draft.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
        return Stored(file.tell(), digest.hexdigest())
