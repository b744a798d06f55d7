"""
What a watcher knows, in one session of PostgreSQL.

Nothing of it is in the process's memory: a start has nothing to restore. All of a batch is written in one transaction,
which the watcher begins.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

import psycopg2
import psycopg2.errors
from kafka import TopicPartition

from streams.contracts import Accepted
from streams.contracts.decode import COORDINATES, Reason, Rejected
from streams.contracts.event_rows import event_rows
from streams.errors import LockTaken
from streams.lake.connect import catalog_dsn
from streams.lake.lock_keys import LockKey
from streams.lake.session import READ_WHOLE, Session
from streams.rules.crowds import CROWDS, CrowdLimits
from streams.rules.facts import fact_of
from streams.rules.postgres.engine import MANY_EVENTS, Given
from streams.settings import Settings
from streams.watch.naming import ABOUT_HOUSEHOLDS, Named, named_by
from streams.watch.state import statements as sql
from streams.watch.state.agenda import Agenda, Pending
from streams.watch.state.alerts import Alerts
from streams.watch.state.parameters import as_json, columns, naive
from streams.watch.state.tables import CURRENT, NEXT, Tables

__all__ = ["REFUSED", "REFUSED_ALLOWED", "Keys", "Recorded", "State", "open_session"]

_LEADER, _HELPER = "caf watch", "caf watch, standing by"
"""By these names PostgreSQL knows the sessions of the watcher that leads, and of those that stand by."""
_PAUSED_SECONDS = 60
"""After which PostgreSQL ends a transaction of a watcher that stands still."""
REFUSED = (psycopg2.DataError, psycopg2.IntegrityError, psycopg2.errors.ProgramLimitExceeded)
"""What PostgreSQL raises of values that it cannot hold or compute with."""
REFUSED_ALLOWED = "what PostgreSQL can hold and compute with"
"""What would have been allowed in the place of such a record."""
_MANY_KEYS = 50
"""Under so many keys there are many events, which need not be counted."""


def open_session(settings: Settings, *, leads: bool) -> Session:
    """
    A session by whose name the next leader knows it.

    Raises:
        LakeUnavailable: PostgreSQL does not answer.
    """
    session = Session(catalog_dsn(settings), _LEADER if leads else _HELPER)
    session.command(f"SET idle_in_transaction_session_timeout = '{_PAUSED_SECONDS}s'")
    return session


class Recorded(NamedTuple):
    """What a recorded event is about, as far as it tells whom to look at again."""

    fact: str | None
    alert_id: str | None
    named: Named

    @classmethod
    def of(cls, event: Accepted) -> "Recorded":
        """What an event is about."""
        return cls(fact_of(event), getattr(event.fact, "alert_id", None), named_by(event))


class Keys(NamedTuple):
    """The keys under which all is filed that must be looked at, and whether there are many events under them."""

    names: list[str]
    has_many: bool


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

    def add(self, events: Sequence[Accepted], recorded: Iterable[Recorded]) -> set[str]:
        """
        Keep events, and who belongs to whom by them.

        Args:
            recorded: what each of them is about.

        Returns:
            Families that had to do with others through what has become a crowd.
        """
        if not events:
            return set()
        self.session.run(sql.ADD_EVENTS, as_json(event_rows(events, self.columns)))
        return self.relate([one.named for one in recorded])

    def add_judged(self, events: Sequence[Accepted]) -> None:
        """Keep events that another leader has judged, on tables that are gone."""
        self.tables.judged_by(None)
        self.add(events, map(Recorded.of, events))

    def relate(self, named: Sequence[Named]) -> set[str]:
        """Keep who belongs to whom; returns what `add` does."""
        pairs = [one._asdict() for one in named if len(one.families) + len(one.persons) + len(one.addresses) > 1]
        if not pairs:
            return set()
        self.session.run(sql.ADD_NAMED, as_json(pairs))
        for one in named:
            if one.is_link:
                self.session.run("SELECT link($1, $2)", *one.persons)
        return self._parted(
            {person for one in named for person in one.persons}, {address for one in named for address in one.addresses}
        )

    def _parted(self, persons: Collection[str], addresses: Collection[str]) -> set[str]:
        """Note which of some ids have become crowds; returns the families that they connected until now."""
        grown = self.session.run(sql.GROWN, sorted(persons), sorted(addresses), *self._limits)
        if not grown:
            return set()
        ids = {kind: [one for name, one in grown if name == kind] for kind in ("person", "link", "address")}
        named = Named([], [*ids["person"], *ids["link"]], ids["address"])
        (parted,) = self._touched([(named, True)])
        self.session.run(sql.ADD_CROWDS, *columns(grown))
        return parted

    def keys(self, families: Collection[str], alerts: Collection[str] = ()) -> Keys:
        """Where to look to judge some families, and what people did with some alerts."""
        rows = self.session.run(sql.KEYS, list(families), list(alerts), _MANY_KEYS)
        has_many = len(rows) >= _MANY_KEYS or sum(count for _, count in rows) >= MANY_EVENTS
        return Keys([key for key, _ in rows], has_many)

    def given(self, keys: Keys, records: Collection[str]) -> Given:
        """
        What the rules judge: the events under some keys, those sent again in the place of some records, those of the
        records that nobody can read, and the crowds among all.
        """
        sources = (("events", sql.LOADED), (CROWDS, sql.CROWDS_LOADED))
        # What people asked for, and what areas are about, is no record.
        places = [record.rsplit("/", 2) for record in records if re.fullmatch(COORDINATES, record)]
        if not places:
            return Given(sources, (keys.names, list(records)), keys.has_many)
        unread = columns([(topic, int(partition), int(offset)) for topic, partition, offset in places])
        return Given((*sources, ("quarantine", sql.UNREAD)), (keys.names, list(records), *unread), keys.has_many)

    def quarantine(self, rejected: Iterable[Rejected]) -> None:
        """Keep records that nobody can read, without what they hold."""
        self.add_unread(
            [
                {
                    "topic": one.topic,
                    "kafka_partition": one.partition,
                    "kafka_offset": one.offset,
                    "received_at": datetime.fromtimestamp(one.received_ms / 1000, UTC).replace(tzinfo=None),
                    "reason": one.reason,
                    "path": one.path,
                    "allowed": one.allowed,
                }
                for one in rejected
            ]
        )

    def add_unread(self, rows: Collection[dict[str, object]]) -> None:
        """Keep rows of `landing.quarantine`."""
        if rows:
            self.session.run(sql.ADD_QUARANTINE, as_json(rows))

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
        keys = self.keys([one.place[1]]).names if one.place[0] == "family" else []
        return self.session.run(sql.REFUSE, keys, naive(one.arrived_at), Reason.SCHEMA, REFUSED_ALLOWED)

    def about_the_same(self, events: Sequence[Accepted], recorded: Iterable[Recorded]) -> list[list[Recorded]]:
        """
        For each event what it is about, and everything else under its topic and key about an event of that name.

        A correction changes what was recorded; and of a name that has become that of two events none is corrected.
        """
        stored: dict[tuple[str, ...], list[tuple[tuple[int, int], Recorded]]] = defaultdict(list)
        keys, ids = {one.key for one in events}, {one.root[1] for one in events}
        for row in self.session.run(sql.SAME_NAME, sorted(keys), sorted(ids)):
            name, place, (fact, alert_id, *named) = row[:4], row[4:6], row[6:]
            stored[name].append((place, Recorded(fact, alert_id, Named(*named))))
        return [
            [
                own,
                *(
                    same
                    for place, same in stored[event.topic, event.key, *event.root]
                    if place != (event.partition, event.offset)
                ),
            ]
            for event, own in zip(events, recorded, strict=True)
        ]

    def touched(self, recorded: Sequence[Recorded]) -> list[set[str]]:
        """For each, the families of it, of the persons it names (through links), and at its or their addresses."""
        return self._touched([(one.named, one.fact in ABOUT_HOUSEHOLDS) for one in recorded])

    def _touched(self, asked: Sequence[tuple[Named, bool]]) -> list[set[str]]:
        """The same, and whether what is recorded is about households."""
        found = [set(named.families) for named, _ in asked]
        # What names a family alone leads nowhere else.
        far = [
            named._asdict() | {"is_about_households": are_households, "number": number}
            for number, (named, are_households) in enumerate(asked)
            if named.persons or named.addresses or are_households
        ]
        if far:
            for number, family in self.session.run(sql.TOUCHED, as_json(far)):
                found[number].add(family)
        return found

    def amended(self, keys: Collection[str]) -> dict[tuple[str, str], str]:
        """How events were changed that are filed under some keys, by source and id."""
        return {(source, id_): change for source, id_, change in self.session.run(sql.AMENDED, list(keys))}
