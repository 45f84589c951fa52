"""Reads the cells of one row: each becomes a value, or a fault that says what to do.

The rules are those of GeekHub's pages "POST /v1/videos/generations" (prompt, duration) and "Video models"
(durations and ratios of each model). Numbers are plain ASCII digits. Two forms that spreadsheets and programs make of
them are certain and are read as well: ``5.0`` for 5, and the time ``16:09`` for the ratio 16:9. Everything else that
would need a guess (``5s``, ``1e1``, full-width digits) is refused, because a wrong guess costs money.
"""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import NamedTuple

from dailies.catalogue import VideoModel, load_catalogue
from dailies.errors import RowError
from dailies.prompts.error_texts import is_error_text, is_seen

COLUMNS = ("prompt", "id", "model", "duration", "aspect_ratio", "take", "fallback", "takes")
META = "meta."
MAX_PROMPT_CHARACTERS = 4000
MAX_TAKE = 1_000_000

# Everything of Unicode's class Cc but tab and LF; and lone surrogates, which UTF-8 cannot carry.
_UNSENDABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_DIGITS = re.compile("[0-9]+")
_WHOLE = re.compile(r"([0-9]+)[.,]0{1,2}")  # not 5.000, which is five thousand in some countries
_TIME = re.compile(r"0*([0-9]{1,2}):0*([0-9]{1,2})(?::00)?\s*([ap]m)?", re.IGNORECASE)
_ENDLESS = 10**9


class Fault(NamedTuple):
    """What is wrong with a cell; a ``RowError`` once it has a file and a line."""

    column: str | None
    reason: str
    remedy: str

    def at(self, label: str, place: int | None, unit: str = "line") -> RowError:
        """Return the fault with its place."""
        return RowError(label, place, self.column, self.reason, self.remedy, unit)


class Clip(NamedTuple):
    """What a row asks for beside its prompt, resolved: nothing is left to a default."""

    model: str
    duration_s: int
    aspect_ratio: str
    fallback: tuple[str, ...]


def shown(text: str) -> str:
    """Make a user's text fit for a message: one short line of printable characters."""
    short = text if len(text) <= 40 else f"{text[:37]}..."
    return "".join(char if char.isprintable() else f"<U+{ord(char):04X}>" for char in short)


def check_prompt(prompt: str) -> Fault | None:
    """Check a prompt in normal form: 1 to 4000 characters (code points), none of them a control character."""
    if not prompt:
        return Fault("prompt", "the prompt is empty", "write what the video shows, or remove the row")
    if len(prompt) > MAX_PROMPT_CHARACTERS:
        over = len(prompt) - MAX_PROMPT_CHARACTERS
        reason = f"the prompt has {len(prompt)} characters, {over} more than GeekHub takes"
        return Fault("prompt", reason, "shorten it")
    if (fault := _unsendable("prompt", prompt)) is not None:
        return fault
    if not is_seen(prompt):
        reason = f"there is nothing to see in it ({shown(prompt)})"
        return Fault("prompt", reason, "write what the video shows, or remove the row")
    return None


def check_error_text(column: str, text: str) -> Fault | None:
    """Refuse a cell that is the error of a spreadsheet or a program, such as ``#REF!`` or ``nan``."""
    if not is_error_text(text):
        return None
    remedy = "put the cell right where the sheet was made, or say --allow-error-texts if you mean this text"
    return Fault(column, f"{shown(text)} is the error of a spreadsheet or a program, not a text", remedy)


def plain_number(text: str) -> str:
    """Write ``5.0`` as ``5``; any other text stays as it is."""
    found = _WHOLE.fullmatch(text.strip())
    return found[1] if found else text


def plain_ratio(text: str) -> str:
    """Write ratios that a spreadsheet took for times (``16:09``, ``04:09 PM``) as ratios; leave other texts alone."""
    parts = [_TIME.fullmatch(part.strip()) for part in text.split("|")]
    if not all(parts):
        return text
    return "|".join(_ratio_of(part) for part in parts if part)


def _ratio_of(time: "re.Match[str]") -> str:
    hour, half = int(time[1]), (time[3] or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    return f"{hour}:{int(time[2])}"


def check_id(prompt_id: str) -> Fault | None:
    """Check an id in normal form: one line without control characters."""
    if "\n" in prompt_id:
        return Fault("id", f"{shown(prompt_id)} runs over several lines", "keep an id on one line")
    return _unsendable("id", prompt_id)


def _unsendable(column: str, text: str) -> Fault | None:
    if (found := _UNSENDABLE.search(text)) is None:
        return None
    reason = f"character {found.start() + 1} is the control character U+{ord(found[0]):04X}"
    return Fault(column, reason, "remove it")


def read_take(cell: str) -> int | Fault | None:
    """Read which of several identical requests this is, from 1; None leaves it to the row's place."""
    if not (text := cell.strip()):
        return None
    take = read_number(text)
    if take is None or not 1 <= take <= MAX_TAKE:
        remedy = "use 1, 2, 3 and so on, or leave it empty"
        return Fault("take", f"{shown(text)} is not a whole number from 1 to {MAX_TAKE:,}", remedy)
    return take


def read_clip(model: str, duration: str, aspect_ratio: str, fallback: str) -> Clip | tuple[Fault, ...]:
    """Resolve what is asked for against the catalogue, or say all that is wrong with it.

    Args:
        model: the namespaced id, not empty.
        duration: the cell; empty means the model's default.
        aspect_ratio: the cell; empty means the model's first.
        fallback: the cell; ids with ``|`` between them, each able to make the same clip.
    """
    found = load_catalogue().get(model)
    if found is None:
        return _unknown_model("model", model), *_unreadable_duration(duration)
    seconds = _duration_s(duration.strip(), found)
    ratio = _ratio(aspect_ratio.strip(), found)
    others = tuple(name for part in fallback.split("|") if (name := part.strip()))
    faults = [value for value in (seconds, ratio) if isinstance(value, Fault)]
    faults += _fallback_faults(others, found, seconds, ratio)
    if faults or isinstance(seconds, Fault) or isinstance(ratio, Fault):
        return tuple(faults)
    return Clip(model, seconds, ratio, others)


def read_number(text: str) -> int | None:
    """Return plain digits as a number, else None; ten or more count as one very large number."""
    if not _DIGITS.fullmatch(text):
        return None
    return int(text) if len(text) < 10 else _ENDLESS


def _unknown_model(column: str, name: str) -> Fault:
    near = get_close_matches(name, load_catalogue(), n=1)
    remedy = f"did you mean {near[0]}?" if near else f"use one of {', '.join(load_catalogue())}"
    return Fault(column, f"there is no model {shown(name)}", remedy)


def _unreadable_duration(cell: str) -> Iterator[Fault]:
    """Yield the faults of a duration whose model is unknown."""
    if (text := cell.strip()) and not read_number(text):
        yield Fault("duration", _not_whole(text), "use whole seconds from 1")


def _not_whole(text: str) -> str:
    return f"{shown(text)} is not a whole number of seconds in plain digits"


def _duration_s(text: str, model: VideoModel) -> int | Fault:
    if not text:
        return model.default_duration_s
    seconds, remedy = read_number(text), f"use 1 to {model.max_duration_s}"
    if seconds is None:
        return Fault("duration", _not_whole(text), remedy)
    if seconds < 1:
        return Fault("duration", "0 s, but a video lasts at least 1 s", remedy)
    if seconds > model.max_duration_s:
        limit = f"but {model.id} takes at most {model.max_duration_s} s"
        return Fault("duration", f"{shown(text)} s, {limit}", remedy)
    return seconds


def _ratio(text: str, model: VideoModel) -> str | Fault:
    if not text:
        return model.aspect_ratios[0]
    if text in model.aspect_ratios:
        return text
    *most, last = model.aspect_ratios
    return Fault("aspect_ratio", f"{model.id} has no {shown(text)}", f"use {', '.join(most)} or {last}")


def _fallback_faults(
    names: tuple[str, ...], first: VideoModel, seconds: int | Fault, ratio: str | Fault
) -> Iterator[Fault]:
    """Yield the faults of fallbacks: each must be another model that can make the very same clip."""
    for index, name in enumerate(names):
        other = load_catalogue().get(name)
        if other is None:
            yield _unknown_model("fallback", name)
        elif other is first or name in names[:index]:
            yield Fault("fallback", f"{name} is named already for this row", "name each model once")
        elif isinstance(seconds, int) and seconds > other.max_duration_s:
            reason = f"{name} takes at most {other.max_duration_s} s, but the row asks for {seconds} s"
            yield Fault("fallback", reason, "choose another fallback, or shorten the row's duration")
        elif isinstance(ratio, str) and ratio not in other.aspect_ratios:
            remedy = "choose another fallback, or one of its ratios for the row"
            yield Fault("fallback", f"{name} has no {ratio}, which the row asks for", remedy)
