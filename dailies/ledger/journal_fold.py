"""Fold: merge a journal into the ledger, then remove the journal. Interrupted runs are recovered like this."""

from pathlib import Path

from dailies.ledger.folder import LedgerFolder
from dailies.ledger.journal import JournalState, discard, is_live, journal_paths, seal, sweep
from dailies.system.failpoints import Failpoint, reach


def fold_batch(folder: LedgerFolder, batch_id: str, by: str) -> JournalState | None:
    """Fold one batch under the ledger's lock.

    Returns:
        The journal's content; None if another process has folded it.
    """
    with folder.lock():
        return _fold(folder, folder.journals / batch_id, by)


def fold_dead(folder: LedgerFolder, by: str, take_over: frozenset[str] = frozenset()) -> list[str]:
    """Fold every journal that no run works on, and the live ones that ``take_over`` names. Hold the ledger's lock.

    Returns:
        The ids of the folded batches.

    Raises:
        JournalDamagedError: a journal cannot be read; nothing more is folded.
    """
    folder.sweep()
    sweep(folder.journals)
    dead = [path for path in journal_paths(folder.journals) if path.name in take_over or not is_live(path)]
    return [path.name for path in dead if _fold(folder, path, by) is not None]


def _fold(folder: LedgerFolder, path: Path, by: str) -> JournalState | None:
    try:
        state = seal(path, by)
    except FileNotFoundError:
        return None
    folder.put(state.entries.values())
    reach(Failpoint.AFTER_FOLD)
    discard(path)
    return state
