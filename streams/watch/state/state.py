"""
What a watcher knows, in one session of PostgreSQL.

Nothing of it is in the process's memory: a start has nothing to restore. All of a batch is written in one transaction,
which the watcher begins.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
import psycopg2
import psycopg2.errors
from kafka import TopicPartition

from streams.contracts import Accepted
from streams.contracts.columns import events_table
from streams.contracts.decode import Reason, Rejected
from streams.contracts.outputs import Alert
from streams.errors import LockTaken
from streams.lake.connect import catalog_dsn
from streams.lake.lock_keys import LockKey
from streams.lake.session import Session
from streams.rules.answers import Deadline
from streams.rules.crowds import Crowd, CrowdLimits
from streams.rules.facts import fact_of
from streams.rules.postgres.rows import Rows, as_rows
from streams.settings import Settings
from streams.watch.alert_book import AlertBook, Place, Standing
from streams.watch.naming import ABOUT_HOUSEHOLDS, Named, named_by
from streams.watch.state import statements as sql
from streams.watch.state.tables import CURRENT, NEXT, Tables

__all__ = ["PENDING", "REFUSED", "REFUSED_ALLOWED", "Pending", "Recorded", "State", "open_session"]

_LEADER, _HELPER = "caf watch", "caf watch, standing by"
"""By these names PostgreSQL knows the sessions of the watcher that leads, and of those that stand by."""
_PAUSED_SECONDS = 60
"""After which PostgreSQL ends a transaction of a watcher that stands still."""
_READ_WHOLE = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")
"""How PostgreSQL's planner may read tables whole: good for all of them, and bad for some rows of them."""
_HELPER_SECONDS = 5
"""How long the leader waits for what one that stands by has in hand."""
PENDING = "watch_pending"
"""The channel on which those that stand by are told that there is something to judge."""

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


class Recorded(NamedTuple):
    """What a recorded event is about, as far as it tells whom to look at again."""

    fact: str | None
    alert_id: str | None
    named: Named

    @classmethod
    def of(cls, event: Accepted) -> "Recorded":
        """What an event is about."""
        return cls(fact_of(event), getattr(event.fact, "alert_id", None), named_by(event))


class Pending(NamedTuple):
    """A family or record to be judged, and why: something about it arrived, or was amended."""

    number: int
    place: Place
    arrived_at: datetime
    amendment: str | None
    as_of: datetime
    """Up to when everything that arrived was known then."""


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
        self._term = 0
        # A plan is made once, perhaps while the tables are empty: then it would seem best to read them whole.
        session.plan_with(**dict.fromkeys(_READ_WHOLE, "off"))
        self._tables = Tables(session, columns, schema)
        self.is_new = False
        """Whether the tables have nothing yet of what has landed."""
        self._has_unjudged = False

    def begin_term(self) -> None:
        """Take over from whoever wrote before, who writes nothing any more; and make the tables that are not there."""
        if self.schema == CURRENT:
            self.session.run(sql.END_OTHERS, [_LEADER, _HELPER])
        self.is_new = self._has_unjudged = self._tables.open()
        ((self._term,),) = self.session.run("UPDATE term SET number = number + 1 RETURNING number")
        self.session.run("UPDATE pending SET rules = $1", self._rules)

    def is_shared(self) -> bool:
        """Whether the leader uses tables of this version, and has judged everything by the same rules."""
        return self._tables.are_filled() and self._tables.rules == self._rules

    def is_of_another_version(self) -> bool:
        """Whether the leader uses tables of another version."""
        return self._tables.are_others()

    def of_schema(self, session: Session, schema: str) -> "State":
        """The tables of the same version in another schema, seen by another session."""
        return State(session, self.columns, self._limits, self._rules, schema)

    def is_ready(self) -> bool:
        """Whether the tables hold what had landed when they were made."""
        return self._tables.are_filled()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """
        A transaction of this term.

        Raises:
            LockTaken: another watcher has begun.
        """
        with self.session.transaction():
            if self.session.run(sql.TERM) != [(self._term,)]:
                raise LockTaken("another watcher has begun; this one has written nothing since")
            yield

    def filled(self) -> None:
        """Say that the tables hold what had landed, and that nobody has judged it yet by these rules."""
        self._tables.filled()

    def complete(self) -> None:
        """
        Say that the tables hold what had landed and what was judged before, and by which rules it is judged now.

        If some of it is new, or the rules are others than before, all families are looked at again.
        """
        if not self._has_unjudged and self._tables.rules == self._rules:
            return
        with self.writing():
            self._review_all()
            self._tables.filled()
            self._tables.judged_by(self._rules)
        self.is_new = self._has_unjudged = False

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
        with self.session.planning(**dict.fromkeys(_READ_WHOLE, "on")):
            self.session.run(sql.FIND_CROWDS, *self._limits)
            self.session.run(sql.REVIEW_ALL)

    def known(self) -> dict[TopicPartition, tuple[int, str]]:
        """By partition the next offset to judge, and the id of the topic that it is of."""
        rows = self.session.run("SELECT topic, kafka_partition, next_offset, topic_id FROM offsets")
        return {TopicPartition(topic, number): (offset, id_) for topic, number, offset, id_ in rows}

    def begin_at(self, offsets: Mapping[TopicPartition, int], topic_ids: Mapping[str, str]) -> None:
        """Say where partitions are judged from, of which topics."""
        rows = [(*place, offset, topic_ids[place.topic]) for place, offset in offsets.items()]
        self.session.run(sql.BEGIN_AT, *_columns(rows, 4))

    def advance(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Say that partitions are judged up to some offsets."""
        if offsets:
            self.session.run(sql.ADVANCE, *_columns([(*one, offset) for one, offset in offsets.items()]))

    def add(self, events: Sequence[Accepted]) -> set[str]:
        """
        Keep events, and who belongs to whom by them.

        Returns:
            Families that had to do with others through what has become a crowd.
        """
        if not events:
            return set()
        self.session.run(sql.ADD_EVENTS, as_rows(events_table(events, datetime.now(UTC)), list(self.columns)).text)
        return self.relate([named_by(event) for event in events])

    def add_judged(self, events: Sequence[Accepted]) -> None:
        """Keep events that another leader has judged, on tables that are gone."""
        self._has_unjudged = True
        self.add(events)

    def relate(self, named: Sequence[Named]) -> set[str]:
        """Keep who belongs to whom; returns what `add` does."""
        pairs = [one._asdict() for one in named if len(one.families) + len(one.persons) + len(one.addresses) > 1]
        if not pairs:
            return set()
        self.session.run(sql.ADD_NAMED, _json(pairs))
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
        (parted,) = self._touched([named._asdict() | {"is_about_households": True}])
        self.session.run(sql.ADD_CROWDS, *_columns(grown))
        return parted

    def load(self, keys: Collection[str], records: Collection[str]) -> tuple[Rows, list[Crowd]]:
        """The events under some keys, and those sent again in the place of some records; and the crowds among both."""
        ((events, count, crowds),) = self.session.run(sql.LOAD, list(keys), list(records))
        return Rows(events, count), [Crowd(*one) for one in crowds or ()]

    def load_unread(self, records: Collection[str]) -> Rows | None:
        """Some records that nobody can read."""
        if not records:
            return None
        places = [record.rsplit("/", 2) for record in records]
        ((rows, count),) = self.session.run(sql.LOAD_UNREAD, *_columns([(t, int(p), int(o)) for t, p, o in places]))
        return Rows(rows, count) if count else None

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
            self.session.run(sql.ADD_QUARANTINE, _json(rows))

    def empty_incoming(self) -> None:
        """Make room for events that another session brings in."""
        self.session.command("TRUNCATE incoming")

    def take_over_incoming(self) -> None:
        """Keep them."""
        self._has_unjudged = True
        with self.session.planning(**dict.fromkeys(_READ_WHOLE, "on")):
            for statement in sql.TAKE_OVER:
                self.session.run(statement)

    def put_pending(self, places: Iterable[tuple[Place, datetime, str | None]], as_of: datetime) -> None:
        """Have places judged: each with when something about it arrived, and how it was amended."""
        rows = [(*place, arrived_at, amendment) for place, arrived_at, amendment in places]
        self.session.run(sql.PUT_PENDING, *_columns(rows), as_of, self._rules)
        self.session.command(f"NOTIFY {PENDING}")

    def has_pending(self) -> bool:
        """Whether anything is to be judged, or in somebody's hand."""
        return bool(self.session.run("SELECT 1 FROM pending LIMIT 1"))

    def take_pending(self, limit: int, *, waits: bool = False) -> list[Pending]:
        """
        Take some of what is to be judged; it is left to others if the transaction ends badly.

        Args:
            waits: for what others have in hand, if there is nothing else.

        Raises:
            psycopg2.errors.LockNotAvailable: they have had it for long.
        """
        rows = self.session.run(sql.TAKE_PENDING, limit, self._rules)
        if not rows and waits:
            self.session.command(f"SET LOCAL lock_timeout = '{_HELPER_SECONDS}s'")
            rows = self.session.run(sql.WAIT_FOR_PENDING, limit, self._rules)
        return [Pending(number, (kind, place), *rest) for number, kind, place, *rest in rows]

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
        keys = self.keys([one.place[1]]) if one.place[0] == "family" else []
        return self.session.run(sql.REFUSE, keys, _naive(one.arrived_at), Reason.SCHEMA, REFUSED_ALLOWED)

    def unjudged(self, limit: int) -> dict[str, datetime]:
        """Some of the records that nobody can read and that are not judged yet, with when each arrived (aware)."""
        rows = self.session.run(sql.UNJUDGED, limit)
        return {record: received_at.replace(tzinfo=UTC) for record, received_at in rows}

    def about_the_same(self, events: Sequence[Accepted]) -> list[list[Recorded]]:
        """
        For each event itself, and everything else under its topic and key that is about an event of that name.

        A correction changes what was recorded; and of a name that has become that of two events none is corrected.
        """
        stored: dict[tuple[str, ...], list[tuple[tuple[int, int], Recorded]]] = defaultdict(list)
        keys, ids = {one.key for one in events}, {one.root[1] for one in events}
        for row in self.session.run(sql.SAME_NAME, sorted(keys), sorted(ids)):
            name, place, (fact, alert_id, *named) = row[:4], row[4:6], row[6:]
            stored[name].append((place, Recorded(fact, alert_id, Named(*named))))
        return [
            [
                Recorded.of(event),
                *(
                    same
                    for place, same in stored[event.topic, event.key, *event.root]
                    if place != (event.partition, event.offset)
                ),
            ]
            for event in events
        ]

    def touched(self, recorded: Sequence[Recorded]) -> list[set[str]]:
        """For each, the families of it, of the persons it names (through links), and at its or their addresses."""
        return self._touched(
            [one.named._asdict() | {"is_about_households": one.fact in ABOUT_HOUSEHOLDS} for one in recorded]
        )

    def _touched(self, asked: Sequence[dict[str, object]]) -> list[set[str]]:
        found: list[set[str]] = [set() for _ in asked]
        if asked:
            numbered = [one | {"number": number} for number, one in enumerate(asked)]
            for number, family in self.session.run(sql.TOUCHED, _json(numbered)):
                found[number].add(family)
        return found

    def keys(self, families: Collection[str]) -> list[str]:
        """The keys under which all is filed that must be looked at to judge some families."""
        rows = self.session.run("SELECT keys_to_load($1)", list(families))
        return [key for (key,) in rows]

    def amended(self, keys: Collection[str]) -> dict[tuple[str, str], str]:
        """How events were changed that are filed under some keys, by source and id."""
        return {(source, id_): change for source, id_, change in self.session.run(sql.AMENDED, list(keys))}

    def places(self, alert_ids: Collection[str]) -> set[Place]:
        """Where some alerts are."""
        return set(self.session.run(sql.PLACES, list(alert_ids))) if alert_ids else set()

    def book(self, places: Collection[Place]) -> AlertBook:
        """The latest versions of the alerts of some places."""
        kinds = sorted({kind for kind, _ in places})
        rows = self.session.run(sql.BOOK, [name for _, name in places], kinds)
        found = (Standing(msgspec.msgpack.decode(alert, type=Alert), *rest) for alert, *rest in rows)
        return AlertBook(one for one in found if one.place in places)

    def save(self, standing: Iterable[Standing], *, send: bool) -> None:
        """Keep versions of alerts, each alert's in their order, and have them sent."""
        standing = list(standing)
        encoded = [(one.alert.alert_id, one.alert.version, msgspec.msgpack.encode(one.alert)) for one in standing]
        rows = {
            id_: (id_, *one.place, version, one.since, one.inherits, alert, one.ended_at)
            for one, (id_, version, alert) in zip(standing, encoded, strict=True)
        }
        if rows:
            self.session.run(sql.SAVE_ALERTS, *_columns(rows.values()))
        if rows and send:
            self.session.run(sql.PUT_OUT, *_columns(encoded))

    def waiting(self, limit: int) -> list[Alert]:
        """The first versions that are not known to be on their topic."""
        return [msgspec.msgpack.decode(alert, type=Alert) for (alert,) in self.session.run(sql.WAITING, limit)]

    def sent(self, alerts: Collection[Alert]) -> list[Alert]:
        """Versions are on their topic; returns those to be sent under a number that something else has there."""
        said = {(one.alert_id, one.version): msgspec.msgpack.encode(one) for one in alerts}
        rows = self.session.run(sql.SENT, *_columns(list(said), 2))
        return [
            msgspec.msgpack.decode(alert, type=Alert) for id_, version, alert in rows if said[id_, version] != alert
        ]

    def unknown(self, alerts: Collection[Alert]) -> list[Alert]:
        """Those of some versions that are newer than what is known."""
        asked = _columns([(one.alert_id, one.version) for one in alerts], 2)
        known = set(self.session.run(sql.KNOWN, *asked))
        return [one for one in alerts if (one.alert_id, one.version) not in known]

    def forget(self, alert_id: str) -> None:
        """Know nothing of an alert."""
        self.session.run("DELETE FROM alerts WHERE alert_id = $1", alert_id)

    def put_off(self, places: Mapping[Place, datetime]) -> None:
        """Remember places at which something is to be said later, each with when its cause arrived (aware)."""
        self.session.run(sql.PUT_OFF, *_columns([(*place, at) for place, at in places.items()], 3))

    def has_put_off(self) -> bool:
        """Whether anything was put off."""
        return bool(self.session.run("SELECT 1 FROM restatements LIMIT 1"))

    def take_up(self) -> dict[Place, datetime]:
        """The places that were put off, which are so no more."""
        rows = self.session.run("DELETE FROM restatements RETURNING *")
        return {(kind, place): at for kind, place, at in rows}

    def ended(self, before: datetime) -> list[str]:
        """Alerts that ended before a moment (aware) and are still among those that stand."""
        return [alert_id for (alert_id,) in self.session.run(sql.ENDED, before)]

    def retired(self, alert_ids: Collection[str]) -> None:
        """Ended alerts are no longer among those that stand."""
        self.session.run(sql.RETIRED, list(alert_ids))

    def standing(self, after: str, limit: int) -> list[Alert]:
        """Some alerts that stand, or have ended and are still said to, in the order of their ids."""
        rows = self.session.run(sql.STANDING, after, limit)
        return [msgspec.msgpack.decode(alert, type=Alert) for (alert,) in rows]

    def to_review(self, limit: int) -> dict[str, datetime]:
        """Some families that are to be looked at again, the latest first, with when their newest event arrived."""
        rows = self.session.run(sql.REVIEWED, limit)
        return {family: at.replace(tzinfo=UTC) for family, at in rows}

    def replace_deadlines(self, families: Collection[str], deadlines: Iterable[Deadline], as_of: datetime) -> None:
        """Take over the deadlines of families; those before `as_of` (aware) are over."""
        clock = _naive(as_of)
        self.session.run(sql.FORGET_DEADLINES, list(families))
        kept = [(one.family_id, one.rule, one.due_at) for one in deadlines if one.family_id in families]
        kept = [one for one in kept if one[2] >= clock]
        if kept:
            self.session.run(sql.KEEP_DEADLINES, *_columns(kept))

    def next_due(self) -> datetime | None:
        """When the next deadline passes, aware."""
        ((due,),) = self.session.run(sql.NEXT_DUE)
        return due and due.replace(tzinfo=UTC)

    def pop_due(self, as_of: datetime) -> list[Deadline]:
        """Remove and return the deadlines that have passed (`as_of` is later than they are)."""
        return [Deadline(*row) for row in self.session.run(sql.POP_DUE, _naive(as_of))]


def _columns(rows: Collection[Sequence], width: int = 0) -> list[list]:
    """Rows as one array for each column."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def _json(value: object) -> str:
    # PostgreSQL's text holds every character but that of a zero byte.
    return msgspec.json.encode(value).decode().replace("\\u0000", "\\ufffd")


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
