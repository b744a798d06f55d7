"""What evaluates the rules, whichever database runs them."""

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
"""Sets of models that are remembered."""


class Evaluator(ABC):
    """The compiled rules in a database. Nothing is kept between two evaluations."""

    def __init__(self, compiled: CompiledRules) -> None:
        self.compiled = compiled
        self._needed = lru_cache(_MOST_KEPT)(compiled.needed)
        self._above = lru_cache(_MOST_KEPT)(compiled.above)

    @property
    @abstractmethod
    def crowd_limits(self) -> CrowdLimits:
        """With more families than this an id is over-shared. A project without such a model has no limit."""

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
        Evaluate events and rejected records, as if no others existed.

        Args:
            events: rows of `landing.events` (`streams.contracts.columns.events_table`).
            quarantine: rows of `landing.quarantine`.
            rules: names of the rules to run.
            as_of: an aware moment; deadlines before it have passed.
        """

    @abstractmethod
    def desks(self, events: pa.Table, as_of: datetime) -> dict[str, FamilyDesk]:
        """Who works with the families of the events, by family, whether there are alerts or not."""

    @abstractmethod
    def decided_referrals(self, events: pa.Table, as_of: datetime) -> list[DecidedReferral]:
        """The referrals among the events that the front door has decided."""

    def evaluate(
        self,
        events: pa.Table,
        quarantine: pa.Table | None,
        rules: Collection[str],
        as_of: datetime,
    ) -> Evaluation:
        """Evaluate as `evaluating` does; the returned evaluation is over, so its desks can no longer be asked for."""
        with self.evaluating(events, quarantine, rules, as_of) as evaluation:
            return evaluation
