"""Where the header of a sheet stands: people write titles, dates and notes above it."""

from collections.abc import Callable, Sequence

from dailies.prompts.likeness import is_like

_DEEPEST = 20
_MOST_TITLES = 5


def find_header(rows: Sequence[Sequence[str]], places: Sequence[int], is_known: Callable[[str], bool]) -> int:
    """Find the header among the first rows that are not blank.

    It is the first row unless titles stand above it: rows with fewer filled cells than a row below that names columns,
    or, where no row does, above the row with the most names that look like those of columns; else single cells above
    the first row with several.

    Args:
        rows: the cells of the first rows.
        places: their lines.
        is_known: whether a name in lower case is that of a column.

    Returns:
        The index of the header.
    """
    filled = [sum(1 for cell in row if cell.strip()) for row in rows[:_DEEPEST]]
    known = [sum(is_known(cell.strip().lower()) for cell in row) for row in rows[:_DEEPEST]]
    if known and known[0]:
        return 0
    for index, count in enumerate(known):
        if not count:
            continue
        above = filled[:index]
        if filled[index] > 1:
            most = filled[index] - 1 if count * 2 >= filled[index] else 1
            return index if all(number <= most for number in above) else 0
        is_apart = index == 1 or places[index] > places[index - 1] + 1
        return index if filled[index] == 1 and is_apart and all(number == 1 for number in above) and index <= 3 else 0
    return _likest(rows[:_DEEPEST], filled) or _below_titles(rows[:_DEEPEST], filled)


def is_alone(rows: Sequence[Sequence[str]], places: Sequence[int]) -> bool:
    """Return whether a single cell stands apart above a single cell: then it may be a title or the header."""
    filled = [sum(1 for cell in row if cell.strip()) for row in rows]
    return filled[:2] == [1, 1] and places[1] > places[0] + 1


def _likest(rows: Sequence[Sequence[str]], filled: Sequence[int]) -> int:
    """Find the row with the most names of columns in any known language, if all rows above it are narrower."""
    likes = [sum(map(is_like, row)) if _are_names(row) else 0 for row in rows]
    index = likes.index(max(likes, default=0)) if any(likes) else 0
    is_wider = all(likes[index] > 1 and filled[index] > number for number in filled[:index])
    return index if index <= _MOST_TITLES and is_wider else 0


def _below_titles(rows: Sequence[Sequence[str]], filled: Sequence[int]) -> int:
    """Find the first row with several cells, if single first cells stand above it and the rows below look different."""
    index = next((index for index, number in enumerate(filled) if number > 1), 0)
    if not 0 < index <= _MOST_TITLES or not all(row[0].strip() for row in rows[:index]):
        return 0
    below = rows[index + 1 :]
    differ = sum(not _are_names(row) for row in below)
    return index if below and _are_names(rows[index]) and differ > len(below) / 2 else 0


def _are_names(row: Sequence[str]) -> bool:
    """Return whether cells are short enough for names of columns, and no numbers or pieces of a sentence."""
    cells = [cell for cell in row if cell.strip()]
    return all(len(cell.split()) <= 4 and not cell.strip().isdecimal() and cell[0] != " " for cell in cells)
