"""From the topics into the lake: every record, once, as a row."""

from streams.land.lander import Landed, run

__all__ = ["Landed", "run"]
