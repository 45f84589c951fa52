"""Texts that no person wrote: errors of spreadsheets and programs, and texts in which there is nothing to see.

They cost money when they are sent as prompts, so the reader refuses them. The list follows what Excel, Google
Sheets and LibreOffice show in several languages, and what pandas and JavaScript write for a missing value.
"""

import re
import unicodedata
from functools import cache

_WORDS = frozenset(
    """nan -nan nat none null (null) <na> na n/a #na #nv #yok undefined nil nil! #getting_data #n/a #n/a!
    loading... loading\u2026 cargando... cargando\u2026 chargement... chargement\u2026 laden... laden\u2026
    carregando... carregando\u2026 caricamento... caricamento\u2026 1.#ind -1.#ind 1.#qnan -1.#qnan 1.#inf
    [object object]""".replace("[object object]", "").split()
) | {"#n/a n/a", "wird geladen...", "wird geladen\u2026", "[object object]"}
# #REF! #NAME? #\u00a1REF! #\u00bfNOMBRE? #BEZUG! #DIV/0! #N/D #\u041d/\u0414 Err:502 #####
_SHAPE = re.compile(r"#[\u00a1\u00bf]?[^\W\d_][\w/.]{0,24}[!?]|#[^\W\d_]{1,6}/[^\W\d_]{1,6}|Err:\d{3}|#{3,}")
_OBJECT = "[object Object]"
_LONGEST = 40
MARKS = 100  # Unicode Standard Annex 15 expects 30 at most ("Stream-Safe Text Format")
# Blank or ignorable, although Unicode calls them letters, marks or symbols.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Mn", "Me", "Zl", "Zp", "Zs"})


def is_error_text(text: str) -> bool:
    """Return whether a cell is what a spreadsheet or a program writes for a value that it does not have."""
    if _OBJECT in text:
        return True
    if len(text) > _LONGEST:
        return False
    plain = text.strip()
    if plain.lower() in _WORDS:
        return True
    return (_SHAPE.fullmatch(plain) is not None and plain.upper() == plain) or (
        plain[:4] == "Err:" and plain[4:].isdigit()
    )


def is_seen(text: str) -> bool:
    """Return whether there is anything to see in a text."""
    if text[:1].isalnum() and text[0] not in _BLANK:
        return True
    return any(char not in _BLANK and unicodedata.category(char) not in _UNSEEN for char in text)


def piles_up(text: str) -> bool:
    """Return whether one letter has more marks than any script uses: ordering them takes quadratic time."""
    return len(text) > MARKS and not text.isascii() and _pile().search(text) is not None


@cache
def _pile() -> "re.Pattern[str]":
    marks = "".join(char for char in map(chr, range(0x300, 0x1F000)) if unicodedata.combining(char))
    return re.compile(f"[{re.escape(marks)}]{{{MARKS}}}")


def seen_part(text: str) -> str:
    """Return a text without byte order marks, other invisible characters, quotes and blanks around it."""
    return text.strip().strip("\ufeff\u200b\u2060 \"'")
