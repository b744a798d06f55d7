"""The rule `two_agencies_one_week`: 168 hours, two agencies, and that an alert is raised when it turns true."""

from itertools import count

import pytest

NUMBERS = count()


def _contact(world, at, agency="school", incident=None, **options):
    return world.tell(
        "contact-recorded",
        at,
        contact_id=f"C-{next(NUMBERS)}",
        family_id=options.pop("family", "F-1"),
        source_code=options.pop("source", "2A"),
        agency_id=agency,
        incident_id=incident,
        **options,
    )


def _anchors(world):
    return [alert["anchor_id"] for alert in world.alerts("two_agencies_one_week")]


def test_two_agencies_raise_amber_with_both_concerns_as_evidence(world):
    first = _contact(world, "2025-03-03T09:00:00")
    second = _contact(world, "2025-03-05T09:00:00", "police")

    (alert,) = world.alerts("two_agencies_one_week")

    assert (alert["severity"], alert["status"], alert["entity_id"]) == ("amber", "open", "F-1")
    assert (alert["anchor_id"], alert["cleared_at"]) == (second.id, None)
    assert [evidence["id"] for evidence in alert["evidence"]] == [first.id, second.id]
    assert alert["reason"] == "Concerns about family F-1 came from 2 agencies within 168 hours."


@pytest.mark.parametrize("names", [("force-1", None), (None, "force-1"), (None, None)])
def test_agency_that_is_named_once_and_left_out_once_is_one(world, names):
    for day, name in zip(("03", "04"), names, strict=True):
        _contact(world, f"2025-03-{day}T09:00:00", name, source="6")
    assert _anchors(world) == []
    _contact(world, "2025-03-05T09:00:00", None, source="3A")

    assert len(_anchors(world)) == 1


def test_organisation_that_reports_under_two_sources_is_one_agency(world):
    _contact(world, "2025-03-03T09:00:00", "council", source="5A")
    _contact(world, "2025-03-04T09:00:00", "council", source="5B")
    _contact(world, "2025-03-05T09:00:00", None, source="5B")

    assert _anchors(world) == []


@pytest.mark.parametrize(
    ("second", "alerts"),
    [
        ("2025-03-10T08:59:59", 1),
        ("2025-03-10T09:00:00", 1),
        ("2025-03-10T09:00:00.000001", 0),
    ],
)
def test_a_week_is_168_hours(world, second, alerts):
    _contact(world, "2025-03-03T09:00:00")
    _contact(world, second, "police")

    assert len(_anchors(world)) == alerts


@pytest.mark.parametrize(("second", "alerts"), [("2025-04-04T09:00:00", 1), ("2025-04-04T09:00:01", 0)])
def test_hours_are_elapsed_time_across_a_change_of_clocks(world, second, alerts):
    """The window of 168 hours begins at 09:00 in winter time and ends a calendar week later at 10:00 in summer time."""
    _contact(world, "2025-03-28T09:00:00")
    _contact(world, second, "police")

    assert len(_anchors(world)) == alerts


def test_one_agency_is_not_two(world):
    _contact(world, "2025-03-03T09:00:00")
    _contact(world, "2025-03-05T09:00:00")

    assert _anchors(world) == []


def test_individuals_and_anonymous_reporters_are_one_agency(world):
    _contact(world, "2025-03-03T09:00:00", None, source="1A")
    _contact(world, "2025-03-05T09:00:00", None, source="9")

    assert _anchors(world) == []


def test_referral_and_reported_escalation_are_concerns(world):
    referral = {"referral_id": "R-1", "source_code": "2A", "severity": "amber", "consent": "given"}
    escalation = {"escalation_id": "X-1", "escalation_kind": "child_missing", "severity": "red", "source_code": "6"}
    world.tell("referral-submitted", "2025-03-03T09:00:00", family_id="F-1", **referral)
    reported = world.tell("escalation-reported", "2025-03-05T09:00:00", family_id="F-1", **escalation)

    assert _anchors(world) == [reported.id]


def test_two_agencies_on_one_incident_are_two(world):
    _contact(world, "2025-03-03T09:00:00", incident="I-1")
    second = _contact(world, "2025-03-05T09:00:00", "police", "I-1")

    assert _anchors(world) == [second.id]


def test_incident_reported_again_is_the_same_concern(world):
    """The school's second report of an incident does not count as a new concern of this week."""
    _contact(world, "2025-03-03T09:00:00", incident="I-1")
    _contact(world, "2025-03-12T09:00:00", incident="I-1")
    _contact(world, "2025-03-13T09:00:00", "police")

    assert _anchors(world) == []


def test_third_agency_in_the_same_week_adds_nothing(world):
    _contact(world, "2025-03-03T09:00:00")
    second = _contact(world, "2025-03-05T09:00:00", "police")
    _contact(world, "2025-03-06T09:00:00", "gp")

    assert _anchors(world) == [second.id]


def test_another_week_is_another_alert(world):
    _contact(world, "2025-03-03T09:00:00")
    second = _contact(world, "2025-03-05T09:00:00", "police")
    _contact(world, "2025-06-03T09:00:00")
    fourth = _contact(world, "2025-06-05T09:00:00", "police")

    assert _anchors(world) == [second.id, fourth.id]


def test_same_moment_is_ordered_by_id(world):
    _contact(world, "2025-03-03T09:00:00", event_id="b")
    _contact(world, "2025-03-03T09:00:00", "police", event_id="a")

    assert _anchors(world) == ["b"]


def test_family_without_history_raises_nothing(world):
    _contact(world, "2025-03-03T09:00:00")

    assert _anchors(world) == []


def test_other_families_concerns_do_not_count(world):
    _contact(world, "2025-03-03T09:00:00", family="F-2")
    _contact(world, "2025-03-05T09:00:00", "police")

    assert _anchors(world) == []


def test_late_concern_moves_the_anchor(world):
    _contact(world, "2025-03-03T09:00:00")
    _contact(world, "2025-03-07T09:00:00", "police")
    late = _contact(world, "2025-03-05T09:00:00", "gp", received="2025-03-12T09:00:00")

    assert _anchors(world) == [late.id]


def test_duplicate_changes_nothing(world):
    first = _contact(world, "2025-03-03T09:00:00")
    second = _contact(world, "2025-03-12T09:00:00", "police")
    world.repeat(first, "2025-03-12T10:00:00")
    world.repeat(second, "2025-03-13T09:00:00")

    assert _anchors(world) == []


def test_corrected_agency_withdraws_the_alert(world):
    _contact(world, "2025-03-03T09:00:00")
    second = _contact(world, "2025-03-05T09:00:00", "police")
    world.correct(second, "2025-03-06T09:00:00", agency_id="school")

    assert _anchors(world) == []


def test_corrected_time_brings_the_concerns_together(world):
    first = _contact(world, "2025-02-03T09:00:00")
    second = _contact(world, "2025-03-05T09:00:00", "police")
    world.correct(first, "2025-03-06T09:00:00", fact_at="2025-03-03T09:00:00")

    assert _anchors(world) == [second.id]


def test_withdrawn_concern_withdraws_the_alert(world):
    first = _contact(world, "2025-03-03T09:00:00")
    _contact(world, "2025-03-05T09:00:00", "police")
    world.withdraw(first, "2025-03-06T09:00:00")

    assert _anchors(world) == []


def test_linked_identifiers_do_not_change_the_alert(world):
    """The alert is about a family, so a link between two persons does not change the alert."""
    _contact(world, "2025-03-03T09:00:00", person_ids=["P-1"])
    _contact(world, "2025-03-05T09:00:00", "police", person_ids=["P-2"])
    before = world.alerts("two_agencies_one_week")
    world.tell(
        "persons-linked", "2025-03-06T09:00:00", person_id="P-1", linked_person_id="P-2", link_basis="same_number"
    )

    assert world.alerts("two_agencies_one_week") == before
    assert len(before) == 1
