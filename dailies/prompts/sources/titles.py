"""Where the header of a sheet stands: people write titles, dates and notes above it."""

from collections.abc import Callable, Sequence

_DEEPEST = 20


def find_header(rows: Sequence[Sequence[str]], places: Sequence[int], is_known: Callable[[str], bool]) -> int:
    """Find the header among the first rows that are not blank.

    It is the first row unless titles stand above it: rows with fewer filled cells than a row below that names columns,
    or, where no row does, single cells above the first row with several.

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
        if filled[index] > 1 and count * 2 >= filled[index]:
            return index if all(number < filled[index] for number in above) else 0
        is_apart = index == 1 or places[index] > places[index - 1] + 1
        return index if filled[index] == 1 and is_apart and all(number == 1 for number in above) and index <= 3 else 0
    several = next((index for index, number in enumerate(filled) if number > 1), 0)
    is_table = len(filled) > several + 1 and sum(n > 1 for n in filled[several:]) == len(filled) - several
    return several if is_table and several <= 5 else 0
