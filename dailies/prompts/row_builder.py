"""Builds the rows of one source, record by record: takes, ids and the template; bad records become rejected rows."""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any, NamedTuple

from dailies.catalogue import load_catalogue
from dailies.errors import InputError, RowError
from dailies.naming import full_name
from dailies.prompts.cells import (
    Clip,
    Fault,
    check_error_text,
    check_id,
    check_prompt,
    plain_number,
    plain_ratio,
    read_take,
    shown,
)
from dailies.prompts.columns import Columns, plain_name
from dailies.prompts.error_texts import piles_up
from dailies.prompts.matrix import MAX_VIDEOS, read_clips, read_takes
from dailies.prompts.options import ReadOptions
from dailies.prompts.records import PILE, Notes, Records
from dailies.prompts.row_key import normal_text, rejected_key, row_key
from dailies.prompts.rows import PromptRow, RejectedRow
from dailies.prompts.sources.table import Table, refuse
from dailies.prompts.templates import check_template, fill

_REMEMBERED = 4096  # distinct combinations of cells; a file has a few dozen of them


_RATIOS = frozenset(ratio for model in load_catalogue().values() for ratio in model.aspect_ratios)


class _Draft(NamedTuple):
    """A good record that may still lack its takes."""

    line: int
    prompt_id: str | None
    prompt: str
    clips: tuple[Clip, ...]
    take: int | None
    takes: int
    metadata: Mapping[str, str]

    def key(self, clip: Clip, take: int) -> str:
        return row_key(self.prompt, clip.model, clip.duration_s, clip.aspect_ratio, take)


class Takes:
    """Which takes of which requests are in use, by row key.

    Explicit takes are reserved first, wherever they stand in the file; then each row without one gets the lowest free
    number, in the file's order. So a row without a take that is added at the end renumbers no earlier row.
    """

    def __init__(self) -> None:
        self._reserved: dict[str, int] = {}
        self._assigned: set[str] = set()
        self._next: dict[str, int] = {}

    def reserve(self, keys: Collection[str], line: int) -> int | None:
        """Reserve an explicit take of each request of a line; where one is in use, return its line."""
        for key in keys:
            if holder := self._reserved.get(key):
                return holder
        self._reserved.update(dict.fromkeys(keys, line))
        return None

    def assign(self, key_of: Callable[[int], str]) -> tuple[int, str]:
        """Assign the lowest free take of a request; call this when every explicit take is reserved."""
        take, key = 1, key_of(1)
        if self._is_used(key):
            first = key
            take = self._next.get(first, 2)
            while self._is_used(key := key_of(take)):
                take += 1
            self._next[first] = take + 1
        self._assigned.add(key)
        return take, key

    def _is_used(self, key: str) -> bool:
        return key in self._assigned or key in self._reserved


class RowBuilder:
    """Builds rows from the records of one source.

    Args:
        source: the name that rows carry.
        table: the source.
        columns: which of its columns is which.
        default_model: for rows that name none.
        template: for rows without a prompt of their own, in normal form; empty if there is none.
        options: what else the user asked for.
    """

    def __init__(
        self, source: str, table: Table, columns: Columns, default_model: str, template: str, options: ReadOptions
    ) -> None:
        self.rejected: list[RejectedRow] = []
        self.expanded = False
        self.notes = Notes(table.label, table.unit)
        self._records = Records(table, columns, self.notes)
        self._source = source
        self._table = table
        self._columns = columns
        self._default_model = default_model
        self._template = template
        self._check = None if options.allow_error_texts else check_error_text
        # With --others meta, a prompt may name every column of the file.
        self._header = tuple(plain_name(name) for name in table.header) if options.others == "meta" else ()
        self._names = tuple(dict.fromkeys((*columns.meta_names, *filter(None, self._header))))
        self._drafts: deque[_Draft] = deque()
        self._videos = 0
        self._lines_of_ids: dict[str, int] = {}
        self._takes = Takes()
        # Many rows share a few combinations of cells; the caches end with the file.
        self._clips = lru_cache(_REMEMBERED)(read_clips)
        self._metadata = lru_cache(_REMEMBERED)(partial(_metadata, columns.meta_names))
        self._template_is_checked = False

    def add(self, line: int, raw: tuple[Any, ...]) -> tuple[str, ...] | None:
        """Read one record; a bad one goes into ``rejected``. Return its cells as texts, None if it is blank.

        Raises:
            InputError: the records so far ask for too many videos, or the template needs columns that are not there.
        """
        record = self._records.read(line, raw)
        if record is None:
            return None
        cells, faults = record.cells, record.faults
        if record.is_lost:
            self._reject(line, cells, faults)
            return cells
        fitting = record.fitting
        own, prompt_id, model, duration, ratio, take, fallback, takes = self._columns.known(fitting)
        own, prompt_id = normal_text(own), normal_text(prompt_id)
        prompt = own or self._usable_template()
        if duration and not duration.isdecimal():
            duration = self._number(duration, line)
        if take or takes:
            take, takes = self._number(take, line), self._number(takes, line)
        if ratio and ratio not in _RATIOS:
            ratio = self._ratio(ratio, line)
        clips, wrong = self._clips(model.strip() or self._default_model, duration, ratio, fallback)
        number, times = read_take(take) if take else None, read_takes(takes, take) if takes else 1
        metadata = self._metadata(self._columns.meta(fitting))
        text, unfilled = self._fill(prompt, own, metadata, fitting) if "{" in prompt else (prompt, None)
        checks = (
            *(unfilled or (self._check_prompt(text),)),
            self._check_id(prompt_id, line),
            number,
            times,
            *wrong,
        )
        faults = [*faults, *(fault for fault in checks if isinstance(fault, Fault))]
        if not faults:
            assert not isinstance(number, Fault)
            assert not isinstance(times, Fault)
            faults = self._keep(_Draft(line, prompt_id or None, text, clips, number, times, metadata))
        if faults:
            self._reject(line, cells, _first_of_each(faults), prompt_id or None, prompt)
        return cells

    def rows(self) -> Iterator[PromptRow]:
        """Turn what was kept into rows, after the last record: only then every explicit take is known."""
        while self._drafts:  # let go of each draft when its row is made: there may be millions
            line, prompt_id, prompt, clips, explicit, takes, metadata = draft = self._drafts.popleft()
            for clip in clips if takes == 1 else (clip for clip in clips for _ in range(takes)):
                key_of = partial(draft.key, clip)
                take, key = self._takes.assign(key_of) if explicit is None else (explicit, key_of(explicit))
                model, duration_s, ratio, fallback = clip
                yield PromptRow(
                    key, self._source, line, prompt_id, prompt, model, duration_s, ratio, take, fallback, metadata
                )

    def _number(self, text: str, line: int) -> str:
        if not text or text.isdecimal():
            return text
        plain = plain_number(text)
        if plain != text:
            self.notes.add(f"{shown(text.strip())} is read as {plain}", line, "number")
        return plain

    def _ratio(self, text: str, line: int) -> str:
        plain = plain_ratio(text)
        if plain.replace(" ", "") != text.replace(" ", "") and all(part in _RATIOS for part in plain.split("|")):
            self.notes.add(f"{shown(text.strip())} is read as the ratio {plain}", line, "ratio")
            return plain
        return text

    def _check_prompt(self, text: str) -> Fault | None:
        return check_prompt(text) or (self._check("prompt", text) if self._check else None)

    def _usable_template(self) -> str:
        """Return the template if this source has its columns: checked once, not for each row."""
        if self._template and not self._template_is_checked:
            if faults := check_template(self._template, self._names):
                reasons = ((f"--template: {fault.reason}", fault.remedy) for fault in faults)
                raise InputError(tuple(RowError(self._table.label, None, None, *reason) for reason in reasons))
            self._template_is_checked = True
        return self._template

    def _fill(
        self, prompt: str, own: str, metadata: Mapping[str, str], cells: tuple[str, ...]
    ) -> tuple[str, list[Fault]]:
        """Fill a prompt in; ``{prompt}`` in a row's own prompt is the template, as in sheets of styles."""
        values, names = metadata, self._names
        if len(names) > len(self._columns.meta_names):
            texts = zip(self._header, map(normal_text, cells), strict=True)
            values = {**{name: text for name, text in texts if text}, **metadata}
        if own and self._template and "prompt" not in self._columns.meta_names and "{prompt}" in own.lower():
            template, faults = fill(self._template, values, names, self._check)
            if faults:
                return "", faults
            values, names = {**values, "prompt": template}, (*names, "prompt")
        text, faults = fill(prompt, values, names, self._check)
        self.expanded |= text != prompt
        return (normal_text(text), faults) if not piles_up(text) else ("", [*faults, PILE])

    def _keep(self, draft: _Draft) -> list[Fault]:
        if draft.take is not None:
            keys = [draft.key(clip, draft.take) for clip in draft.clips]
            if holder := self._takes.reserve(keys, draft.line):
                reason = f"{self._table.unit} {holder} already asks for take {draft.take} of the same request"
                return [Fault("take", reason, "give each its own take, or leave the column empty")]
        videos = len(draft.clips) * draft.takes
        self.expanded |= videos > 1
        self._videos += videos
        if self._videos > MAX_VIDEOS:
            reason = f"the rows up to here ask for more than {MAX_VIDEOS:,} videos"
            raise refuse(self._table.label, draft.line, reason, "split the file", self._table.unit)
        self._drafts.append(draft)
        return []

    def _check_id(self, prompt_id: str, line: int) -> Fault | None:
        if not prompt_id:
            return None
        if (holder := self._lines_of_ids.setdefault(prompt_id, line)) != line:
            reason = f"{shown(prompt_id)} is already the id of {self._table.unit} {holder}"
            return Fault("id", reason, "give each row its own id")
        return check_id(prompt_id) or (self._check("id", prompt_id) if self._check and prompt_id[0] == "#" else None)

    def _reject(
        self,
        line: int,
        cells: tuple[str, ...],
        faults: Iterable[Fault],
        prompt_id: str | None = None,
        prompt: str = "",
    ) -> None:
        errors = tuple(fault.at(self._table.label, line, self._table.unit) for fault in faults)
        key = rejected_key(full_name(self._source), line, cells)
        self.rejected.append(RejectedRow(key, self._source, line, cells, errors, prompt_id, prompt))


def _first_of_each(faults: Iterable[Fault]) -> list[Fault]:
    """Return the first fault of each cell: a cell that could not be read is not empty as well."""
    columns: set[str] = set()
    kept: list[Fault] = []
    for fault in faults:
        if fault.column is None or fault.column not in columns:
            kept.append(fault)
        columns.add(fault.column or "")
    return kept


def _metadata(names: tuple[str, ...], cells: tuple[str, ...]) -> Mapping[str, str]:
    texts = zip(names, map(normal_text, cells), strict=True)
    return {name: text for name, text in texts if text}
