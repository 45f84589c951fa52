"""Breaks a plan down: each kind of video with its price, and requests that are there more than once. Pure."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from decimal import Decimal

from dailies.planning.plan import Plan
from dailies.pricing import ZERO
from dailies.prompts.reader import PromptFile, PromptRow

_SHOWN_PLACES = 5


@dataclass(frozen=True, slots=True)
class PricedCell:
    """One kind of video, over all rows that ask for it.

    Attributes:
        model: the namespaced id.
        aspect_ratio: such as ``16:9``.
        duration_s: seconds of one video.
        each_mxn: the worst case of one video, including its fallback models.
        videos: how many the plan contains.
    """

    model: str
    aspect_ratio: str
    duration_s: int
    each_mxn: Decimal
    videos: int

    @property
    def worst_mxn(self) -> Decimal:
        """The worst case of all of them."""
        return self.each_mxn * self.videos


def price_cells(plan: Plan) -> list[PricedCell]:
    """List every kind of video of a plan, in the order of its rows."""
    kinds: dict[tuple[str, str, int, Decimal], int] = defaultdict(int)
    for row in plan.todo:
        entry = row.entry
        kinds[entry.model or "?", entry.aspect_ratio or "?", entry.duration_s or 0, entry.worst_mxn or ZERO] += 1
    return [PricedCell(*kind, videos) for kind, videos in kinds.items()]


def size_words(prompts: PromptFile) -> str:
    """Describe the size for people: ``50 rows``, ``50 rows x 8 = 400 videos``."""
    records, videos = prompts.record_count, len(prompts.rows) + len(prompts.repeats)
    rows = f"{records:,} row{'' if records == 1 else 's'}"
    if not prompts.expanded:
        return rows
    good = records - len(prompts.rejected)
    each = f" x {videos // good}" if good and _is_even(prompts) else ""
    return f"{rows}{each} = {videos:,} video{'' if videos == 1 else 's'}"


def _is_even(prompts: PromptFile) -> bool:
    """Return whether every record asks for the same number of videos."""
    return len(set(Counter((row.source, row.source_line) for row in (*prompts.rows, *prompts.repeats)).values())) == 1


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Records that ask for the same video.

    Attributes:
        places: their sources and lines, such as ``prompts.csv line 3``, in order.
        prompt: their prompt.
        videos: how many videos they get together.
        shared: whether they are in several sources and share the videos.
    """

    places: tuple[str, ...]
    prompt: str
    videos: int
    shared: bool

    def __str__(self) -> str:
        first, *others = self.places[:_SHOWN_PLACES]
        also = ", ".join(others) + (
            f" and {len(self.places) - _SHOWN_PLACES} more" * (len(self.places) > _SHOWN_PLACES)
        )
        if self.shared:
            return f"The same request in two sources, made once: {first} and {also}."
        return f"The same request more than once, so {self.videos} takes are made: {first} and {also}."


def find_duplicates(prompts: PromptFile) -> list[Duplicate]:
    """Find equal requests: on several lines of a source each is its own take; several sources share one video."""
    return [*_within(prompts), *_between(prompts)]


def _within(prompts: PromptFile) -> list[Duplicate]:
    again = {_request(row) for row in prompts.rows if row.take > 1}
    places: dict[tuple[str, str, int, str, str], list[PromptRow]] = defaultdict(list)
    for row in prompts.rows if again else ():
        if (request := _request(row)) in again:
            places[request].append(row)
    found: dict[tuple[str, ...], Duplicate] = {}  # a matrix repeats every cell: report it once
    for rows in places.values():
        lines = tuple(dict.fromkeys(_place(row) for row in rows))
        if len(lines) > 1:
            before = found.get(lines)
            found[lines] = Duplicate(lines, rows[0].prompt, len(rows) + (before.videos if before else 0), shared=False)
    return list(found.values())


def _between(prompts: PromptFile) -> list[Duplicate]:
    keys = {row.row_key for row in prompts.repeats}
    first = {row.row_key: row for row in prompts.rows if row.row_key in keys} if keys else {}
    found: dict[tuple[str, ...], Duplicate] = {}
    for row in prompts.repeats:
        if row.row_key in first:
            places = (_place(first[row.row_key]), _place(row))
            before = found.get(places)
            found[places] = Duplicate(places, row.prompt, 1 + (before.videos if before else 0), shared=True)
    return list(found.values())


def _request(row: PromptRow) -> tuple[str, str, int, str, str]:
    return row.source, row.model, row.duration_s, row.aspect_ratio, row.prompt


def _place(row: PromptRow) -> str:
    return f"{row.source} line {row.source_line}"
