"""
Over-shared ids: the rules are compared with the oracle.

Another test checks that strangers who share only such an id do not affect each other's alerts.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from streams import contracts as c
from streams.contracts import Event
from streams.contracts.columns import events_table, quarantine_table
from streams.rules.answers import AlertRow
from streams.rules.compiled import compiled_rules
from streams.rules.engine import Engine
from streams.settings import Settings
from tests.limited import limited, limited_profile
from tests.oracle.cast import Cast
from tests.oracle.compare import difference
from tests.oracle.draws import draw, opening
from tests.oracle.oracle import ALL, expected
from tests.oracle.records import Log, decoded
from tests.oracle.strategies import Case, case, dense, reused

LIMITS = [(1, 1), (2, 1), (1, 2)]
"""
Limits of families for a person and for an address.

The random worlds have two to four families. With these limits, nearly every id is over-shared, or no link between
persons is followed.
"""

WORLDS = 15
START = datetime(2026, 1, 5, 12, tzinfo=UTC)
STRANGERS = ("F-1", "F-2", "F-3")


@pytest.fixture(scope="module", params=LIMITS, ids=str)
def limits(request: pytest.FixtureRequest) -> tuple[int, int]:
    return request.param


@pytest.fixture(scope="module")
def strict(limits: tuple[int, int], settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine in which few families may share a person or an address."""
    engine = limited(compiled_rules(settings), *limits, tmp_path_factory.mktemp("limits"))
    yield engine
    engine.close()


@pytest.mark.parametrize("made", [case, dense, reused])
def test_rules_raise_what_the_oracle_expects_with_over_shared_ids(
    strict: Engine, limits: tuple[int, int], made: Callable[[int], Case]
) -> None:
    """With these limits the oracle expects other alerts in some of the larger worlds than without them."""
    now = datetime.now(UTC)
    differences, decided = {}, 0
    for seed in range(WORLDS):
        world = made(seed)
        events, rejected = decoded(world.records)
        found = strict.evaluate(events_table(events, now), quarantine_table(rejected, now), ALL, world.as_of)
        wanted = expected(events, rejected, world.as_of, limited_profile(*limits))
        if lines := difference([row._asdict() for row in found.alerts], wanted):
            differences[seed] = lines
        decided += wanted != expected(events, rejected, world.as_of)

    assert not differences
    assert decided or made is not case, "the worlds of two families share less than any limit now and then"


def test_nothing_of_a_stranger_changes_the_alerts_of_a_family(settings: Settings, tmp_path: Path) -> None:
    """
    A family shares one person and one address with three other families, and nothing else.

    If a model is added that goes from family to family without `int_crowds`, this test fails.
    """
    strict = limited(compiled_rules(settings), 2, 2, tmp_path)
    others = [event for family in STRANGERS for event in _shared(family)]
    try:
        for seed in range(12):
            chance = random.Random(f"strangers {seed}")
            cast = Cast(("F-0",), ("1", "P-0", "P-1"), ("U", "U-0"))
            own = [*_shared("F-0"), *_at_risk("F-0", "U-0"), *opening(chance), *_drawn(chance, cast, 25)]
            before = _of_family(strict, own, others)
            more = [*_dangerous(), *_drawn(chance, Cast(STRANGERS, ("1", "P-7", "P-8"), ("U", "U-7")), 60)]

            assert _of_family(strict, own, [*others, *more]) == before
            assert before
    finally:
        strict.close()


def _shared(family: str) -> list[Event]:
    """Events that make a person and an address over-shared if several families have these events."""
    return [
        c.HouseholdJoined(family_id=family, person_id="1", household_role="father"),
        c.AddressChanged(family_id=family, address_id="U"),
    ]


def _at_risk(family: str, home: str) -> list[Event]:
    """
    Events of a family with a child and a home of its own.

    The over-shared person has a marker that names the family, and comes back to the family's home.
    """
    return [
        c.PersonRecorded(person_id="P-child", date_of_birth=date(2018, 3, 1)),
        c.HouseholdJoined(family_id=family, person_id="P-child", household_role="child"),
        c.AddressChanged(family_id=family, address_id=home),
        c.HouseholdLeft(family_id=family, person_id="1"),
        c.RiskMarkerSet(
            marker_id="M-0",
            person_id="1",
            marker_kind="domestic_abuse",
            marker_basis="convicted",
            marker_role="source_of_risk",
            marker_families=[family],
        ),
        c.AddressChanged(person_id="1", address_id=home),
    ]


def _dangerous() -> list[Event]:
    """
    Events that would raise alerts if over-shared ids connected families.

    A stranger with a marker comes to the over-shared address, and the over-shared person gets a marker.
    """
    marked = {"marker_kind": "domestic_abuse", "marker_basis": "convicted", "marker_role": "source_of_risk"}
    incident = {"escalation_kind": "domestic_abuse_incident", "severity": "red", "source_code": "6"}
    return [
        c.RiskMarkerSet(marker_id="M-7", person_id="P-7", marker_families=["F-1"], **marked),
        c.AddressChanged(person_id="P-7", address_id="U"),
        c.CustodyReleasePlanned(person_id="P-7", release_on=START.date() + timedelta(days=20), address_id="U"),
        c.RiskMarkerSet(marker_id="M-1", person_id="1", marker_families=["F-1"], **marked),
        c.CustodyReleasePlanned(person_id="1", release_on=START.date() + timedelta(days=20), release_family_id="F-2"),
        c.EscalationReported(escalation_id="X-7", family_id="F-1", person_ids=["1", "P-7"], **incident),
        c.AddressChanged(person_id="1", address_id="U-7"),
        c.HouseholdLeft(family_id="F-1", person_id="1"),
        c.PersonsLinked(person_id="P-7", linked_person_id="P-8", link_basis="same_number"),
    ]


def _drawn(chance: random.Random, cast: Cast, count: int) -> Iterator[Event]:
    """
    Draw random events. Families share persons and addresses but no markers, so each family has its own marker ids.
    """
    for _ in range(count):
        event = draw(chance, cast.on(START))
        marker = getattr(event, "marker_id", None)
        yield msgspec.structs.replace(event, marker_id=f"{marker}-{cast.families[0]}") if marker else event


def _of_family(engine: Engine, own: Sequence[Event], others: Sequence[Event]) -> list[AlertRow]:
    """The alerts about the first family."""
    log = Log()
    for prefix, events in (("own", own), ("other", others)):
        for number, event in enumerate(events):
            log.add(START + timedelta(hours=5 * number), event, id=f"{prefix}-{number}")
    accepted, rejected = decoded(log.records)
    assert not rejected
    as_of = START + timedelta(days=40)
    found = engine.evaluate(events_table(accepted, as_of), None, engine.compiled.rules, as_of).alerts
    return sorted((alert for alert in found if alert.family_id == "F-0"), key=str)
