"""
What a watcher knows, in one session of PostgreSQL.

Nothing of it is in the process's memory: a start has nothing to restore. All of a batch is written in one transaction,
which the watcher begins.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import psycopg2
import psycopg2.errors
from kafka import TopicPartition

from streams.contracts import Accepted
from streams.contracts.decode import Reason
from streams.errors import LockTaken
from streams.lake.connect import catalog_dsn
from streams.lake.lock_keys import LockKey
from streams.lake.session import READ_WHOLE, Session
from streams.rules.crowds import CrowdLimits
from streams.settings import Settings
from streams.times import naive
from streams.watch.state import statements as sql
from streams.watch.state.agenda import Agenda, Pending
from streams.watch.state.alerts import Alerts
from streams.watch.state.events import Events, Recorded
from streams.watch.state.parameters import columns
from streams.watch.state.tables import CURRENT, NEXT, Tables

__all__ = ["REFUSED", "REFUSED_ALLOWED", "State", "open_session"]

_LEADER, _HELPER = "caf watch", "caf watch, standing by"
"""By these names PostgreSQL knows the sessions of the watcher that leads, and of those that stand by."""
_PAUSED_SECONDS = 60
"""After which PostgreSQL ends a transaction of a watcher that stands still."""
REFUSED = (psycopg2.DataError, psycopg2.IntegrityError, psycopg2.errors.ProgramLimitExceeded)
"""What PostgreSQL raises of values that it cannot hold or compute with."""
REFUSED_ALLOWED = "what PostgreSQL can hold and compute with"
"""What would have been allowed in the place of such a record."""


def open_session(settings: Settings, *, leads: bool) -> Session:
    """
    A session by whose name the next leader knows it.

    Raises:
        LakeUnavailable: PostgreSQL does not answer.
    """
    session = Session(catalog_dsn(settings), _LEADER if leads else _HELPER)
    session.command(f"SET idle_in_transaction_session_timeout = '{_PAUSED_SECONDS}s'")
    return session


class State:
    """
    The tables, seen by one session.

    Args:
        columns: of the table of events, as `event_columns` gives them.
        limits: from how many families on an id connects nobody.
        rules: a name of the rules' version.
        schema: `NEXT` for one that makes tables ready while another watcher leads.
    """

    def __init__(
        self, session: Session, columns: Mapping[str, str], limits: CrowdLimits, rules: str, schema: str = CURRENT
    ) -> None:
        self.session = session
        self.columns, self.schema = columns, schema
        self._limits, self._rules = limits, rules
        self.term = 0
        """The number under which it writes."""
        # A plan is made once, perhaps while the tables are empty: then it would seem best to read them whole.
        session.plan_with(**dict.fromkeys(READ_WHOLE, "off"))
        self.tables = Tables(session, columns, schema)
        self.events = Events(session, columns, limits)
        self.alerts, self.agenda = Alerts(session), Agenda(session, rules)
        self.is_new = False
        """Whether the tables have nothing yet of what has landed."""

    def begin_term(self) -> None:
        """Take over from whoever wrote before, who writes nothing any more; and make the tables that are not there."""
        if self.schema == CURRENT:
            self.session.run(sql.END_OTHERS, [_LEADER, _HELPER])
        self.is_new = self.tables.open()
        ((self.term,),) = self.session.run("UPDATE term SET number = number + 1 RETURNING number")
        self.session.run("UPDATE pending SET rules = $1", self._rules)

    def is_shared(self) -> bool:
        """Whether the leader uses tables of this version, and has judged everything by the same rules."""
        return self.tables.are_filled() and self.tables.rules == self._rules

    def beside(self, session: Session) -> "State":
        """The same tables, of the same term, seen by another session of this process."""
        beside = self.of_schema(session, self.schema)
        beside.term = self.term
        return beside

    def of_schema(self, session: Session, schema: str) -> "State":
        """The tables of the same version in another schema, seen by another session."""
        return State(session, self.columns, self._limits, self._rules, schema)

    @contextmanager
    def writing(self, *, is_durable: bool = True) -> Iterator[None]:
        """
        A transaction of this term.

        Args:
            is_durable: whether its end waits for the disk. One that does not may be taken back by a crash of the
                server, but none before it, and none that is durable after it.

        Raises:
            LockTaken: another watcher has begun.
        """
        with self.session.transaction():
            if not is_durable:
                self.session.command("SET LOCAL synchronous_commit = off")
            if self.session.run(sql.TERM) != [(self.term,)]:
                raise LockTaken("another watcher has begun; this one has written nothing since")
            yield

    def complete(self) -> None:
        """
        Say that the tables hold what had landed and what was judged before, and by which rules it is judged now.

        If some of it is new, or the rules are others than before, all families are looked at again.
        """
        if self.tables.rules == self._rules:
            return
        with self.writing():
            self._review_all()
            self.tables.filled()
            self.tables.judged_by(self._rules)
        self.is_new = False

    def drop_next(self) -> None:
        """Drop tables that somebody has made ready and that nobody waits to use."""
        with self.session.transaction():
            if self.session.run("SELECT pg_try_advisory_xact_lock($1)", int(LockKey.WATCH_NEXT)) == [(True,)]:
                self.session.command(f"DROP SCHEMA IF EXISTS {NEXT} CASCADE")

    def _review_all(self) -> None:
        """Have all families looked at again, with the crowds that there are."""
        self.session.run("DELETE FROM crowds")
        if self.session.run("SELECT 1 FROM events LIMIT 1"):
            # Of empty tables nothing is said: what a planner believes to be empty it reads whole when it no longer is.
            self.session.command(sql.ANALYZE)
        with self.session.planning(**dict.fromkeys(READ_WHOLE, "on")):
            self.session.run(sql.FIND_CROWDS, *self._limits)
            self.session.run(sql.REVIEW_ALL)

    def known(self) -> dict[TopicPartition, tuple[int, str]]:
        """By partition the next offset to judge, and the id of the topic that it is of."""
        rows = self.session.run("SELECT topic, kafka_partition, next_offset, topic_id FROM offsets")
        return {TopicPartition(topic, number): (offset, id_) for topic, number, offset, id_ in rows}

    def begin_at(self, offsets: Mapping[TopicPartition, int], topic_ids: Mapping[str, str]) -> None:
        """Say where partitions are judged from, of which topics."""
        rows = [(*place, offset, topic_ids[place.topic]) for place, offset in offsets.items()]
        self.session.run(sql.BEGIN_AT, *columns(rows, 4))

    def advance(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Say that partitions are judged up to some offsets."""
        if offsets:
            self.session.run(sql.ADVANCE, *columns([(*one, offset) for one, offset in offsets.items()]))

    def add_judged(self, events: Sequence[Accepted]) -> None:
        """Keep events that another leader has judged, on tables that are gone."""
        self.tables.judged_by(None)
        self.events.add(events, map(Recorded.of, events))

    def empty_incoming(self) -> None:
        """Make room for events that another session brings in."""
        self.session.command("TRUNCATE incoming")

    def take_over_incoming(self) -> None:
        """Keep them."""
        self.tables.judged_by(None)
        with self.session.planning(**dict.fromkeys(READ_WHOLE, "on")):
            for statement in sql.TAKE_OVER:
                self.session.run(statement)

    def end_helpers(self) -> None:
        """End the sessions of those that stand by: what they have in hand is taken back."""
        self.session.run(sql.END_OTHERS, [_HELPER])

    def refuse(self, one: Pending) -> list[tuple[str, int, int]]:
        """
        Judge a place no more that PostgreSQL cannot judge, until something else arrives about it.

        Returns:
            Topic, partition and offset of the records that arrived then: they are kept as ones that nobody can read.
        """
        self.session.run("DELETE FROM pending WHERE number = $1", one.number)
        keys = self.events.keys([one.place[1]]).names if one.place[0] == "family" else []
        return self.session.run(sql.REFUSE, keys, naive(one.arrived_at), Reason.SCHEMA, REFUSED_ALLOWED)
