"""
An id becomes over-shared while a watcher runs.

Alerts about strangers are withdrawn. A family keeps the alerts about markers that name the family.
"""

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
    """The real rules, with limits of three families for a person and three families for an address."""
    engine = limited(compiled_rules(settings), MOST, MOST, tmp_path_factory.mktemp("limits"))
    yield engine
    engine.close()


class Told:
    """A stream of events, and the log of all events that the stream evaluated."""

    def __init__(self, engine: Engine, new_alerting: Callable[..., Alerting]) -> None:
        self.engine = engine
        self.stream = Stream(new_alerting)
        self.log = Log()

    def tell(self, *events: Event) -> None:
        """Send events one by one, evaluate each event alone, and then compare the stream with a build."""
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
    """Households with a child, each with the given person or at the given address."""
    for number in range(first, last + 1):
        family = f"F-{number}"
        yield HouseholdJoined(family_id=family, person_id=f"child-{number}", household_role="child")
        if person:
            yield HouseholdJoined(family_id=family, person_id=person, household_role="partner")
        if address:
            yield AddressChanged(family_id=family, address_id=address)


def test_family_over_the_limit_takes_the_risk_of_strangers_from_all(told):
    """The family that the marker names keeps its alert. The other families' alerts are withdrawn."""
    told.tell(RiskMarkerSet(person_id="1", marker_families=["F-2"], **MARKER), *_families(1, MOST, person="1"))
    assert told.red == ["F-1", "F-2", "F-3"]

    told.tell(*_families(4, 4, person="1"))
    assert told.red == ["F-2"]


def test_refuge_of_many_families_still_knows_who_must_not_come(told):
    """
    A person with a marker moves to an over-shared address.

    An alert is raised for the family that the marker names, and for no other family at the address.
    """
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
