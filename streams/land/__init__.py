"""From the topics into the lake: every record, once, as a row."""

from streams.land.landing import run
from streams.land.writer import Landed

__all__ = ["Landed", "run"]
