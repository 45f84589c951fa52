"""Words the outcome of a mirror run for people and for programs."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from dailies.mirror.mirror_run import MirrorOutcome
from dailies.mirror.record import CopyStatus
from dailies.wording import count


def mirror_as_json(outcome: MirrorOutcome) -> dict[str, Any]:
    """Return the outcome for programs."""
    return {
        "target": outcome.target,
        "finished": outcome.total,
        "looked_at": len(outcome.videos),
        "uploads": outcome.uploads,
        "books": outcome.ledger_files,
        "exit_code": outcome.exit_code,
        "videos": [asdict(video) for video in outcome.videos],
    }


def mirror_lines(outcome: MirrorOutcome) -> Iterator[str]:
    """Yield what the run did; the last line is the result."""
    kept = outcome.total - len(outcome.videos)
    if kept:
        yield f"There already: {count(kept, 'video')}."
    if outcome.ledger_files:
        yield f"Copied {count(len(outcome.ledger_files), 'file')} of the ledger, the results and the reports."
    found = outcome.statuses
    copied = f"{count(found[CopyStatus.COPIED], 'video')} copied to {outcome.target}"
    if not outcome.short:
        yield f"{copied}; each is what was paid for."
        return
    missing = found[CopyStatus.MISSING]
    words = [copied]
    if found[CopyStatus.SHORT]:
        words.append(f"{count(found[CopyStatus.SHORT], 'video')} delivered short of what was paid")
    if missing:
        words.append(f"{count(missing, 'video')} could not be copied; the same command tries again")
    yield "; ".join(words) + "."


def shortfalls(outcome: MirrorOutcome) -> list[dict[str, str]]:
    """Return each video that is not what was paid for, with its problems."""
    return [
        {"name": video.name, "row_key": video.row_key, "job_id": video.job_id, "problem": "; ".join(video.problems)}
        for video in outcome.short
    ]
