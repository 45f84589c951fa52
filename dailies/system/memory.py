"""What a hundred thousand rows ask of Python's and Arrow's memory."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

# Arrow's own allocator keeps what it once took: 17 MB more after two thousand entries. The system's gives it back.
pa.set_memory_pool(pa.system_memory_pool())


@contextmanager
def many_objects() -> Iterator[None]:
    """Let Python's cyclic collector rest while a block, or a function decorated with it, makes many objects.

    They refer to each other without circles, so the collector would find nothing; and it would look again and again,
    for longer than the rows take to be planned.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def give_back() -> None:
    """Give the system back what Arrow's tables no longer need: after a hundred thousand rows that is 100 MB."""
    pa.default_memory_pool().release_unused()
