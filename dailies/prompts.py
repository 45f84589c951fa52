"""A CSV of prompts: read, checked and keyed as a whole, before anything is spent."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple

from dailies.catalogue import load_catalogue
from dailies.cells import Clip, Fault, check_id, check_prompt, read_clip, read_take, shown
from dailies.columns import Columns, read_columns
from dailies.csvfile import open_csv, read_table
from dailies.errors import InputError, RowError, SettingsError
from dailies.rowkey import normal_text, rejected_key, row_key
from dailies.takes import Takes

_REMEMBERED = 4096  # distinct combinations of cells; a file has a few dozen of them


@dataclass(frozen=True, slots=True)
class PromptRow:
    """One video to make.

    Attributes:
        row_key: a UUID that is the same for the same request in any file (see ``dailies.rowkey``).
        source: the file, as the user named it, with forward slashes.
        source_line: the physical line in which the record starts; the file's first line is 1.
        prompt_id: the ``id`` column, None if it is empty.
        prompt: in normal form: what was hashed is what is sent.
        model: the namespaced id.
        duration_s: whole seconds.
        aspect_ratio: such as ``16:9``.
        take: which of several identical requests this is, from 1.
        fallback: models to try, in this order, when ``model`` has failed for good.
        metadata: the non-empty ``meta.`` columns without the prefix; to be read only, as rows share them.
    """

    row_key: str
    source: str
    source_line: int
    prompt_id: str | None
    prompt: str
    model: str
    duration_s: int
    aspect_ratio: str
    take: int
    fallback: tuple[str, ...]
    metadata: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that is never sent, and why.

    Attributes:
        row_key: a UUID of the file's name, the line and the raw cells.
        source: as in ``PromptRow``.
        source_line: as in ``PromptRow``.
        cells: the raw cells.
        errors: what is wrong with it.
        prompt_id: the ``id`` column, None if it is empty or cannot be told.
        prompt: in normal form, empty if it cannot be told.
    """

    row_key: str
    source: str
    source_line: int
    cells: tuple[str, ...]
    errors: tuple[RowError, ...]
    prompt_id: str | None
    prompt: str


@dataclass(frozen=True, slots=True)
class PromptFile:
    """A CSV of prompts; ``rows`` and ``rejected`` together are all its records, each in the file's order.

    Attributes:
        source: the file, as the user named it, with forward slashes.
        columns: the header's names as the file spells them.
        rows: what can be sent.
        rejected: what cannot; empty unless bad rows were to be skipped.
        records: the raw cells of every record by its physical line, in the file's order.
    """

    source: str
    columns: tuple[str, ...]
    rows: tuple[PromptRow, ...]
    rejected: tuple[RejectedRow, ...]
    records: Mapping[int, tuple[str, ...]]

    def first(self, records: int | None) -> "PromptFile":
        """Only the first so many records, with the row keys that they have in the whole file; None: all of them."""
        if records is None or records >= len(self.records):
            return self
        kept = dict(islice(self.records.items(), records))
        rows = tuple(row for row in self.rows if row.source_line in kept)
        rejected = tuple(row for row in self.rejected if row.source_line in kept)
        return PromptFile(self.source, self.columns, rows, rejected, kept)


def read_prompts(path: Path | str, *, default_model: str = "fal/kling-2", skip_bad_rows: bool = False) -> PromptFile:
    """Read a CSV of prompts: the whole file is checked, and every bad row is named.

    Columns: ``prompt`` (required), ``id``, ``model``, ``duration`` (seconds), ``aspect_ratio``, ``take``,
    ``fallback`` (``google/veo-3.1|fal/veo-3.1``) and ``meta.<name>``. Empty cells take the defaults. A row
    without a take has its number among the identical requests of the file, the explicit takes left out.

    Args:
        path: the file.
        default_model: for rows that name none.
        skip_bad_rows: give bad rows as ``rejected`` instead of refusing the file.

    Raises:
        InputError: the file is no usable CSV of prompts, or has bad rows; with every fault found.
        SettingsError: ``default_model`` is not in the catalogue.
    """
    if default_model not in load_catalogue():
        models = ", ".join(load_catalogue())
        raise SettingsError(f"the default model {shown(default_model)} does not exist; use one of {models}")
    source = Path(path).as_posix().encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    with open_csv(Path(path), source) as stream:
        prompts = parse_prompts(stream, source, default_model)
    if prompts.rejected and not skip_bad_rows:
        raise InputError(tuple(error for row in prompts.rejected for error in row.errors))
    return prompts


def parse_prompts(stream: BinaryIO, source: str, default_model: str) -> PromptFile:
    """Sort the records of an open CSV into rows and rejected rows; see ``read_prompts``.

    Raises:
        InputError: the file is no usable CSV of prompts.
    """
    table = read_table(stream, source, required="prompt")
    sorter = _Sorter(source, read_columns(table.header, source, table.header_line), default_model)
    records: dict[int, tuple[str, ...]] = {}
    for line, cells in table.records:
        records[line] = cells
        sorter.add(line, cells)
    if not records:
        raise InputError(
            (RowError(source, None, None, "the file has a header but no rows", "add a row for each video"),)
        )
    return PromptFile(source, table.header, tuple(sorter.rows()), tuple(sorter.rejected), records)


class _Draft(NamedTuple):
    """A good row that may still lack its take."""

    line: int
    prompt_id: str | None
    prompt: str
    clip: Clip
    take: int | None
    metadata: Mapping[str, str]

    def key(self, take: int) -> str:
        return row_key(self.prompt, self.clip.model, self.clip.duration_s, self.clip.aspect_ratio, take)


class _Sorter:
    """Tells good records from bad ones, and remembers what must not come twice in a file."""

    def __init__(self, source: str, columns: Columns, default_model: str) -> None:
        self.rejected: list[RejectedRow] = []
        self._source = source
        self._columns = columns
        self._default_model = default_model
        self._drafts: deque[_Draft] = deque()
        self._lines_of_ids: dict[str, int] = {}
        self._takes = Takes()
        # Many rows share a few combinations of cells; the caches end with the file.
        self._clip = lru_cache(_REMEMBERED)(read_clip)
        self._metadata = lru_cache(_REMEMBERED)(partial(_metadata, columns.meta_names))

    def add(self, line: int, cells: tuple[str, ...]) -> None:
        """Read one record; a bad one goes into ``rejected``."""
        if len(cells) != self._columns.count:
            self._reject(line, cells, [_ragged(len(cells), self._columns.count)])
            return
        prompt, prompt_id, model, duration, ratio, take, fallback = self._columns.known(cells)
        prompt, prompt_id = normal_text(prompt), normal_text(prompt_id)
        clip = self._clip(model.strip() or self._default_model, duration, ratio, fallback)
        number = read_take(take)
        found = (check_prompt(prompt), self._check_id(prompt_id, line), number)
        faults = [fault for fault in found if isinstance(fault, Fault)]
        if not isinstance(clip, Clip):
            faults += clip
        elif not faults:
            assert not isinstance(number, Fault)
            metadata = self._metadata(self._columns.meta(cells))
            faults = self._keep(_Draft(line, prompt_id or None, prompt, clip, number, metadata))
        if faults:
            self._reject(line, cells, faults, prompt_id or None, prompt)

    def rows(self) -> Iterator[PromptRow]:
        """Turn what was kept into rows, after the last record: only then every explicit take is known."""
        while self._drafts:  # let go of each draft when its row is made: there may be millions
            line, prompt_id, prompt, clip, take, metadata = draft = self._drafts.popleft()
            take, key = self._takes.give(draft.key) if take is None else (take, draft.key(take))
            model, duration_s, ratio, fallback = clip
            yield PromptRow(
                key, self._source, line, prompt_id, prompt, model, duration_s, ratio, take, fallback, metadata
            )

    def _keep(self, draft: _Draft) -> list[Fault]:
        if draft.take is not None and (holder := self._takes.reserve(draft.key(draft.take), draft.line)):
            reason = f"line {holder} already asks for take {draft.take} of the same request"
            return [Fault("take", reason, "give each its own take, or leave the column empty")]
        self._drafts.append(draft)
        return []

    def _check_id(self, prompt_id: str, line: int) -> Fault | None:
        if not prompt_id:
            return None
        if (holder := self._lines_of_ids.setdefault(prompt_id, line)) != line:
            reason = f"{shown(prompt_id)} is already the id of line {holder}"
            return Fault("id", reason, "give each row its own id")
        return check_id(prompt_id)

    def _reject(
        self,
        line: int,
        cells: tuple[str, ...],
        faults: Iterable[Fault],
        prompt_id: str | None = None,
        prompt: str = "",
    ) -> None:
        errors = tuple(RowError(self._source, line, *fault) for fault in faults)
        key = rejected_key(self._source, line, cells)
        self.rejected.append(RejectedRow(key, self._source, line, cells, errors, prompt_id, prompt))


def _metadata(names: tuple[str, ...], cells: tuple[str, ...]) -> Mapping[str, str]:
    texts = zip(names, map(normal_text, cells), strict=True)
    return {name: text for name, text in texts if text}


def _ragged(found: int, expected: int) -> Fault:
    if found < expected:
        reason = f"the line has only {found} of the header's {expected} cells"
        return Fault(None, reason, "add what is missing; a cell may be empty")
    reason = f"the line has {found} cells, but the header has {expected}"
    return Fault(None, reason, 'put double quotes around a cell with a delimiter in it: "a cat, a hat"')
