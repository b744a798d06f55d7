"""
Small random worlds, each made from a seed: few families, persons and addresses, and many events near thresholds.

The gaps between events are drawn around the thresholds of the rules (one second before, exactly at, one second after)
and around the days on which the clocks change. Events arrive late, early, twice and out of order. Events are corrected
and withdrawn.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

from hypothesis import strategies as st

from streams.contracts import Event, OpenedInEmergency
from streams.contracts.codesets import EmergencyReason
from streams.names import CASE_CHANGE, ESCALATION, REFERRAL
from tests.oracle.cast import Cast, Draw
from tests.oracle.clock import london_day, london_time, months_before
from tests.oracle.draws import draw, drawn_of, opening, sequel, submitted
from tests.oracle.records import Log, Record
from tests.oracle.safety import due, planned
from tests.oracle.work import clock, deadlines

__all__ = ["Case", "case", "cases", "dense", "reused"]

_STARTS = (
    datetime(2025, 3, 28, 1, 30, tzinfo=UTC),
    datetime(2025, 10, 25, 0, 30, tzinfo=UTC),
    datetime(2025, 10, 26, 1, 30, tzinfo=UTC),
    datetime(2024, 2, 29, 12, tzinfo=UTC),
    datetime(2026, 1, 5, 12, tzinfo=UTC),
    datetime(2025, 8, 31, 22, 50, tzinfo=UTC),
)
_GAPS = tuple(timedelta(hours=hours) for hours in (0, 1, 18, 20, 24, 24 * 7, 24 * 30, 24 * 90))
_CLOCK = (time(0), time(8, 45), time(9), time(17))
_LAGS = (timedelta(0), timedelta(0), timedelta(seconds=3), timedelta(hours=5), timedelta(days=12))
_NEXT = 8
_EARLY = (timedelta(minutes=5), timedelta(minutes=5, seconds=1), timedelta(days=2))

Write = Callable[[Log], None]


@dataclass(frozen=True)
class Case:
    """
    Records in order of arrival, and the time at which deadlines are evaluated.

    The evaluation time is not before the last arrival.
    """

    records: tuple[Record, ...]
    as_of: datetime


@dataclass(frozen=True)
class _Told:
    """An event with its envelope, before it is written."""

    at: datetime
    received: datetime
    event: Event
    id: str
    source: str
    is_backfill: bool = False
    tells_time: bool = False
    """Whether corrections and withdrawals of this event give its time."""

    def write(self, log: Log) -> None:
        self.write_again(log, self.received)

    def write_again(self, log: Log, received: datetime) -> None:
        about = {"id": self.id, "source": self.source, "is_backfill": self.is_backfill}
        log.add(self.at, self.event, received=received, **about)


def cases() -> st.SearchStrategy[Case]:
    """Cases of random seeds. `compare.smallest` reduces a failing case to the records that are needed."""
    return st.integers(0, 2**32 - 1).map(case)


def case(seed: int) -> Case:
    """The case of a seed. One seed always gives the same case."""
    rng = random.Random(seed)
    return _case(rng, Cast.drawn(rng), draw)


def dense(seed: int) -> Case:
    """A case with few families and a few related kinds of events."""
    rng = random.Random(f"dense {seed}")
    return _case(rng, Cast.small(), drawn_of(rng))


def reused(seed: int) -> Case:
    """A dense case in several partitions. The sources reuse a few ids for many events."""
    rng = random.Random(f"reused {seed}")
    return _repartitioned(rng, _case(rng, Cast.small(), drawn_of(rng), _renumbered))


def _renumbered(rng: random.Random, told: list[_Told]) -> Iterator[_Told]:
    """Give the events only a handful of ids. Some events also get the time of the preceding event."""
    for each, before in zip(told, [told[0], *told], strict=False):
        at = before.at if rng.random() < 0.2 else each.at
        id_, source = str(rng.randint(1, 4)), rng.choice(("/a", "/a", "/b"))
        received = max(at, each.received)
        yield replace(each, at=at, received=received, id=id_, source=source, tells_time=rng.random() < 0.5)


def _repartitioned(rng: random.Random, each: Case) -> Case:
    """
    Spread the records of each topic over two partitions, so that one key can be in both partitions.

    A case in which a record refers to the position of another record is not changed.
    """
    if any(record.headers for record in each.records):
        return each
    offsets: Counter[tuple[str, int]] = Counter()
    records = []
    for record in each.records:
        partition = rng.randint(0, 1)
        records.append(replace(record, partition=partition, offset=offsets[record.topic, partition]))
        offsets[record.topic, partition] += 1
    return Case(tuple(records), each.as_of)


def _as_drawn(_: random.Random, told: list[_Told]) -> Iterable[_Told]:
    return told


def _case(rng: random.Random, cast: Cast, drawn: Draw, named: Callable = _as_drawn) -> Case:
    told = list(named(rng, list(_told(rng, cast, drawn))))
    writes = [(each.received, each.write) for each in told]
    for each in told:
        if rng.random() < 0.15:
            writes += list(_amendments(rng, each))
        if rng.random() < 0.1:
            writes.append((received := each.received + rng.choice(_LAGS), _copy(each, received)))
    if rng.random() < 0.3:
        writes.append((told[-1].received, _unreadable(rng, told[-1])))
    writes += list(_openings(told))
    log = Log()
    for _, write in sorted(writes, key=lambda each: each[0]):
        write(log)
    return Case(tuple(log.records), _as_of(rng, told, log))


def _told(rng: random.Random, cast: Cast, drawn: Draw) -> Iterator[_Told]:
    """
    Draw events. Most events happen at a threshold of a rule after an earlier event.

    The last event starts a clock. The ids of events do not follow their order.
    """
    begun = opening(rng) if rng.random() < 0.7 else []
    last = rng.choice(_STARTS)
    latest: list[tuple[datetime, Event]] = [(last, drawn(rng, cast.on(last)))]
    for number in rng.sample(range(100, 1000), rng.randint(12, 55)):
        at, event = rng.choice(latest[-4:])
        if begun:
            at, event = at + timedelta(hours=1), begun.pop(0)
        elif rng.random() < 0.5:
            gap, event = sequel(rng, event, at)
            at += gap + _second(rng)
        else:
            at = _after(rng, at)
            event = drawn(rng, cast.on(at))
        latest.append((at, event))
        is_early = rng.random() < 0.05
        received = at - rng.choice(_EARLY) if is_early else at + rng.choice(_LAGS)
        last = max(last, received)
        yield _Told(at, received, event, f"e-{number}", rng.choice(("/a", "/b")), rng.random() < 0.05)
    begins = rng.choices((clock, submitted, planned), weights=(6, 2, 2))[0](rng, cast.on(last))
    yield _Told(last, last, begins, "e-last", "/a")


def _after(rng: random.Random, at: datetime) -> datetime:
    if rng.random() < 0.05:
        return months_before(at, -12) + _second(rng)
    if rng.random() < 0.1:
        day = london_day(at) + timedelta(days=rng.choice((0, 1, 1, 2)))
        return max(at, london_time(day, rng.choice(_CLOCK)) + _second(rng))
    if rng.random() < 0.5:
        return at + rng.choice(_GAPS) + _second(rng)
    return at + timedelta(hours=rng.randrange(24 * 10))


def _second(rng: random.Random) -> timedelta:
    return timedelta(seconds=rng.choice((-1, 0, 0, 0, 1)))


def _amendments(rng: random.Random, root: _Told) -> Iterator[tuple[datetime, Write]]:
    """
    Draw one or two corrections or withdrawals of an event.

    Sometimes two amendments have the same time, and sometimes an amendment arrives before its root event.
    """
    at = root.at + rng.choice((timedelta(minutes=1), timedelta(days=3)))
    for number in rng.sample(range(100, 1000), rng.choice((1, 1, 2))):
        received = at + rng.choice((*_LAGS, timedelta(seconds=-30)))
        id_ = f"a-{number}-{root.id}"
        if rng.random() < 0.5:
            yield received, _withdrawal(root, at, received, id_)
        else:
            time = root.at + rng.choice((timedelta(0), timedelta(0), timedelta(days=-1), timedelta(days=1)))
            yield received, _correction(root, at, received, id_, time, _other(rng, root.event, root.at))
        at += rng.choice((timedelta(0), timedelta(days=1)))


def _openings(told: list[_Told]) -> Iterator[tuple[datetime, Write]]:
    """
    Let somebody open families in an emergency, at the times of other events. Some openings are withdrawn.

    Openings change no other alert. They have random numbers of their own, so that the other events stay as they were.
    """
    rng = random.Random(f"openings {told[0].at} {len(told)} {told[-1].received}")
    for number in range(rng.choice((0, 0, 1, 2))):
        near = rng.choice(told)
        event = OpenedInEmergency(
            family_id=getattr(near.event, "family_id", None) or "F-0",
            worker_id=rng.choice(("ann", "bob")),
            emergency_reason=rng.choice(list(EmergencyReason)),
        )
        opened = replace(near, event=event, id=f"o-{number}")
        yield opened.received, opened.write
        if rng.random() < 0.3:
            yield opened.received, _withdrawal(opened, opened.at, opened.received, f"w-{number}")


def _other(rng: random.Random, event: Event, at: datetime) -> Event:
    """Draw another event that can replace the given event because both have the same topic and key."""
    cast = Cast.of(event).on(at)
    while (other := draw(rng, cast)).topic != event.topic or other.key != event.key:
        pass
    return other


def _withdrawal(root: _Told, at: datetime, received: datetime, id_: str) -> Write:
    about = {"source": root.source, "root_time": root.at if root.tells_time else None}
    return lambda log: log.withdraw(at, root.id, root.event, id=id_, received=received, **about)


def _correction(root: _Told, at: datetime, received: datetime, id_: str, time: datetime, event: Event) -> Write:
    about = {"source": root.source, "root_time": root.at if root.tells_time else None}
    return lambda log: log.correct(at, root.id, time, event, id=id_, received=received, **about)


def _copy(told: _Told, received: datetime) -> Write:
    return lambda log: told.write_again(log, received)


def _unreadable(rng: random.Random, told: _Told) -> Write:
    """An unreadable record. Half of these records are replayed."""
    topic, is_replayed = rng.choice((REFERRAL, ESCALATION, CASE_CHANGE)), rng.random() < 0.5

    def write(log: Log) -> None:
        place = log.garbage(topic, told.received)
        if is_replayed:
            log.add(told.at, told.event, id="replayed", received=told.received, replay_of=place)

    return write


def _as_of(rng: random.Random, told: list[_Told], log: Log) -> datetime:
    """
    Choose when deadlines are evaluated: at the last arrival, at one of the next deadlines, or one second after one.
    """
    last = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=max(record.timestamp for record in log.records))
    passing = [
        deadline + timedelta(seconds=seconds)
        for each in told
        for deadline in (*deadlines(each.event, each.at), *due(each.event, each.at))
        for seconds in (0, 1)
    ]
    expiries = [expires_at for each in told if (expires_at := getattr(each.event, "expires_at", None))]
    return rng.choice([last, *sorted(at for at in (*passing, *expiries) if at >= last)[:_NEXT]])
