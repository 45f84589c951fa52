"""How much one source may hold: a small file can unpack to more than any memory, so every format counts as it reads."""

from dailies.errors import InputError
from dailies.prompts.sources.table import refuse

MAX_BYTES = 256 * 2**20
MAX_COLUMNS = 1_000
MAX_CELLS = 20_000_000
MAX_CHARACTERS = 256 * 2**20
_SPLIT = "split the file"


class Budget:
    """What is left of the limits while one source is read.

    Args:
        label: the source, for messages.
        unit: what a place in it is called.
    """

    def __init__(self, label: str, unit: str) -> None:
        self._label = label
        self._unit = unit
        self._cells = MAX_CELLS
        self._characters = MAX_CHARACTERS

    def spend(self, place: int | None, cells: int, characters: int = 0) -> None:
        """Count cells and the characters in them.

        Raises:
            InputError: that is more than one source may hold.
        """
        self._cells -= cells
        self._characters -= characters
        if self._cells < 0:
            raise refuse(self._label, place, f"there are more than {MAX_CELLS:,} cells up to here", _SPLIT, self._unit)
        if self._characters < 0:
            reason = f"there are more than {MAX_CHARACTERS:,} characters up to here"
            raise refuse(self._label, place, reason, _SPLIT, self._unit)


def too_big(label: str) -> InputError:
    """Return the refusal of a source with too many bytes."""
    return refuse(label, None, f"the file has more than {MAX_BYTES // 2**20} MiB (unpacked)", _SPLIT)
