"""Builds the rows of one source, record by record: takes, ids and the template; bad records become rejected rows."""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from typing import NamedTuple

from dailies.errors import InputError, RowError
from dailies.naming import full_name
from dailies.prompts.cells import Clip, Fault, check_id, check_prompt, read_take, shown
from dailies.prompts.columns import Columns
from dailies.prompts.matrix import MAX_VIDEOS, read_clips, read_takes
from dailies.prompts.row_key import normal_text, rejected_key, row_key
from dailies.prompts.rows import PromptRow, RejectedRow
from dailies.prompts.sources.table import Table, refuse
from dailies.prompts.templates import check_template, fill

_REMEMBERED = 4096  # distinct combinations of cells; a file has a few dozen of them


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
    """

    def __init__(self, source: str, table: Table, columns: Columns, default_model: str, template: str = "") -> None:
        self.rejected: list[RejectedRow] = []
        self.expanded = False
        self._source = source
        self._table = table
        self._columns = columns
        self._default_model = default_model
        self._template = template
        self._drafts: deque[_Draft] = deque()
        self._videos = 0
        self._lines_of_ids: dict[str, int] = {}
        self._takes = Takes()
        # Many rows share a few combinations of cells; the caches end with the file.
        self._clips = lru_cache(_REMEMBERED)(read_clips)
        self._metadata = lru_cache(_REMEMBERED)(partial(_metadata, columns.meta_names))
        self._template_is_checked = False

    def add(self, line: int, cells: tuple[str, ...]) -> None:
        """Read one record; a bad one goes into ``rejected``.

        Raises:
            InputError: the records so far ask for too many videos, or the template needs columns that are not there.
        """
        if len(cells) != self._columns.count:
            self._reject(line, cells, [_ragged(len(cells), self._columns.count)])
            return
        prompt, prompt_id, model, duration, ratio, take, fallback, takes = self._columns.known(cells)
        prompt, prompt_id = normal_text(prompt) or self._usable_template(), normal_text(prompt_id)
        clips, wrong = self._clips(model.strip() or self._default_model, duration, ratio, fallback)
        number, times = read_take(take) if take else None, read_takes(takes, take) if takes else 1
        metadata = self._metadata(self._columns.meta(cells))
        text, unfilled = self._fill(prompt, metadata) if "{" in prompt else (prompt, None)
        checks = (*(unfilled or (check_prompt(text),)), self._check_id(prompt_id, line), number, times, *wrong)
        faults = [fault for fault in checks if isinstance(fault, Fault)]
        if self._table.faults:
            faults = [*self._table.faults.pop(line, ()), *faults]
        if not faults:
            assert not isinstance(number, Fault)
            assert not isinstance(times, Fault)
            faults = self._keep(_Draft(line, prompt_id or None, text, clips, number, times, metadata))
        if faults:
            self._reject(line, cells, faults, prompt_id or None, prompt)

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

    def _usable_template(self) -> str:
        """The template, once it is known that this source has its columns: told once, not for each row."""
        if self._template and not self._template_is_checked:
            if faults := check_template(self._template, self._columns.meta_names):
                reasons = ((f"--template: {fault.reason}", fault.remedy) for fault in faults)
                raise InputError(tuple(RowError(self._table.label, None, None, *reason) for reason in reasons))
            self._template_is_checked = True
        return self._template

    def _fill(self, prompt: str, metadata: Mapping[str, str]) -> tuple[str, list[Fault]]:
        text, faults = fill(prompt, metadata, self._columns.meta_names)
        self.expanded |= text != prompt
        return normal_text(text), faults

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
        return check_id(prompt_id)

    def _reject(
        self,
        line: int,
        cells: tuple[str, ...],
        faults: Iterable[Fault],
        prompt_id: str | None = None,
        prompt: str = "",
    ) -> None:
        errors = tuple(RowError(self._table.label, line, *fault, self._table.unit) for fault in faults)
        key = rejected_key(full_name(self._source), line, cells)
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
