"""The matrix: one row can ask for several videos, a cell for each model, ratio and take that it names.

``model`` and ``aspect_ratio`` take several values with ``|`` between them, ``takes`` a number. A row is bought whole or
not at all: a ratio that one of its models does not have is a fault of the row.
"""

from dailies.prompts.cells import Clip, Fault, read_clip, read_number, shown

SEPARATOR = "|"
MAX_TAKES = 1_000
MAX_VIDEOS = 5_000_000

Clips = tuple[tuple[Clip, ...], tuple[Fault, ...]]
"""What a row asks for beside its prompt, and what is wrong with it: one of the two is empty."""


def read_takes(cell: str, take: str) -> int | Fault:
    """Read how many takes a row asks for; 1 if the cell is empty.

    Args:
        cell: the cell of ``takes``.
        take: the cell of ``take``, which names one take and excludes the other.
    """
    if not (text := cell.strip()):
        return 1
    number = read_number(text)
    if number is None or not 1 <= number <= MAX_TAKES:
        return Fault("takes", f"{shown(text)} is not a whole number from 1 to {MAX_TAKES:,}", "use 1, 2, 3 and so on")
    if take.strip():
        reason = "the row names one take and asks for several at once"
        return Fault("takes", reason, "leave either take or takes empty")
    return number


def read_clips(model: str, duration: str, aspect_ratio: str, fallback: str) -> Clips:
    """Resolve every cell of a row's matrix, models first, then ratios; or say all that is wrong with it.

    Args:
        model: ids with ``|`` between them, not empty.
        duration: the cell; empty means each model's default.
        aspect_ratio: ratios with ``|`` between them; empty means each model's first.
        fallback: the cell.
    """
    models, ratios = _parts("model", model), _parts("aspect_ratio", aspect_ratio)
    faults = [parts for parts in (models, ratios) if isinstance(parts, Fault)]
    if isinstance(models, Fault) or isinstance(ratios, Fault):
        return (), tuple(faults)
    found = [read_clip(name, duration, ratio, fallback) for name in models for ratio in ratios]
    clips = tuple(clip for clip in found if isinstance(clip, Clip))
    if len(clips) == len(found):
        return clips, ()
    return (), tuple(dict.fromkeys(fault for faults in found if not isinstance(faults, Clip) for fault in faults))


def _parts(column: str, cell: str) -> list[str] | Fault:
    if SEPARATOR not in cell:
        return [cell.strip()]
    parts = [part.strip() for part in cell.split(SEPARATOR)]
    if not all(parts):
        return Fault(column, f"{shown(cell.strip())} has an empty place beside a |", "fill it, or remove the |")
    for index, part in enumerate(parts):
        if part in parts[:index]:
            return Fault(column, f"{shown(part)} is named twice", "name each once; takes asks for several of the same")
    return parts
