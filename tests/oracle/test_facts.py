"""
Tests of the oracle's valid events: duplicates, corrections, withdrawals and unreadable records.

The comparison of alerts is also tested here.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from streams.contracts import AddressChanged, HouseholdJoined, LevelChanged
from streams.names import CASE_CHANGE, ESCALATION, REFERRAL
from tests.oracle.alert import Expected, alert_id, merged
from tests.oracle.compare import assert_equal_alerts, difference, smallest
from tests.oracle.facts import valid
from tests.oracle.oracle import expected
from tests.oracle.parts import parts
from tests.oracle.records import decoded


def level(number):
    return LevelChanged(family_id="F-1", level=number, level_reason="other")


def standing(story):
    return [(fact.root[1], fact.at, fact.data.level) for fact in valid(decoded(story.records)[0])]


def test_first_copy_to_arrive_counts(story):
    """The event's time is checked against the arrival time of the first copy."""
    story.add(story.day(9), level(1), id="e", received=story.day(0))
    story.add(story.day(9), level(1), id="e", received=story.day(9))

    assert standing(story) == [("e", story.day(0), 1)]


def test_latest_amendment_counts_in_whatever_order_they_arrive(story):
    story.add(story.day(0), level(1), id="e")
    story.correct(story.day(5), "e", story.day(0), level(4), received=story.day(6))
    story.correct(story.day(4), "e", story.day(0), level(3), received=story.day(9))

    assert standing(story) == [("e", story.day(0), 4)]


def test_larger_id_counts_among_amendments_of_one_time(story):
    story.add(story.day(0), level(1), id="e")
    story.correct(story.day(5), "e", story.day(0), level(4))
    story.withdraw(story.day(5), "e", level(1))

    assert standing(story) == []


def test_correction_after_a_withdrawal_restores(story):
    story.add(story.day(0), level(1), id="e")
    story.withdraw(story.day(4), "e", level(1))
    story.correct(story.day(5), "e", story.day(2), level(2))

    assert standing(story) == [("e", story.day(2), 2)]


def test_correction_counts_without_its_root(story):
    story.correct(story.day(5), "never came", story.day(2), level(2))

    assert standing(story) == [("never came", story.day(2), 2)]


def test_amendments_take_the_five_minutes_from_their_own_arrival(story):
    story.add(story.day(0), level(1), id="e")
    story.correct(story.day(1), "e", story.day(9), level(2), received=story.day(2))

    assert standing(story) == [("e", story.day(2), 2)]


def roots(story):
    return [(fact.root[1].partition("#")[0], fact.data.level) for fact in valid(decoded(story.records)[0])]


def test_other_content_under_one_id_is_another_event(story):
    story.add(story.day(0), level(1), id="e")
    story.add(story.day(0), level(2), id="e", received=story.day(1))
    story.add(story.day(0), level(1), id="e", received=story.day(2))

    assert roots(story) == [("e", 1), ("e", 2)]
    assert standing(story)[0] == ("e", story.day(0), 1)


def test_amendment_that_fits_two_events_amends_neither(story):
    """The correction counts as an event of its own, because the correction may be about a third child."""
    story.add(story.day(0), level(1), id="e")
    story.add(story.day(1), level(2), id="e")
    story.correct(story.day(5), "e", story.day(2), level(3))
    story.withdraw(story.day(6), "e", level(1))

    assert roots(story) == [("e", 1), ("e", 2), ("e", 3)]


def test_amendment_that_gives_the_time_amends_that_event(story):
    story.add(story.day(0), level(1), id="e")
    story.add(story.day(1), level(2), id="e")
    story.correct(story.day(5), "e", story.day(2), level(3), root_time=story.day(1))
    story.withdraw(story.day(6), "e", level(1), root_time=story.day(0))

    assert roots(story) == [("e", 3)]


def test_correction_under_another_key_takes_nothing_back(story):
    """An event recorded on the wrong family stays valid until the event is withdrawn under that family's key."""
    story.add(story.day(0), level(1), id="e")
    story.correct(story.day(5), "e", story.day(0), LevelChanged(family_id="F-2", level=1, level_reason="other"))

    assert [fact.data.family_id for fact in valid(decoded(story.records)[0])] == ["F-1", "F-2"]


@pytest.mark.parametrize("seconds", [300, 301])
def test_time_up_to_five_minutes_after_arrival_is_believed(story, seconds):
    said = story.day(0, seconds)
    story.add(said, level(1), id="e", received=story.day(0))

    assert standing(story) == [("e", said if seconds == 300 else story.day(0), 1)]


def test_unreadable_record_on_a_safeguarding_topic(story):
    """The alert is red and contains the record's position. A replay of the record clears the alert."""
    places = [story.garbage(topic, story.day(0)) for topic in (REFERRAL, CASE_CHANGE, ESCALATION)]
    accepted, rejected = decoded(story.records)

    alerts = expected(accepted, rejected, story.day(1))

    assert {alert.entity_id for alert in alerts} == {places[0], places[2]}
    assert {(alert.severity, alert.status, alert.evidence) for alert in alerts} == {("red", "open", frozenset())}

    story.add(story.day(2), level(1), replay_of=places[0])
    accepted, rejected = decoded(story.records)

    statuses = {alert.entity_id: alert.status for alert in expected(accepted, rejected, story.day(3))}
    assert statuses == {places[0]: "cleared", places[2]: "open"}


def row(alert):
    return {
        "alert_id": alert.alert_id,
        "rule": alert.rule,
        "entity_id": alert.entity_id,
        "severity": alert.severity,
        "status": alert.status,
        "evidence": [{"source": source, "id": event} for source, event in alert.evidence],
        "anchor_id": alert.anchor[1],
        "anchored_at": alert.anchored_at.replace(tzinfo=None),
        "deadline": alert.deadline,
    }


@pytest.fixture
def alert(story):
    return Expected(
        rule="re_referral",
        entity_kind="family",
        entity_id="F-1",
        anchor=("/test", "e"),
        anchored_at=story.day(0),
        severity="amber",
        evidence=frozenset({("/test", "e")}),
    )


def test_alert_id_is_the_digest_of_its_parts():
    """The expected digest of `rapid_escalation||family|F-1|/s|e-1` was calculated with another tool."""
    assert alert_id("rapid_escalation", "", "family", "F-1", ("/s", "e-1")) == "bb65af3ab1f486acf9f23cecb8c19c76"


def test_equal_alerts_have_no_difference(alert):
    assert_equal_alerts([row(alert)], [alert])


@pytest.mark.parametrize(
    ("name", "value"),
    [("severity", "red"), ("status", "cleared"), ("evidence", frozenset()), ("anchored_at", None), ("deadline", None)],
)
def test_each_fact_is_compared(alert, name, value):
    other = replace(alert, deadline=alert.anchored_at)
    wrong = row(other) | {name: [] if name == "evidence" else value}

    (line,) = difference([wrong], [other])

    assert name in line


def test_missing_surplus_and_doubled_alerts_are_listed(alert):
    surplus = row(replace(alert, entity_id="F-2"))

    lines = difference([surplus, surplus], [alert])

    assert [line.split("  ")[0] for line in lines] == ["doubled", "missing", "not expected"]
    with pytest.raises(AssertionError, match="missing"):
        assert_equal_alerts([], [alert])


def test_merged_alert_is_open_while_one_part_is(alert):
    cleared = replace(alert, status="cleared", evidence=frozenset({("/test", "f")}))

    assert merged([cleared, alert]) == [replace(alert, evidence=alert.evidence | cleared.evidence)]


def test_smallest_keeps_only_what_is_needed(story):
    for day in range(6):
        story.add(story.day(day), level(1), id=f"e-{day}")

    kept = smallest(story.records, lambda records: {1, 4} <= {record.offset for record in records})

    assert [record.offset for record in kept] == [1, 4]


def test_order_of_arrival_does_not_change_the_valid_events(story):
    """The same events in another order of arrival give the same valid events."""
    story.add(story.day(1), level(2), id="b", received=story.day(1))
    story.add(story.day(0), level(1), id="a", received=story.day(1) + timedelta(hours=1))

    assert [event for event, _, _ in standing(story)] == ["a", "b"]


def test_parts_are_families_that_have_nothing_to_do_with_each_other(story):
    """
    A person belongs to the family that the person's marker names.

    An address connects the family that lives there with the person who lives there.
    """
    story.add(story.day(0), HouseholdJoined(family_id="F-1", person_id="P-1", household_role="child"))
    story.add(story.day(1), HouseholdJoined(family_id="F-2", person_id="P-2", household_role="child"))
    story.add(story.day(2), HouseholdJoined(family_id="F-3", person_id="P-3", household_role="child"))
    story.add(story.day(3), AddressChanged(family_id="F-2", address_id="U-1"))
    story.add(story.day(4), AddressChanged(person_id="P-3", address_id="U-1"))

    found = parts(valid(decoded(story.records)[0]))

    assert [[fact.at for fact in part] for part in found] == [
        [story.day(0)],
        [story.day(day) for day in (1, 2, 3, 4)],
    ]
