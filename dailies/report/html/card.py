"""One row as a card of the gallery. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dailies.ledger.entry import EntryStatus, LedgerEntry
from dailies.planning.outcome import reason_of
from dailies.report.html.figures import place_of
from dailies.report.html.video_links import VideoSource
from dailies.report.totals import model_of


@dataclass(frozen=True, slots=True)
class Card:
    """What a card shows; the template escapes every text.

    Attributes:
        name: the row's id, or its line.
        prompt: what was sent.
        model: the namespaced id.
        status: as in the ledger.
        reason: why there is no video.
        facts: duration, ratio, cost, waiting, place, in one line.
        tags: the metadata.
        columns: the metadata's values in the order of the filters.
        words: the text that a search looks through, in lower case.
        link: where the video is, empty if there is none.
        picture: the thumbnail as a ``data:`` URI, empty if there is none.
    """

    name: str
    prompt: str
    model: str
    status: str
    reason: str
    facts: str
    tags: tuple[str, ...]
    columns: tuple[str, ...]
    words: str
    link: str
    picture: str


def make_card(
    entry: LedgerEntry, columns: Sequence[str], sources: Mapping[str, VideoSource], pictures: Mapping[str, str]
) -> Card:
    """Make the card of a row from its last attempt."""
    job_id = entry.job_id or ""
    source = sources.get(job_id) if entry.status is EntryStatus.COMPLETED else None
    name = entry.prompt_id or f"line {entry.source_line}"
    if entry.take > 1:
        name = f"{name}, take {entry.take}"
    prompt, model = entry.prompt or "", model_of(entry)
    tags = tuple(f"{key}: {value}" for key, value in entry.metadata.items())
    return Card(
        name=name,
        prompt=prompt,
        model=model,
        status=str(entry.status),
        reason=reason_of(entry),
        facts=" · ".join(_facts(entry)),
        tags=tags,
        columns=tuple(entry.metadata.get(column, "") for column in columns),
        words=" ".join((prompt, name, place_of(entry), model, *tags, job_id)).lower(),
        link=source.link if source else "",
        picture=pictures.get(job_id, ""),
    )


def _facts(entry: LedgerEntry) -> list[str]:
    facts = [model_of(entry)]
    if entry.duration_s:
        facts.append(f"{entry.duration_s} s")
    if entry.aspect_ratio:
        facts.append(entry.aspect_ratio)
    if entry.charged_mxn is not None:
        facts.append(f"{entry.charged_mxn:,.2f} MXN")
    if entry.waited_s is not None:
        facts.append(f"waited {entry.waited_s:,.0f} s" if entry.waited_s >= 10 else f"waited {entry.waited_s:.1f} s")
    if entry.attempt > 1:
        facts.append(f"attempt {entry.attempt}")
    return [*facts, f"{entry.source} line {entry.source_line}"]
