"""Copies the ledger, the results and the reports beside the videos."""

import asyncio
import json
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dailies.errors import DeliveryError, MirrorError, TransportError
from dailies.ledger.folder import LedgerFolder
from dailies.mirror.copier import Copier
from dailies.mirror.names import plain_name
from dailies.mirror.target import find_same, put_verified, read_content
from dailies.settings import Settings

FOLDER = "books"
_IDENTITY = f"{FOLDER}/ledger/ledger.json"
_CONTENT_TYPES = {
    ".parquet": "application/vnd.apache.parquet",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".csv": "text/csv",
    ".html": "text/html",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True, slots=True)
class LedgerCopy:
    """What became of the ledger's, results' and reports' files.

    Attributes:
        written: names of the files that were written.
        problems: a message for each file that could not be.
    """

    written: Sequence[str] = ()
    problems: Sequence[str] = ()


async def copy_ledger_files(copier: Copier, ledger: LedgerFolder, settings: Settings) -> LedgerCopy:
    """Bring the target's copy of the ledger up to date.

    The journals of live runs are not copied: each run folds its own into the ledger when it ends.

    Raises:
        MirrorError: the target takes nothing more, or holds the copy of another ledger.
    """
    await _require_own(copier, ledger)
    written, problems = [], []
    for name, path in _ledger_files(ledger.path, settings.data_dir / "results"):
        try:
            if await _copy(copier, name, path):
                written.append(name)
        except (DeliveryError, TransportError) as error:
            problems.append(f"{name}: {error}")
    return LedgerCopy(tuple(written), tuple(problems))


async def _require_own(copier: Copier, ledger: LedgerFolder) -> None:
    if await copier.target.stat(_IDENTITY) is None:
        return
    content = b"".join([chunk async for chunk in copier.target.read(_IDENTITY)])
    try:
        owner = json.loads(content)["ledger_id"]
    except (ValueError, KeyError, TypeError):
        return
    if owner != ledger.identity.ledger_id:
        raise MirrorError(
            f"{copier.target.address(_IDENTITY)} is the copy of another ledger; mirror this one to another folder or"
            " prefix"
        )


async def _copy(copier: Copier, name: str, path: Path) -> bool:
    """Copy one file; return whether it had to be written."""
    draft = copier.drafts / f"{secrets.token_hex(8)}.part"
    try:
        await asyncio.to_thread(shutil.copyfile, path, draft)
        content = await asyncio.to_thread(read_content, draft)
        if await find_same(copier.target, name, content) is not None:
            return False
        await put_verified(copier.target, name, draft, _CONTENT_TYPES[path.suffix], content, replace=True)
        return True
    finally:
        draft.unlink(missing_ok=True)


def _ledger_files(ledger: Path, results: Path) -> Iterator[tuple[str, Path]]:
    for path in (ledger / "ledger.json", *sorted(ledger.glob("month=*/[!.]*.parquet"))):
        yield f"{FOLDER}/ledger/{path.relative_to(ledger).as_posix()}", path
    for path in sorted((ledger / "mirror").glob("[!.]*.parquet")):
        yield f"{FOLDER}/mirror/{path.name}", path
    for path in sorted(results.glob("[!.]*")):
        if path.suffix in _CONTENT_TYPES and path.is_file():
            yield f"{FOLDER}/results/{plain_name(path.stem) or 'results'}{path.suffix}", path
