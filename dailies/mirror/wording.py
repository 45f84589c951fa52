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
        "books": outcome.ledger.written,
        "books_problems": outcome.ledger.problems,
        "exit_code": outcome.exit_code,
        "videos": [asdict(video) for video in outcome.videos],
    }


def mirror_lines(outcome: MirrorOutcome) -> Iterator[str]:
    """Yield what the run did; the last line is the result."""
    kept = outcome.total - len(outcome.videos)
    if kept:
        yield f"There already: {count(kept, 'video')}."
    if outcome.ledger.written:
        yield f"Copied {count(len(outcome.ledger.written), 'file')} of the ledger, the results and the reports."
    for problem in outcome.ledger.problems:
        yield f"Not copied: {problem}"
    found = outcome.statuses
    words = [f"{count(found[CopyStatus.COPIED], 'video')} copied to {outcome.target}"]
    if found[CopyStatus.SHORT]:
        words.append(f"{count(found[CopyStatus.SHORT], 'video')} delivered short of what was paid")
    if found[CopyStatus.MISSING]:
        words.append(f"{count(found[CopyStatus.MISSING], 'video')} could not be copied; the same command tries again")
    if outcome.ledger.problems:
        words.append(f"{count(len(outcome.ledger.problems), 'file')} of the ledger could not be copied")
    if outcome.exit_code == 0:
        words.append("each is what was paid for")
    yield "; ".join(words) + "."


def shortfalls(outcome: MirrorOutcome) -> list[dict[str, str]]:
    """Return each video that is not what was paid for, with its problems."""
    return [
        {"name": video.name, "row_key": video.row_key, "job_id": video.job_id, "problem": "; ".join(video.problems)}
        for video in outcome.short
    ]
