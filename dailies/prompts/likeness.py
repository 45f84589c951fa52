"""Which foreign columns look like known ones: by their names in several languages, and by what stands in their cells.

A likeness is a proposal. It is applied only by ``--columns auto``; otherwise the message about a header proposes it.
"""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from dailies.catalogue import load_catalogue
from dailies.prompts.cells import COLUMNS, META, plain_number, plain_ratio, read_number

_NAMES: dict[str, frozenset[str]] = {
    "prompt": frozenset(
        """prompt|prompts|video prompt|prompt text|text prompt|text|texto|texte|testo|caption|captions|prompt en|
        description|descripcion|descricao|beschreibung|descrizione|instruction|instructions|script|guion|scene text|
        idea|concept|positive prompt|input text|提示词|プロンプト|промпт|描述""".replace("\n", "").split("|")
    ),
    "model": frozenset(
        [
            "model",
            "models",
            "engine",
            "video model",
            "modelo",
            "modell",
            "modele",
            "modello",
            "generator",
            "motor",
            "模型",
        ]
    ),
    "duration": frozenset(
        """duration|durations|seconds|secs|sec|length|length s|duration s|duration sec|duration seconds|clip length|
        duracion|duracao|dauer|duree|durata|segundos|sekunden|时长""".replace("\n", "").split("|")
    ),
    "aspect_ratio": frozenset(
        """aspect ratio|aspect|ratio|format|formato|seitenverhaltnis|relacion de aspecto|proporcion|bildformat|
        proporcao|rapport|frame""".replace("\n", "").split("|")
    ),
    "id": frozenset(
        [
            "id",
            "row id",
            "shot id",
            "shot",
            "sku",
            "handle",
            "key",
            "ref",
            "reference",
            "code",
            "codigo",
            "no",
            "nr",
            "number",
            "numero",
            "index",
        ]
    ),
    "take": frozenset(["take", "take number", "take no"]),
    "takes": frozenset(["takes", "variants", "variations", "versions", "copies", "how many", "versiones", "varianten"]),
    "fallback": frozenset(["fallback", "fallbacks", "fallback model", "backup", "backup model"]),
}
_ACCENTS = str.maketrans("áàâãäåçéèêëíìîïñóòôõöúùûüý", "aaaaaaceeeeiiiinooooouuuuy")
_MEANT = {
    "duration": re.compile(r"^\d+([.,]\d+)?\s*(s|secs?|seconds?|segs?|segundos?|sek|sekunden)\.?$", re.IGNORECASE),
    "aspect_ratio": re.compile(
        r"\d\s*[:x/\u00d7]\s*\d|\b(landscape|portrait|square|vertical|horizontal)\b", re.IGNORECASE
    ),
}
_NEAR = 0.8
_LONG = 12
_FEW = 3


def simple_name(name: str) -> str:
    """Return a name without capitals, accents and punctuation: ``Duración (s)`` is ``duracion s``."""
    return " ".join(re.sub(r"[\W_]+", " ", name.lower().translate(_ACCENTS)).split())


def is_like(name: str) -> bool:
    """Return whether a name is, in some language, the name of a known column."""
    simple = simple_name(name)
    return any(simple in names for names in _NAMES.values())


def propose(header: Sequence[str], records: Sequence[Sequence[str]], taken: Sequence[str] = ()) -> dict[str, int]:
    """Find the columns that look like known ones.

    Args:
        header: the names; one that is a known column already, or a label, is empty here.
        records: the cells of the first records.
        taken: known columns that the header has already.

    Returns:
        The position of each known column that was found, from 0. A column for which two candidates are equally good is
        left out.
    """
    cells = [
        [row[index].strip() for row in records if index < len(row) and row[index].strip()]
        for index in range(len(header))
    ]
    found: dict[str, int] = {}
    for target in ("model", "aspect_ratio", "duration", "prompt", "takes", "take", "fallback", "id"):
        if target in taken or (target == "take" and "takes" in found):
            continue
        scores = {
            index: score
            for index, name in enumerate(header)
            if index not in found.values() and (score := _likeness(target, name, cells[index]))
        }
        best = max(scores.values(), default=0.0)
        if list(scores.values()).count(best) == 1 and best:
            found[target] = next(index for index, score in scores.items() if score == best)
        elif target == "prompt" and (only := _only_long_text(header, cells, found)) is not None:
            found[target] = only
    return found


def looks_like_records(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row is a record like those below it, so that there is no header."""
    if not rows:
        return False
    models = load_catalogue()
    for cell in map(str.strip, rows[0]):
        if cell in models or plain_ratio(cell) in _ratios() or len(cell) > 60 or read_number(plain_number(cell)):
            return True
    return False


def _ratios() -> set[str]:
    return {ratio for model in load_catalogue().values() for ratio in model.aspect_ratios}


def _likeness(target: str, name: str, cells: list[str]) -> float:
    """Return how much a column looks like a known one, from 0; cells that mean it, but do not fit, need its very name.

    So ``10s`` in a column ``Length`` is a mistake of its row, and not a label of a video with the default duration.
    """
    fits = _fits(target, cells)
    if name.lower().startswith(META) or name.lower() in COLUMNS or not (fits or _are_meant(target, cells)):
        return 0.0
    simple = simple_name(name)
    if simple == simple_name(target):
        return 3.0
    if simple in _NAMES[target]:
        return 2.0
    if not fits:
        return 0.0
    if (
        simple
        and max(SequenceMatcher(None, simple, known).ratio() for known in _NAMES[target] if len(known) > _FEW) > _NEAR
    ):
        return 1.0
    if target in ("model", "aspect_ratio") and len(cells) > 0:  # only these tell by themselves what they are
        return 0.5
    return 0.0


def _fits(target: str, cells: list[str]) -> bool:
    match target:
        case "model" | "fallback":
            models = load_catalogue()
            return all(part.strip() in models for cell in cells for part in cell.split("|"))
        case "duration" | "take" | "takes":
            return all(read_number(plain_number(cell)) is not None for cell in cells)
        case "aspect_ratio":
            return bool(cells) and all(part in _ratios() for cell in cells for part in plain_ratio(cell).split("|"))
        case "id":
            return len(set(cells)) == len(cells) and all(len(cell) <= 100 and "\n" not in cell for cell in cells)
    return bool(cells) and any(map(_is_text, cells))


def _are_meant(target: str, cells: list[str]) -> bool:
    """Whether at least half of the cells say a model, a ratio or seconds, in whatever spelling."""
    families = "|".join({model.rpartition("/")[2].partition("-")[0] for model in load_catalogue()})
    patterns = {**_MEANT, "model": re.compile(rf"\b({families})\b", re.IGNORECASE)}
    if target not in patterns or not cells:
        return False
    return 2 * sum(_fits(target, [cell]) or bool(patterns[target].search(cell)) for cell in cells) >= len(cells)


def reads_like_text(cell: str) -> bool:
    """Whether a cell has several words and more letters than other characters, unlike a date and a time."""
    return " " in cell and 2 * sum(map(str.isalpha, cell)) > len(cell.replace(" ", ""))


def _is_text(cell: str) -> bool:
    return any(char.isalpha() for char in cell) and cell not in load_catalogue()


def _only_long_text(header: Sequence[str], cells: list[list[str]], found: dict[str, int]) -> int | None:
    """Return the only column of long texts, if there is exactly one."""
    long = [
        index
        for index in range(len(header))
        if index not in found.values()
        and not header[index].lower().startswith(META)
        and header[index].lower() not in COLUMNS
        and cells[index]
        and sum(reads_like_text(cell) and len(cell) > _LONG for cell in cells[index]) > 0.6 * len(cells[index])
    ]
    return long[0] if len(long) == 1 else None
