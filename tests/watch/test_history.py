"""Whom an event touches and what is loaded with a family, across the households of one adult."""

import json
from collections.abc import Callable

import msgspec
import pytest

from streams import names
from streams.contracts import decode
from streams.contracts.decode import Accepted
from streams.rules.crowds import CrowdLimits
from streams.watch.history import History, StoredRecord


@pytest.fixture
def remember(event) -> Callable[..., Accepted]:
    """A history that is told one event after another."""
    history = History(CrowdLimits(50, 100))

    def tell(fact: str, topic: str = names.CASE_CHANGE, **data: object) -> Accepted:
        _, key, value = event(fact, topic=topic, **data)
        accepted = decode(StoredRecord(topic, 0, len(history), 1_772_000_000_000, key, value, ()))
        history.add(accepted)
        return accepted

    tell.history = history
    return tell


def _two_households(remember) -> Accepted:
    """A father of F-1 lives in F-2, too, under another identifier; returns that a child of F-2 joined."""
    remember("household-joined", family_id="F-1", person_id="P-father", household_role="father")
    remember("household-joined", family_id="F-2", person_id="P-also", household_role="father")
    link = {"linked_person_id": "P-also", "link_basis": "same_number"}
    remember("persons-linked", person_id="P-father", **link)
    return remember("household-joined", family_id="F-2", person_id="P-child", household_role="child")


def _reported(remember, kind: str) -> Accepted:
    facts = {"escalation_id": "X-1", "severity": "red", "source_code": "6", "person_ids": ["P-father"]}
    return remember("escalation-reported", names.ESCALATION, family_id="F-1", escalation_kind=kind, **facts)


def test_event_in_binary_mode_is_read_again_as_it_was(event):
    """Its attributes came as headers, which are not kept."""
    envelope = json.loads(event("contact-recorded", family_id="F-1", contact_id="C-1", source_code="6")[2])
    data = json.dumps(envelope.pop("data")).encode()
    headers = (("content-type", b"application/json"), *((f"ce_{k}", str(v).encode()) for k, v in envelope.items()))
    accepted = decode(StoredRecord(names.REFERRAL, 0, 7, 1_772_000_000_000, b"F-1", data, headers))
    history = History(CrowdLimits(50, 100))
    history.add(accepted)

    [again] = history.load({"F-1"})

    assert msgspec.structs.replace(again, headers=()) == msgspec.structs.replace(accepted, headers=())


def test_event_with_a_wrong_field_is_read_again_without_it(remember):
    accepted = remember("referral-submitted", names.REFERRAL, referral_id="R-1", family_id="F-1", severity="purple")

    [again] = remember.history.load({"F-1"})

    assert (again.fact, again.dropped) == (accepted.fact, accepted.dropped)
    assert len(again.dropped) == 2


@pytest.mark.parametrize(("kind", "is_loaded"), [("domestic_abuse_incident", True), ("child_missing", False)])
def test_incident_brings_the_other_household_of_its_adult(remember, kind, is_loaded):
    joined = _two_households(remember)
    born = remember("person-recorded", person_id="P-child", date_of_birth="2015-01-01")
    _reported(remember, kind)

    loaded = {event.root for event in remember.history.load({"F-1"})}

    assert {joined.root, born.root} <= loaded if is_loaded else loaded.isdisjoint({joined.root, born.root})


def test_no_event_is_loaded_twice(remember):
    _two_households(remember)
    _reported(remember, "domestic_abuse_incident")

    roots = [event.root for event in remember.history.load({"F-1"})]

    assert len(roots) == len(set(roots)) == 5


def test_event_of_a_family_among_three_thousand_that_share_ids_loads_its_own(remember):
    """All name one person and one address; what the person alone is told of is none of theirs."""
    for number in range(3_000):
        remember("household-joined", family_id=f"F-{number}", person_id="worker-1", household_role="other_adult")
        remember("address-changed", family_id=f"F-{number}", address_id="surgery")
    born = remember("person-recorded", person_id="worker-1", date_of_birth="2015-01-01")
    joined = remember("household-joined", family_id="F-7", person_id="worker-1", household_role="other_adult")

    assert remember.history.touched([joined]) == {"F-7"}
    assert remember.history.touched([born]) == set()
    assert len(remember.history.load({"F-7"})) == 3


def test_who_lives_in_the_other_household_touches_the_first(remember):
    joined = _two_households(remember)
    level = remember("level-changed", family_id="F-2", level=2, level_reason="assessment")

    assert remember.history.touched([joined]) == {"F-1", "F-2"}
    assert remember.history.touched([level]) == {"F-2"}
