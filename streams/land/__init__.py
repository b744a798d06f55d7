"""Land the topics: every record becomes exactly one row in the lake."""

from streams.land.landing import run
from streams.land.writer import Landed

__all__ = ["Landed", "run"]
