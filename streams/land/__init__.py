"""Lands the topics: every record becomes exactly one row in the lake."""

from streams.land.lander import Landed, run

__all__ = ["Landed", "run"]
