"""What mirroring says to a person, and to a program."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from dailies.mirror.mirror_run import MirrorOutcome
from dailies.mirror.mirrored import CopyStatus
from dailies.wording import count


def mirror_facts(outcome: MirrorOutcome) -> dict[str, Any]:
    """The same for programs."""
    return {
        "target": outcome.target,
        "finished": outcome.total,
        "looked_at": len(outcome.looked_at),
        "uploads": outcome.uploads,
        "books": outcome.books,
        "exit_code": outcome.exit_code,
        "videos": [asdict(video) for video in outcome.looked_at],
    }


def mirror_lines(outcome: MirrorOutcome) -> Iterator[str]:
    """What was done; the last line is the verdict."""
    kept = outcome.total - len(outcome.looked_at)
    if kept:
        yield f"There already: {count(kept, 'video')}."
    if outcome.books:
        yield f"Books: {count(len(outcome.books), 'file')} of the ledger and the results brought up to date."
    found = outcome.statuses
    copied = f"{count(found[CopyStatus.COPIED], 'video')} copied to {outcome.target}"
    if not outcome.short:
        yield f"{copied}; everything is as it was paid."
        return
    missing = found[CopyStatus.MISSING]
    words = [copied]
    if found[CopyStatus.SHORT]:
        words.append(f"{count(found[CopyStatus.SHORT], 'video')} delivered short of what was paid")
    if missing:
        words.append(f"{count(missing, 'video')} could not be copied; the same command tries again")
    yield "; ".join(words) + "."


def shortfalls(outcome: MirrorOutcome) -> list[dict[str, str]]:
    """Every video that is not what was paid, with what is wrong."""
    return [
        {"name": video.name, "row_key": video.row_key, "job_id": video.job_id, "problem": "; ".join(video.problems)}
        for video in outcome.short
    ]
