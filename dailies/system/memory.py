"""Keep Python's and Arrow's memory small with a hundred thousand rows."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

# Arrow's own allocator keeps memory: 17 MB more after two thousand entries. The system's allocator returns it.
pa.set_memory_pool(pa.system_memory_pool())


@contextmanager
def many_objects() -> Iterator[None]:
    """Pause Python's cyclic collector while a block, or a decorated function, makes many objects.

    The objects form no cycles, so the collector would find nothing, but its searches would take longer than planning.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def give_back() -> None:
    """Return memory that Arrow's tables no longer need to the system: 100 MB after a hundred thousand rows."""
    pa.default_memory_pool().release_unused()
