"""Takes: identical requests of one file are told apart by their number, from 1.

Explicit takes are reserved first, wherever they stand in the file; then each row without one gets the lowest
number that is free, in the file's order. So a row without a take that is added at the end renumbers none before it.
"""

from collections.abc import Callable, Collection

KeyOfTake = Callable[[int], str]
"""Computes the row key of one request for a take."""


class Takes:
    """Which takes of which requests are in use, by row key."""

    def __init__(self) -> None:
        self._reserved: dict[str, int] = {}
        self._given: set[str] = set()
        self._next: dict[str, int] = {}

    def reserve(self, keys: Collection[str], line: int) -> int | None:
        """Reserve an explicit take of each request of a line; if one is taken, none is, and its line is given."""
        for key in keys:
            if holder := self._reserved.get(key):
                return holder
        self._reserved.update(dict.fromkeys(keys, line))
        return None

    def give(self, key_of: KeyOfTake) -> tuple[int, str]:
        """Give the lowest free take of a request, and its key; call it when all explicit ones are reserved."""
        take, key = 1, key_of(1)
        if self._is_used(key):
            first = key
            take = self._next.get(first, 2)
            while self._is_used(key := key_of(take)):
                take += 1
            self._next[first] = take + 1
        self._given.add(key)
        return take, key

    def _is_used(self, key: str) -> bool:
        return key in self._given or key in self._reserved
