"""An id becomes that of a crowd while a watcher runs: strangers' risk goes, a family's own stays."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from streams.contracts import AddressChanged, Event, HouseholdJoined, RiskMarkerSet
from streams.contracts.columns import events_table
from streams.rules.compiled import compiled_rules
from streams.rules.engine import Engine
from streams.watch.alerting import Alerting
from tests.limited import limited
from tests.oracle.records import Log, decoded
from tests.watch.streaming import Stream, said

MORNING = datetime(2026, 3, 2, 9, tzinfo=UTC)
MOST = 3
MARKER = {
    "marker_id": "M-1",
    "marker_kind": "domestic_abuse",
    "marker_role": "source_of_risk",
    "marker_basis": "alleged",
}


@pytest.fixture(scope="module")
def engine(settings, tmp_path_factory) -> Iterator[Engine]:
    """Three families may share a person, three an address."""
    engine = limited(compiled_rules(settings), MOST, MOST, tmp_path_factory.mktemp("limits"))
    yield engine
    engine.close()


class Told:
    """A stream, and all that it was told."""

    def __init__(self, engine: Engine, new_alerting: Callable[..., Alerting]) -> None:
        self.engine = engine
        self.stream = Stream(new_alerting)
        self.log = Log()

    def tell(self, *events: Event) -> None:
        """One event after the other, each judged by itself; then the build says the same."""
        for event in events:
            self.log.add(MORNING + timedelta(minutes=len(self.log.records)), event)
            self.stream.take(self.log.records[-1:])
        as_of = MORNING + timedelta(minutes=len(self.log.records))
        accepted, _ = decoded(self.log.records)
        built = self.engine.evaluate(events_table(accepted, as_of), None, self.engine.compiled.rules, as_of).alerts
        assert self.stream.standing == {said(alert) for alert in built}
        self.red = sorted(alert.family_id for alert in built if alert.severity == "red")


@pytest.fixture
def told(engine, alerting_of) -> Told:
    return Told(engine, partial(alerting_of, engine.compiled))


def _families(first: int, last: int, person: str | None = None, address: str | None = None) -> Iterator[Event]:
    """Households with a child, each with a person or at an address."""
    for number in range(first, last + 1):
        family = f"F-{number}"
        yield HouseholdJoined(family_id=family, person_id=f"child-{number}", household_role="child")
        if person:
            yield HouseholdJoined(family_id=family, person_id=person, household_role="partner")
        if address:
            yield AddressChanged(family_id=family, address_id=address)


def test_family_over_the_limit_takes_the_risk_of_strangers_from_all(told):
    """But for the family that the marker names: that is its own."""
    told.tell(RiskMarkerSet(person_id="1", marker_families=["F-2"], **MARKER), *_families(1, MOST, person="1"))
    assert told.red == ["F-1", "F-2", "F-3"]

    told.tell(*_families(4, 4, person="1"))
    assert told.red == ["F-2"]


def test_refuge_of_many_families_still_knows_who_must_not_come(told):
    """At a crowd's address a marked person meets the family that the marker names, and no stranger."""
    told.tell(*_families(1, 5, address="refuge"))
    told.tell(RiskMarkerSet(person_id="P", marker_families=["F-4"], **MARKER))
    told.tell(AddressChanged(person_id="P", address_id="refuge"))

    assert told.red == ["F-4"]


def test_address_over_the_limit_takes_the_risk_of_strangers_from_all(told):
    told.tell(RiskMarkerSet(person_id="P", **MARKER), AddressChanged(person_id="P", address_id="flats"))
    told.tell(*_families(1, MOST, address="flats"))
    assert told.red == ["F-1", "F-2", "F-3"]

    told.tell(*_families(4, 4, address="flats"))
    assert told.red == []
