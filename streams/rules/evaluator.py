"""The interface of the engines that evaluate the rules in DuckDB or PostgreSQL."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from contextlib import AbstractContextManager
from datetime import datetime
from functools import lru_cache

import pyarrow as pa

from streams.rules.answers import DecidedReferral, Evaluation, FamilyDesk
from streams.rules.compiled import CompiledRules
from streams.rules.crowds import CrowdLimits

__all__ = ["Evaluator"]

_MOST_KEPT = 1_000
"""Each cache keeps at most this many sets of models."""


class Evaluator(ABC):
    """Evaluates the compiled rules in a database. After an evaluation, none of its rows remain in the database."""

    def __init__(self, compiled: CompiledRules) -> None:
        self.compiled = compiled
        self._needed = lru_cache(_MOST_KEPT)(compiled.needed)
        self._above = lru_cache(_MOST_KEPT)(compiled.above)

    @property
    @abstractmethod
    def crowd_limits(self) -> CrowdLimits:
        """The limits above which an id is over-shared. If the project has no model of limits, no id is over-shared."""

    @abstractmethod
    def close(self) -> None:
        """Free memory and connections."""

    @abstractmethod
    def evaluating(
        self,
        events: pa.Table,
        quarantine: pa.Table | None,
        rules: Collection[str],
        as_of: datetime,
    ) -> AbstractContextManager[Evaluation]:
        """
        Evaluate the given events and rejected records as if there were no others.

        Args:
            events: rows of `landing.events` (`streams.contracts.columns.events_table`).
            quarantine: rows of `landing.quarantine`.
            rules: names of the rules to evaluate.
            as_of: a time with a time zone. Deadlines before this time have passed.
        """

    @abstractmethod
    def desks(self, events: pa.Table, as_of: datetime) -> dict[str, FamilyDesk]:
        """Return who works with each family in the events, even if no alert was raised about the family."""

    @abstractmethod
    def decided_referrals(self, events: pa.Table, as_of: datetime) -> list[DecidedReferral]:
        """Return the referrals among the events that the front door has decided."""

    def evaluate(
        self,
        events: pa.Table,
        quarantine: pa.Table | None,
        rules: Collection[str],
        as_of: datetime,
    ) -> Evaluation:
        """
        Evaluate as `evaluating` does, and end the evaluation. Then return its result.

        `desks` of the result cannot be called, because the evaluation has ended.
        """
        with self.evaluating(events, quarantine, rules, as_of) as evaluation:
            return evaluation
