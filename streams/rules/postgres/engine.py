"""Evaluate the rules on PostgreSQL, as `streams.rules.engine` does on DuckDB."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple, Self

import msgspec
import pyarrow as pa

from streams.lake.connect import catalog_dsn
from streams.lake.session import READ_WHOLE, Session
from streams.rules.answers import (
    ALERT_ACTIONS,
    DECIDED_REFERRALS,
    FAMILY_DESK,
    AlertAction,
    AlertRow,
    Deadline,
    DecidedReferral,
    Evaluation,
    FamilyDesk,
    columns_answered,
)
from streams.rules.compiled import CompiledRules
from streams.rules.crowds import CROWD_LIMITS, NO_LIMITS, CrowdLimits
from streams.rules.evaluator import Evaluator
from streams.rules.postgres.derive import derived
from streams.rules.postgres.rows import as_rows
from streams.rules.postgres.schema import install
from streams.rules.postgres.statement import rows_given, statement
from streams.settings import Settings
from streams.times import naive

__all__ = ["MANY_EVENTS", "Given", "PostgresEngine"]

MANY_EVENTS = 150
"""
With this number of events or more, PostgreSQL uses hash joins.

PostgreSQL cannot decide this by itself: it makes a plan only once, so it does not know how many rows a parameter will
hold.
"""

_Due = tuple[datetime, str]


class Given(NamedTuple):
    """
    The input of an evaluation.

    Attributes:
        sources: a query for each input. If the over-shared ids are already known, there is also a query for `CROWDS`.
        values: the values of `$1`, `$2` and so on in these queries. Each value is used in at least one query.
        has_many: whether there are many events (`MANY_EVENTS`).
    """

    sources: tuple[tuple[str, str], ...]
    values: tuple[object, ...]
    has_many: bool


class PostgresEngine(Evaluator):
    """
    The rules in one session of a PostgreSQL server.

    Between evaluations the engine keeps prepared statements, but no rows.

    Raises:
        NotKnown: a part of a model is not known to mean the same in PostgreSQL.
        LakeUnavailable: the database stores text in an encoding other than UTF-8.
    """

    def __init__(self, compiled: CompiledRules, session: Session) -> None:
        super().__init__(compiled)
        self._derived = derived(compiled)
        self._session = session
        install(session, compiled, self._derived)
        self._columns = columns_answered(compiled)
        self._rules = {name: rule.name for rule in compiled.rules.values() for name in compiled.ends(rule.name)}
        self._text = lru_cache(self._made_text)

    @classmethod
    def connected(cls, settings: Settings, compiled: CompiledRules) -> Self:
        """
        Return an engine with its own session in the lake's database.

        Raises:
            LakeUnavailable: PostgreSQL does not answer.
            NotKnown: a part of a model is not known to mean the same in PostgreSQL.
        """
        return cls(compiled, Session(catalog_dsn(settings), "caf rules"))

    @property
    def columns_read(self) -> frozenset[str]:
        """Return the columns of events that at least one model reads."""
        return frozenset(self._derived.inputs["events"])

    @property
    def crowd_limits(self) -> CrowdLimits:
        """The limits above which an id is over-shared. See `Evaluator.crowd_limits`."""
        if CROWD_LIMITS not in self._derived.tables:
            return NO_LIMITS
        columns = ", ".join(self._derived.columns[CROWD_LIMITS])
        (limits,) = self._session.run(f'SELECT {columns} FROM {self._derived.schema}."{CROWD_LIMITS}"')
        return CrowdLimits(*limits)

    def close(self) -> None:
        """End the session."""
        self._session.close()

    @contextmanager
    def evaluating(
        self,
        events: pa.Table,
        quarantine: pa.Table | None,
        rules: Collection[str],
        as_of: datetime,
    ) -> Iterator[Evaluation]:
        """Evaluate the given events and rejected records. See `Evaluator.evaluating`."""
        with self.evaluating_given(self._given(events, quarantine), rules, as_of) as evaluation:
            yield evaluation

    @contextmanager
    def evaluating_given(self, given: Given, rules: Collection[str], as_of: datetime) -> Iterator[Evaluation]:
        """Evaluate the rows that the given queries return. In all other respects, this works as `evaluating` does."""
        ends = [name for rule in sorted(rules) for name in self.compiled.ends(rule)]
        desks: list[str] = []
        # Every changed alert needs the desks, so they are read together with the results. If all rows were read again
        # for the desks, an evaluation would take one and a half times as long.
        evaluation = Evaluation([], [], [], lambda: _by_family(desks))
        for model, answer in self._answers((*ends, ALERT_ACTIONS, FAMILY_DESK), given, as_of):
            if model == FAMILY_DESK:
                desks.append(answer)
            elif model == ALERT_ACTIONS:
                evaluation.actions.append(msgspec.json.decode(answer, type=AlertAction))
            elif model.startswith("alert_"):
                evaluation.alerts.append(msgspec.json.decode(answer, type=AlertRow))
            else:
                due_at, family = msgspec.json.decode(answer, type=_Due)
                evaluation.deadlines.append(Deadline(due_at, family, self._rules[model]))
        yield evaluation

    def desks(self, events: pa.Table, as_of: datetime) -> dict[str, FamilyDesk]:
        """Return who works with each family in the events. See `Evaluator.desks`."""
        return _by_family(answer for _, answer in self._answers((FAMILY_DESK,), self._given(events, None), as_of))

    def decided_referrals(self, events: pa.Table, as_of: datetime) -> list[DecidedReferral]:
        """Return the referrals that the front door has decided. See `Evaluator.decided_referrals`."""
        answers = self._answers((DECIDED_REFERRALS,), self._given(events, None), as_of)
        return [msgspec.json.decode(answer, type=DecidedReferral) for _, answer in answers]

    def _given(self, events: pa.Table, quarantine: pa.Table | None) -> Given:
        """Convert rows to the parameters of a statement."""
        tables = {"events": events} | ({} if quarantine is None else {"quarantine": quarantine})
        texts = {name: as_rows(table, self._derived.inputs[name]) for name, table in tables.items()}
        sources = ((name, rows_given(self._derived, name, f"${number}")) for number, name in enumerate(texts, 1))
        return Given(tuple(sources), tuple(texts.values()), events.num_rows >= MANY_EVENTS)

    def _answers(self, asked: tuple[str, ...], given: Given, as_of: datetime) -> list[tuple[str, str]]:
        """Return the rows of the requested models, each with its model's name."""
        models = self._above(tuple(name for name in asked if name in self.compiled.models))
        if not models:
            return []
        text = self._text(models, given.sources, len(given.values) + 1, given.has_many)
        nested = "off" if given.has_many else "on"
        with self._session.planning(**dict.fromkeys(READ_WHOLE, "on"), enable_nestloop=nested):
            return self._session.run(text, *given.values, naive(as_of))

    def _made_text(
        self, models: tuple[str, ...], sources: tuple[tuple[str, str], ...], as_of: int, has_many: bool
    ) -> str:
        """
        Return the statement for the given models.

        If there are many events, the text of the statement is different, so that PostgreSQL makes another plan for it.
        """
        text = statement(
            self.compiled,
            self._derived,
            models,
            answers=self._columns,
            sources=dict(sources),
            as_of=f"${as_of}::timestamp",
        )
        return f"{'/* many rows */ ' if has_many else ''}{text}"


def _by_family(answers: Iterable[str]) -> dict[str, FamilyDesk]:
    desks = [msgspec.json.decode(answer, type=FamilyDesk) for answer in answers]
    return {desk.family_id: desk for desk in desks if desk.family_id is not None}
