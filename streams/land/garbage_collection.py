"""Makes Python's search for unreachable cycles rare while records are landed."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["rarely_collected"]

_NEW_CONTAINERS = 100_000
"""New containers between two searches of the youngest. Python's default of 700 is reached in a few hundred records."""


@contextmanager
def rarely_collected() -> Iterator[None]:
    """
    Let Python make more lists and the like between two searches for cycles, in the whole process.

    The objects made from records have no cycles, and are freed together with their batch. Searching them took a fifth
    of the cost of landing.
    """
    before = gc.get_threshold()
    gc.set_threshold(_NEW_CONTAINERS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
