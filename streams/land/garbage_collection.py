"""Python's search for unreachable cycles, made rare while records are landed."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["rarely_collected"]

_NEW_CONTAINERS = 100_000
"""New lists, tuples and the like after which the youngest are searched; Python's own 700 are a few hundred records."""


@contextmanager
def rarely_collected() -> Iterator[None]:
    """
    Let more containers come into being between two searches for cycles, in the whole process.

    What records become has no cycles and goes when its batch goes; searching among it for some was a fifth of the cost.
    """
    before = gc.get_threshold()
    gc.set_threshold(_NEW_CONTAINERS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
