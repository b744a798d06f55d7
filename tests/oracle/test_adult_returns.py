"""Tests of the oracle on `adult_returns`, one test for each sentence of the rule."""

from datetime import UTC, date, datetime

import pytest

from streams.contracts import (
    AddressChanged,
    EscalationReported,
    HouseholdJoined,
    HouseholdLeft,
    PersonRecorded,
    PersonsLinked,
    RiskMarkerCleared,
    RiskMarkerReviewed,
    RiskMarkerSet,
)

RULE = "adult_returns"


def joined(person="P-adult", family="F-1", role="partner"):
    return HouseholdJoined(family_id=family, person_id=person, household_role=role)


def left(person="P-adult", family="F-1"):
    return HouseholdLeft(family_id=family, person_id=person)


def marker(person="P-adult", families=("F-1",), role="source_of_risk", expires_at=None, marker_id="M-1"):
    return RiskMarkerSet(
        marker_id=marker_id,
        person_id=person,
        marker_kind="domestic_abuse",
        marker_role=role,
        marker_basis="charged",
        marker_families=list(families),
        expires_at=expires_at,
    )


def returned(*persons, family="F-1", kind="abusive_adult_returned"):
    return EscalationReported(
        escalation_id="X-1",
        family_id=family,
        escalation_kind=kind,
        severity="red",
        source_code="6",
        person_ids=list(persons),
    )


def lives(address, family=None, person=None):
    return AddressChanged(family_id=family, person_id=person, address_id=address)


@pytest.fixture
def family(story):
    """A log with a family with a child, and an adult with a marker who is not in the family."""
    story.add(story.day(0), joined("P-child", role="child"), id="child")
    story.add(story.day(1), marker(), id="marked")
    return story


def test_marked_adult_joins(family):
    """The evidence is the marker and the joined event."""
    family.add(family.day(10), joined(), id="joined")

    (alert,) = family.alerts(RULE)

    assert (alert.rule, alert.entity_id, alert.anchor) == (RULE, "F-1", ("/test", "joined"))
    assert (alert.severity, alert.status) == ("red", "open")
    assert {("/test", "marked"), ("/test", "joined")} == alert.evidence


def test_marker_of_a_victim_is_silent(story):
    story.add(story.day(0), joined("P-child", role="child"))
    story.add(story.day(1), marker(role="victim"))
    story.add(story.day(2), joined())

    assert story.anchors(RULE) == []


def test_other_family_is_silent(family):
    """If the marker does not name the family, another rule applies."""
    family.add(family.day(2), joined("P-c2", "F-2", "child"))
    family.add(family.day(3), joined(family="F-2"))

    assert family.anchors(RULE) == []


def test_marker_without_families_counts_where_the_person_was_a_member(story):
    """
    A marker that names no family: `adult_returns` applies if the person comes back to a family.

    If the person comes to the family for the first time, another rule applies.
    """
    story.add(story.day(0), joined("P-child", role="child"))
    story.add(story.day(0), joined("P-c2", "F-2", "child"))
    story.add(story.day(1), marker(families=()))
    story.add(story.day(2), joined(family="F-2"), id="new")
    story.add(story.day(3), left(family="F-2"))
    story.add(story.day(4), joined(family="F-2"), id="back")

    assert story.anchors(RULE) == ["back"]


def test_household_without_a_child_is_silent(story):
    story.add(story.day(1), marker())
    story.add(story.day(2), joined())

    assert story.anchors(RULE) == []


def test_marked_person_is_not_the_child(story):
    story.add(story.day(1), marker())
    story.add(story.day(2), joined(role="child"))

    assert story.anchors(RULE) == []


@pytest.mark.parametrize(
    ("at", "fires"),
    [
        (datetime(2026, 3, 9, 23, 59, 59, tzinfo=UTC), True),
        (datetime(2026, 3, 10, 0, 0, tzinfo=UTC), False),
    ],
)
def test_person_is_a_child_until_the_eighteenth_birthday(family, at, fires):
    born = PersonRecorded(person_id="P-child", date_of_birth=date(2008, 3, 10))
    family.add(family.day(900), born)
    family.add(at, joined())

    assert fires == bool(family.anchors(RULE, family.day(1000)))


def test_birthday_begins_at_midnight_in_london(family):
    """In summer time, midnight in London is 23:00 UTC on the day before."""
    family.add(family.day(0), PersonRecorded(person_id="P-child", date_of_birth=date(2008, 7, 10)))
    family.add(datetime(2026, 7, 9, 23, tzinfo=UTC), joined())

    assert family.anchors(RULE) == []


def test_unborn_is_a_child(story):
    story.add(story.day(0), PersonRecorded(person_id="P-unborn", due_date=date(2026, 6, 1)))
    story.add(story.day(0), joined("P-unborn", role="other_adult"))
    story.add(story.day(1), marker())
    story.add(story.day(2), joined(), id="joined")

    assert story.anchors(RULE) == ["joined"]


def test_record_before_the_join_counts_over_a_later_one(family):
    """
    The latest record up to the time of the joining counts. Without an earlier record, the first later record counts.
    """
    family.add(family.day(0), PersonRecorded(person_id="P-child", date_of_birth=date(1990, 1, 1)))
    family.add(family.day(50), PersonRecorded(person_id="P-child", date_of_birth=date(2015, 1, 1)))
    family.add(family.day(10), joined())

    assert family.anchors(RULE) == []


def test_dead_child_is_no_child(family):
    died = PersonRecorded(person_id="P-child", date_of_birth=date(2015, 1, 1), died_on=date(2026, 1, 10))
    family.add(family.day(6), died)
    family.add(family.day(10), joined())

    assert family.anchors(RULE) == []


def test_linked_identity_is_the_same_person(family):
    """
    A link counts from the beginning, however late it became known. Links through a third identifier count.

    The anchor is the joined event.
    """
    family.add(family.day(10), joined("P-other"), id="joined")
    family.add(family.day(20), PersonsLinked(person_id="P-third", linked_person_id="P-other", link_basis="same_number"))
    assert family.anchors(RULE) == []
    family.add(family.day(21), PersonsLinked(person_id="P-adult", linked_person_id="P-third", link_basis="same_number"))

    assert family.anchors(RULE) == ["joined"]


def test_withdrawn_link_unlinks(family):
    link = PersonsLinked(person_id="P-adult", linked_person_id="P-other", link_basis="same_number")
    family.add(family.day(9), link, id="link")
    family.add(family.day(10), joined("P-other"))
    family.withdraw(family.day(20), "link", link)

    assert family.anchors(RULE) == []


def test_once_per_stay(family):
    """
    Further joined events, reports and new markers during a stay raise no alert. A return after leaving raises an alert.
    """
    family.add(family.day(10), joined(), id="first")
    family.add(family.day(11), joined())
    family.add(family.day(12), returned("P-adult"))
    family.add(family.day(13), marker(marker_id="M-2"))
    family.add(family.day(14), left())
    family.add(family.day(15), joined(), id="second")

    assert family.anchors(RULE) == ["first", "second"]
    assert [alert.status for alert in family.alerts(RULE)] == ["cleared", "open"]


def test_marked_while_present(story):
    """The evidence includes the joined event that began the stay."""
    story.add(story.day(0), joined("P-child", role="child"))
    story.add(story.day(1), joined(), id="joined")
    story.add(story.day(2), joined())
    story.add(story.day(9), marker(), id="marked")

    (alert,) = story.alerts(RULE)

    assert alert.anchor[1] == "marked"
    assert {"joined", "marked"} == {event for _, event in alert.evidence}


def test_person_moves_to_the_familys_address(family):
    family.add(family.day(2), lives("U-1", family="F-1"))
    family.add(family.day(3), lives("U-2", person="P-adult"))
    family.add(family.day(4), lives("U-1", person="P-adult"), id="moved")
    family.add(family.day(5), joined())

    (alert,) = family.alerts(RULE)

    assert alert.anchor[1] == "moved"
    assert {"marked", "moved"} == {event for _, event in alert.evidence}


def test_family_moves_to_the_persons_address(family):
    family.add(family.day(3), lives("U-2", person="P-adult"))
    family.add(family.day(4), lives("U-2", family="F-1"), id="moved")

    assert family.anchors(RULE) == ["moved"]


def test_unknown_addresses_are_not_equal(family):
    family.add(family.day(3), lives(None, person="P-adult"))
    family.add(family.day(4), lives(None, family="F-1"))

    assert family.anchors(RULE) == []


def test_moving_away_clears(family):
    family.add(family.day(2), lives("U-1", family="F-1"))
    family.add(family.day(4), lives("U-1", person="P-adult"), id="moved")
    family.add(family.day(5), lives("U-3", person="P-adult"))
    family.add(family.day(6), lives("U-1", person="P-adult"), id="again")

    assert [alert.status for alert in family.alerts(RULE)] == ["cleared", "open"]


def test_person_who_left_does_not_live_there_any_more(family):
    """The person's own address becomes unknown, so a new record of the family's address is not a return."""
    family.add(family.day(2), lives("U-1", family="F-1"))
    family.add(family.day(4), lives("U-1", person="P-adult"), id="moved")
    family.add(family.day(5), left())
    family.add(family.day(6), lives("U-1", family="F-1"))

    (alert,) = family.alerts(RULE)

    assert (alert.anchor[1], alert.status) == ("moved", "cleared")


def test_reported_back(family):
    """
    A report can name a person who was never a member of the family.

    Each report of a person who is not recorded as living with the family raises an alert.
    """
    family.add(family.day(3), returned("P-adult"), id="first")
    family.add(family.day(4), returned("P-adult"), id="second")
    family.add(family.day(5), returned("P-child"))
    family.add(family.day(6), returned("P-adult", kind="domestic_abuse_incident"))

    assert family.anchors(RULE) == ["first", "second"]


def test_report_that_names_nobody_is_about_marked_members_past_or_present(family):
    family.add(family.day(2), returned())
    family.add(family.day(3), joined(), id="joined")
    family.add(family.day(4), left())
    family.add(family.day(5), returned(), id="reported")

    assert family.anchors(RULE) == ["joined", "reported"]


def test_two_marked_adults_in_one_report_are_one_alert(family):
    """The alert has the evidence of both adults, and stays open while one of the adults is back."""
    family.add(family.day(1), marker("P-uncle", marker_id="M-2"), id="uncle")
    family.add(family.day(3), returned("P-adult", "P-uncle"), id="reported")
    family.add(family.day(4), left())

    (alert,) = family.alerts(RULE)

    assert alert.status == "open"
    assert {"marked", "uncle", "reported"} == {event for _, event in alert.evidence}


def test_cleared_marker_is_silent_and_clears(family):
    cleared = RiskMarkerCleared(marker_id="M-1", person_id="P-adult", clearing_reason="order_ended")
    family.add(family.day(10), joined())
    family.add(family.day(20), left())
    family.add(family.day(30), joined())
    family.add(family.day(40), cleared)
    family.add(family.day(50), left())
    family.add(family.day(60), joined())

    assert [alert.status for alert in family.alerts(RULE)] == ["cleared", "cleared"]


@pytest.mark.parametrize(("seconds", "fires"), [(0, True), (1, False)])
def test_marker_is_in_force_until_its_expiry_has_passed(story, seconds, fires):
    story.add(story.day(0), joined("P-child", role="child"))
    story.add(story.day(1), marker(expires_at=story.day(10)))
    story.add(story.day(10, seconds), joined())

    assert fires == bool(story.anchors(RULE))


@pytest.mark.parametrize(("seconds", "status"), [(0, "open"), (1, "cleared")])
def test_expiry_clears_when_it_has_passed(story, seconds, status):
    story.add(story.day(0), joined("P-child", role="child"))
    story.add(story.day(1), marker(expires_at=story.day(10)))
    story.add(story.day(2), joined())

    (alert,) = story.alerts(RULE, as_of=story.day(10, seconds))

    assert status == alert.status


def test_review_replaces_the_expiry(story):
    """An overdue review never ends a marker. After a review without an expiry, the marker has no expiry."""
    story.add(story.day(0), joined("P-child", role="child"))
    story.add(story.day(1), marker(expires_at=story.day(10)))
    story.add(story.day(2), RiskMarkerReviewed(marker_id="M-1", person_id="P-adult", review_due=date(2026, 1, 9)))
    story.add(story.day(20), joined(), id="joined")

    assert story.anchors(RULE) == ["joined"]


def test_withdrawn_join_withdraws_the_alert(family):
    family.add(family.day(10), joined(), id="joined")
    family.withdraw(family.day(11), "joined", joined())

    assert family.anchors(RULE) == []


def test_corrected_join_keeps_its_id_and_moves_in_time(family):
    """The correction may arrive before the event that the correction replaces."""
    family.correct(family.day(11), "joined", family.day(9), joined(role="other_adult"))
    family.add(family.day(10), joined(), id="joined", received=family.day(12))

    (alert,) = family.alerts(RULE)

    assert ("joined", family.day(9)) == (alert.anchor[1], alert.anchored_at)


def test_late_marker_counts_from_its_own_time(family):
    """
    The marker was set before the person joined, but the marker event arrives later. The joined event is the anchor.
    """
    family.add(family.day(10), joined("P-uncle"), id="joined")
    family.add(family.day(5), marker("P-uncle", marker_id="M-2"), received=family.day(30))

    assert family.anchors(RULE) == ["joined"]


def test_record_delivered_twice_raises_one_alert(family):
    family.add(family.day(10), joined(), id="joined")
    family.repeat(family.records[-1], family.day(12))

    assert family.anchors(RULE) == ["joined"]
