"""What evaluates the rules: either engine, for whoever only asks."""

from collections.abc import Collection
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

import pyarrow as pa

from streams.rules.compiled import CompiledRules
from streams.rules.crowds import Crowd, CrowdLimits
from streams.rules.engine import DecidedReferral, Evaluation, FamilyDesk
from streams.rules.kinds import Kinds

__all__ = ["Evaluator"]


class Evaluator(Protocol):
    """The compiled rules where they run; each method is described where DuckDB runs them, in `streams.rules.engine`."""

    compiled: CompiledRules
    kinds: Kinds

    @property
    def crowd_limits(self) -> CrowdLimits:
        """From how many families on an id links nobody."""

    def close(self) -> None:
        """Free what it holds."""

    def evaluate(
        self,
        events: pa.Table,
        quarantine: pa.Table | None,
        rules: Collection[str],
        as_of: datetime,
        kinds: Collection[str] | None = None,
    ) -> Evaluation:
        """An evaluation that is over."""

    def evaluating(
        self,
        events: pa.Table,
        quarantine: pa.Table | None,
        rules: Collection[str],
        as_of: datetime,
        kinds: Collection[str] | None = None,
        *,
        crowds: Collection[Crowd] | None = None,
    ) -> AbstractContextManager[Evaluation]:
        """Judge events, and rejected records, as if they were all there is."""

    def desks(self, events: pa.Table, as_of: datetime) -> dict[str, FamilyDesk]:
        """Who works with the families of the events, by family."""

    def decided_referrals(self, events: pa.Table, as_of: datetime) -> list[DecidedReferral]:
        """The referrals among the events that the front door has decided."""

    def says_nothing(self, rules: Collection[str], kinds: frozenset[str]) -> bool:
        """Whether the kinds of facts among some events leave every one of the rules without an answer."""
