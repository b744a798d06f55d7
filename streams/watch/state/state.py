"""
The watcher's state, read and written through one PostgreSQL session.

The process keeps no state in memory, so it has nothing to restore when it starts. The watcher writes each batch in one
transaction.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import psycopg2
import psycopg2.errors
from kafka import TopicPartition

from streams.contracts import Accepted
from streams.contracts.checks import Reason
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
"""Names of the database sessions of the leader and of the standbys. A new leader finds the sessions by these names."""
_PAUSED_SECONDS = 60
"""If a watcher is in a transaction and runs no statement for this many seconds, PostgreSQL ends its session."""
REFUSED = (psycopg2.DataError, psycopg2.IntegrityError, psycopg2.errors.ProgramLimitExceeded)
"""Errors that PostgreSQL raises if a value cannot be stored or used in a calculation."""
REFUSED_ALLOWED = "what PostgreSQL can hold and compute with"
"""The text in the column `allowed` of the quarantine, for a record that PostgreSQL refuses."""


def open_session(settings: Settings, *, leads: bool) -> Session:
    """
    Open a database session. The next leader finds the session by its name.

    Raises:
        LakeUnavailable: PostgreSQL does not answer.
    """
    session = Session(catalog_dsn(settings), _LEADER if leads else _HELPER)
    session.command(f"SET idle_in_transaction_session_timeout = '{_PAUSED_SECONDS}s'")
    return session


class State:
    """
    The watcher's tables, as one database session sees them.

    Args:
        columns: the columns of the table of events, as `event_columns` returns them.
        limits: how many families may share an id. If more families share it, it is over-shared and connects nobody.
        rules: the checksum of the rules.
        schema: `CURRENT`, or `NEXT` for a standby that prepares tables while another watcher leads.
    """

    def __init__(
        self, session: Session, columns: Mapping[str, str], limits: CrowdLimits, rules: str, schema: str = CURRENT
    ) -> None:
        self.session = session
        self.columns, self.schema = columns, schema
        self._limits, self._rules = limits, rules
        self.term = 0
        """The number of the term in which this session writes."""
        # PostgreSQL plans a statement once, perhaps while the tables are empty. With its usual settings, it would then
        # read whole tables for ever.
        session.plan_with(**dict.fromkeys(READ_WHOLE, "off"))
        self.tables = Tables(session, columns, schema)
        self.events = Events(session, columns, limits)
        self.alerts, self.agenda = Alerts(session), Agenda(session, rules)
        self.is_new = False
        """Whether the tables were made in this term and do not yet hold the landed records."""

    def begin_term(self) -> None:
        """
        Begin a term: end the sessions of other watchers, make missing tables, and add one to the number of the term.

        1. If this watcher leads (schema `CURRENT`), PostgreSQL ends the sessions of the former leader and of all
           standbys. Their open transactions are rolled back.
        2. Missing tables are made. If a standby has prepared tables of this version, they replace the existing tables
           (`Tables.open`).
        3. The number of the term grows by one. From then on, sessions of former terms cannot write, because `writing`
           compares the numbers.
        4. Families and records that are still pending will be evaluated by this watcher's rules.
        """
        if self.schema == CURRENT:
            self.session.run(sql.END_OTHERS, [_LEADER, _HELPER])
        self.is_new = self.tables.open()
        ((self.term,),) = self.session.run("UPDATE term SET number = number + 1 RETURNING number")
        self.session.run("UPDATE pending SET rules = $1", self._rules)

    def is_shared(self) -> bool:
        """Return whether the leader uses the same version of the tables, and the same rules, as this watcher."""
        return self.tables.are_filled() and self.tables.rules == self._rules

    def beside(self, session: Session) -> "State":
        """Return the same tables in the same term, as another session of this process sees them."""
        beside = self.of_schema(session, self.schema)
        beside.term = self.term
        return beside

    def of_schema(self, session: Session, schema: str) -> "State":
        """Return the tables of this version in another schema, as another session sees them."""
        return State(session, self.columns, self._limits, self._rules, schema)

    @contextmanager
    def writing(self, *, is_durable: bool = True) -> Iterator[None]:
        """
        Run a transaction that fails if another watcher has begun a term.

        The transaction locks the number of the term until it ends. So another watcher can begin a term only before this
        transaction or after it.

        Args:
            is_durable: whether the commit waits for the disk. If it does not wait, a crash of the server may undo this
                transaction. Earlier transactions, and later durable ones, are not lost.

        Raises:
            LockTaken: another watcher has begun a term.
        """
        with self.session.transaction():
            if not is_durable:
                self.session.command("SET LOCAL synchronous_commit = off")
            if self.session.run(sql.TERM) != [(self.term,)]:
                raise LockTaken("another watcher has begun to lead; this one has written nothing since")
            yield

    def complete(self) -> None:
        """
        Record that the tables are filled, and by which rules events are evaluated from now on.

        All families are marked for review if the rules have changed, or if events were added without being evaluated.
        """
        if self.tables.rules == self._rules:
            return
        with self.writing():
            self._review_all()
            self.tables.filled()
            self.tables.judged_by(self._rules)
        self.is_new = False

    def drop_next(self) -> None:
        """Drop prepared tables that no standby is waiting to use."""
        with self.session.transaction():
            if self.session.run("SELECT pg_try_advisory_xact_lock($1)", int(LockKey.WATCH_NEXT)) == [(True,)]:
                self.session.command(f"DROP SCHEMA IF EXISTS {NEXT} CASCADE")

    def _review_all(self) -> None:
        """Find out again which ids are over-shared, and mark all families for review."""
        self.session.run("DELETE FROM crowds")
        if self.session.run("SELECT 1 FROM events LIMIT 1"):
            # Do not analyse empty tables. Otherwise the planner would still believe that they are empty when they have
            # grown, and read them whole.
            self.session.command(sql.ANALYZE)
        with self.session.planning(**dict.fromkeys(READ_WHOLE, "on")):
            self.session.run(sql.FIND_CROWDS, *self._limits)
            self.session.run(sql.REVIEW_ALL)

    def known(self) -> dict[TopicPartition, tuple[int, str]]:
        """Return, for each partition, the next offset to evaluate and the id of its topic."""
        rows = self.session.run("SELECT topic, kafka_partition, next_offset, topic_id FROM offsets")
        return {TopicPartition(topic, number): (offset, id_) for topic, number, offset, id_ in rows}

    def begin_at(self, offsets: Mapping[TopicPartition, int], topic_ids: Mapping[str, str]) -> None:
        """Set the offset from which each partition is evaluated, and the ids of the topics."""
        rows = [(*place, offset, topic_ids[place.topic]) for place, offset in offsets.items()]
        self.session.run(sql.BEGIN_AT, *columns(rows, 4))

    def advance(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Record the next offset of each partition, after its records have been evaluated."""
        if offsets:
            self.session.run(sql.ADVANCE, *columns([(*one, offset) for one, offset in offsets.items()]))

    def add_judged(self, events: Sequence[Accepted]) -> None:
        """Store events that another leader has already evaluated. The tables of that leader no longer exist."""
        self.tables.judged_by(None)
        self.events.add(events, map(Recorded.of, events))

    def empty_incoming(self) -> None:
        """Empty the table `incoming`, into which another session copies events."""
        self.session.command("TRUNCATE incoming")

    def take_over_incoming(self) -> None:
        """Store the events that were copied into `incoming`."""
        self.tables.judged_by(None)
        with self.session.planning(**dict.fromkeys(READ_WHOLE, "on")):
            for statement in sql.TAKE_OVER:
                self.session.run(statement)

    def end_helpers(self) -> None:
        """
        End the database sessions of the standbys.

        PostgreSQL rolls their open transactions back. So the rows that the standbys had taken are pending again.
        """
        self.session.run(sql.END_OTHERS, [_HELPER])

    def refuse(self, one: Pending) -> list[tuple[str, int, int]]:
        """
        Stop treating a family or record as pending, because PostgreSQL refuses it.

        It is evaluated again when another record about it arrives.

        Returns:
            Topic, partition and offset of the newest records about the family. They are stored as unreadable.
        """
        self.session.run("DELETE FROM pending WHERE number = $1", one.number)
        keys = self.events.keys([one.place[1]]).names if one.place[0] == "family" else []
        return self.session.run(sql.REFUSE, keys, naive(one.arrived_at), Reason.SCHEMA, REFUSED_ALLOWED)
