"""One alert in the form in which a person reads it, and its history."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from rich.console import Console

from streams.contracts.codesets import AlertClosure
from streams.contracts.outputs import Evidence
from streams.errors import AlertUnknown
from streams.tell.subscribers.story import read_story, steps
from streams.tell.subscribers.times import due, local
from streams.tell.subscribers.view import view

NOW = datetime(2026, 6, 2, 12, 0, tzinfo=UTC)


def text(alert):
    console = Console(width=200)
    with console.capture() as captured:
        console.print(view(alert, NOW))
    return captured.get()


def test_an_alert_is_readable_at_a_glance(an_alert):
    """
    The text shows the alert, its recipients, the deadline and the time left, the reason, when it is cleared, and the
    area.

    Times are in London time (BST in June).
    """
    evidence = Evidence(NOW - timedelta(hours=3), "/police", "e-1", "uk.caf.case-change.household-joined.v1")
    seen = text(an_alert(1, evidence=[evidence], deadline=NOW - timedelta(minutes=130), clears_when="they leave"))

    assert "RED   adult_returns  F-1 · birkenhead · open · version 1" in seen
    assert "duty birkenhead" in seen
    assert "Tue 2 Jun 10:50 (overdue by 2 h 10 min)" in seen
    assert "household-joined Tue 2 Jun 10:00" in seen
    assert "they leave" in seen
    assert "https://cases.example/F-1" in seen


def test_an_ended_alert_says_who_dealt_with_it_and_is_not_overdue(an_alert):
    acknowledged = {"acknowledged_at": NOW, "acknowledged_by": "W-1"}
    closed = {"status": "closed", "closed_at": NOW, "closed_by": "W-2", "alert_closure": AlertClosure.ACTED_ON}
    seen = text(an_alert(1, 3, deadline=NOW - timedelta(days=1), **acknowledged, **closed))

    assert "by W-1, Tue 2 Jun 13:00" in seen
    assert "closed by W-2: acted on, Tue 2 Jun 13:00" in seen
    assert "overdue" not in seen


def test_history_and_tests_are_marked(an_alert):
    seen = text(an_alert(1, backfill=True, recipients=[], test=True))

    assert "from history · test" in seen
    assert "nobody: raised from history" in seen


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(minutes=59), "in 59 min"),
        (timedelta(hours=26), "in 1 day 2 h"),
        (-timedelta(days=3, hours=4, minutes=5), "overdue by 3 days 4 h"),
    ],
)
def test_how_long_is_left_is_shown_in_words(left, words):
    assert due(NOW + left, NOW) == words


def test_another_year_is_named():
    assert local(datetime(2025, 12, 31, 23, 5, tzinfo=UTC), NOW) == "Wed 31 Dec 2025 23:05"


def test_why_nobody_saw_an_alert_is_answered_from_the_log(settings, publish, an_alert):
    """
    The history shows the event, versions and recipients, the escalation, and who acknowledged and closed the alert.

    The steps are in time order, and a repeated step is shown once.
    """
    later = datetime.now(UTC) + timedelta(hours=1)
    one = an_alert(1, raised_at=NOW, routing_version="wirral-1")
    taken = msgspec.structs.replace(one, version=2, acknowledged_at=later, acknowledged_by="W-1")
    escalation = an_alert(2, rule="alert_unacknowledged", entity_kind="alert", entity_id="a-1")
    publish(one, one, escalation, an_alert(3))
    unseen = [step.what for step in steps(read_story(settings, "a-1"))]
    publish(taken)
    said = [step.what for step in steps(read_story(settings, "a-1"))]

    assert unseen[-1] == "nobody has taken it on"
    assert said[0] == "it happened"
    assert [line for line in said if line.startswith("version 1")] == [
        "version 1 on the topic: red, open; for duty birkenhead (routes wirral-1)"
    ]
    assert said[-1] == "taken on by W-1"
    assert [line for line in said if "about it" in line and "a-2" in line]
    assert not [line for line in said if "a-3" in line]
    with pytest.raises(AlertUnknown, match="a-9"):
        read_story(settings, "a-9")
