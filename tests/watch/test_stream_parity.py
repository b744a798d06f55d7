"""Evaluating one event after another gives the same final alerts as evaluating all events at once."""

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from streams.contracts import AddressChanged, ReferralSubmitted
from streams.contracts.columns import events_table, quarantine_table
from streams.rules.answers import AlertRow
from streams.rules.compiled import compiled_rules
from streams.rules.engine import Engine
from streams.simulate import Noise, World
from streams.watch.alerting import Alerting
from tests.limited import limited
from tests.oracle.compare import difference
from tests.oracle.oracle import expected
from tests.oracle.records import Log, Record, decoded
from tests.oracle.strategies import case, dense, reused
from tests.watch.streaming import Stream, said

WORLDS = 12
HALTON = "E06000006"
SHARE = 16
"""One in 16 record keys of a simulated year is streamed. More records would take longer than half a minute."""
END = datetime(2026, 4, 1, tzinfo=UTC)
MORNING = datetime(2026, 3, 2, 9, tzinfo=UTC)
FAMILIES = {f"F-{number}" for number in range(6)}
LATEST = timedelta(days=60)


@pytest.fixture(scope="module")
def engine(settings) -> Iterator[Engine]:
    """The engine that evaluates all events at once. The stream is evaluated on PostgreSQL."""
    engine = Engine(compiled_rules(settings))
    yield engine
    engine.close()


@pytest.mark.parametrize("seed", range(WORLDS))
def test_stream_gives_the_same_alerts_as_a_rebuild(engine, alerting_of, seed):
    """The final alerts are equal, and no version was published twice. In most cases the watcher restarts in between."""
    chance = random.Random(seed)
    world = (dense, case, reused)[seed % 3](seed)
    stream = streamed(partial(alerting_of, engine.compiled), world.records, world.as_of, chance, 6, seed % 4)

    whole = rebuilt(engine, world.records, world.as_of)
    assert stream.standing == {said(alert) for alert in whole}
    assert stream.areas == areas(engine, world.records, whole, world.as_of)


def test_families_of_the_worlds_move():
    """Some families of the worlds above have an address in an area, and some a protected one."""
    moves = [
        event.fact
        for seed in range(WORLDS)
        for event in decoded((dense, case, reused)[seed % 3](seed).records)[0]
        if isinstance(event.fact, AddressChanged) and event.fact.family_id is not None
    ]

    assert {move.lsoa_code for move in moves} > {"E01007119", "E01007203"}
    assert any(move.is_address_protected for move in moves)


@pytest.mark.parametrize(("person", "address"), [(1, 1), (2, 1), (1, 2)])
def test_stream_gives_the_same_alerts_as_a_rebuild_with_over_shared_ids(
    person, address, settings, tmp_path, alerting_of
):
    """
    Ids become over-shared during the stream, in any order and with any batch size.

    The families that such an id connected are evaluated again.
    """
    engine = limited(compiled_rules(settings), person, address, tmp_path)
    try:
        for seed in range(3):
            chance = random.Random(seed)
            world = (dense, case, reused)[seed % 3](seed)
            new_alerting = partial(alerting_of, engine.compiled)
            stream = streamed(new_alerting, world.records, world.as_of, chance, (6, 1)[seed % 2], seed % 3)

            assert stream.standing == {said(alert) for alert in rebuilt(engine, world.records, world.as_of)}
    finally:
        engine.close()


@pytest.mark.parametrize("late", [timedelta(0), LATEST], ids=["in order", "shuffled"])
def test_streamed_year_gives_the_same_alerts_as_a_rebuild_and_the_oracle(engine, alerting_of, late):
    """Records of a simulated year arrive in order, or up to two months late. The watcher restarts in between."""
    chance = random.Random(8)
    records = year(chance, late)
    as_of = END + LATEST
    stream = streamed(partial(alerting_of, engine.compiled), records, as_of, chance, 80, 3)
    whole = rebuilt(engine, records, as_of)

    assert stream.standing == {said(alert) for alert in whole}
    assert not difference([alert._asdict() for alert in whole], expected(*decoded(records), as_of))


@pytest.mark.parametrize("seed", range(3))
def test_reused_ids_give_the_same_alerts_in_any_order(engine, alerting_of, seed):
    """
    Six families, and two children in each of two families, share one referral id and event id.

    Further events correct and withdraw events with that id.
    """
    chance = random.Random(seed)
    writes = _of_one_number()
    writes += chance.sample(writes, 3)
    chance.shuffle(writes)
    log = Log()
    for number, write in enumerate(writes):
        write(log, MORNING + timedelta(hours=20, minutes=number))
    as_of = MORNING + timedelta(days=3)
    stream = streamed(partial(alerting_of, engine.compiled), log.records, as_of, chance, 4, 2)
    whole = rebuilt(engine, log.records, as_of)

    assert stream.standing == {said(alert) for alert in whole}
    assert not difference([alert._asdict() for alert in whole], expected(*decoded(log.records), as_of))
    assert {alert.family_id for alert in whole if alert.rule == "consent_not_recorded"} == FAMILIES


def _of_one_number() -> list[Callable[[Log, datetime], object]]:
    """Functions that write referrals with different families, children or times, and their amendments, to a log."""

    def told(family: str, child: str, minutes: int = 0) -> Callable[[Log, datetime], object]:
        event = ReferralSubmitted(
            referral_id="1001", family_id=family, source_code="6", severity="red", person_ids=[child]
        )
        at = MORNING + timedelta(minutes=minutes)
        return lambda log, received: log.add(at, event, id="1001", received=received)

    def amended(family: str, root_time: datetime | None, child: str | None) -> Callable[[Log, datetime], object]:
        event = ReferralSubmitted(
            referral_id="1001", family_id=family, source_code="6", severity="amber", person_ids=[child or "P-0"]
        )
        about = {"root_time": root_time, "id": f"a-{family}-{child}-{root_time is None}"}
        if child is None:
            return lambda log, received: log.withdraw(MORNING, "1001", event, received=received, **about)
        return lambda log, received: log.correct(MORNING, "1001", MORNING, event, received=received, **about)

    later = MORNING + timedelta(minutes=5)
    return [
        *(told(family, f"P-{family}") for family in sorted(FAMILIES)),
        *(told("F-1", "P-sister"), told("F-2", "P-brother", minutes=5)),
        # For F-1 it is unclear which child an amendment is about, even if the amendment gives the time of its event.
        # For F-2 it is clear only if the amendment gives the time.
        *(amended("F-1", None, "P-other"), amended("F-1", MORNING, None)),
        *(amended("F-2", later, "P-corrected"), amended("F-2", None, None), amended("F-3", None, "P-right")),
    ]


def year(chance: random.Random, late: timedelta) -> list[Record]:
    """The records of some families and persons of a small borough. Each record arrives up to `late` after its time."""
    noise = Noise(malformed=0.005, duplicates=0.02, corrected=0.02, withdrawn=0.02)
    world = World(6, [HALTON], END - timedelta(days=365), END, stories=1, noise=noise, backfill=False)
    sent = [record for record in world.records() if record.story_id or int(record.key[-2:], 36) % SHARE == 0]
    arrived = sorted(((record.at + chance.random() * late, record) for record in sent), key=lambda each: each[0])
    offsets: dict[str, int] = {}
    log = []
    for at, record in arrived:
        offsets[record.topic] = offset = offsets.get(record.topic, -1) + 1
        log.append(Record(record.topic, 0, offset, round(at.timestamp() * 1000), record.key, record.value))
    return log


def rebuilt(engine: Engine, records: Sequence[Record], as_of: datetime) -> list:
    """The alerts from evaluating all records at once."""
    events, rejected = decoded(records)
    tables = events_table(events, as_of), quarantine_table(rejected, as_of)
    return engine.evaluate(*tables, engine.compiled.rules, as_of).alerts


def areas(
    engine: Engine, records: Sequence[Record], alerts: Sequence[AlertRow], as_of: datetime
) -> dict[str, str | None]:
    """The areas in which the families of the open alerts live, when all records are evaluated at once."""
    desks = engine.desks(events_table(decoded(records)[0], as_of), as_of)
    families = {alert.alert_id: alert.family_id for alert in alerts if alert.status == "open" and not alert.is_backfill}
    return {alert_id: desks[family].area for alert_id, family in families.items() if family is not None}


def streamed(
    new_alerting: Callable[..., Alerting],
    records: Sequence[Record],
    as_of: datetime,
    chance: random.Random,
    most: int,
    restarts: int,
) -> Stream:
    """Stream the records in batches of random size up to `most`, with `restarts` restarts of the watcher."""
    anew = sorted(chance.choices(range(1, len(records)), k=restarts))
    stream, taken = Stream(new_alerting), 0
    while taken < len(records):
        batch = records[taken : taken + chance.randint(1, most)]
        stream.take(batch)
        taken += len(batch)
        if anew and anew[0] <= taken:
            anew.pop(0)
            stream.restart()
    stream.pass_deadlines(as_of)
    return stream
