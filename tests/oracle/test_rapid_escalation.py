"""Tests of the oracle on `rapid_escalation`, one test for each sentence of the rule."""

import pytest

from streams.contracts import LevelChanged

RULE = "rapid_escalation"


def level(number, family="F-1"):
    return LevelChanged(family_id=family, level=number, level_reason="new_concern")


def test_two_levels_up(story):
    """The evidence is the event that raised the level and the event that set the lowest level."""
    story.add(story.day(0), level(1), id="low")
    story.add(story.day(5), level(2))
    story.add(story.day(9), level(3), id="high")

    (alert,) = story.alerts(RULE)

    assert (alert.entity_id, alert.anchor[1], alert.severity, alert.status) == ("F-1", "high", "red", "open")
    assert {event for _, event in alert.evidence} == {"low", "high"}


def test_one_level_up_is_silent(story):
    story.add(story.day(0), level(2))
    story.add(story.day(9), level(3))

    assert story.anchors(RULE) == []


def test_first_level_ever_is_silent(story):
    """The family had no level before, so the level has not risen."""
    story.add(story.day(0), level(4))

    assert story.anchors(RULE) == []


def test_low_level_held_for_long_counts_until_it_ends(story):
    """The low level was set long ago, and was still held on the day before the rise."""
    story.add(story.day(0), level(1), id="low")
    story.add(story.day(400), level(3), id="high")

    assert story.anchors(RULE) == ["high"]


@pytest.mark.parametrize(("seconds", "fires"), [(-1, True), (0, False), (1, False)])
def test_low_level_counts_if_held_after_the_window_began(story, seconds, fires):
    """The low level ended with the rise to 2. Exactly thirty days later, the low level no longer counts."""
    story.add(story.day(0), level(1))
    story.add(story.day(10), level(2))
    story.add(story.day(40, seconds), level(3))

    assert bool(story.anchors(RULE)) == fires


def test_level_set_in_the_window_counts_however_short_it_was_held(story):
    """Two levels are set at the same instant, exactly at the start of the window."""
    story.add(story.day(10), level(1), id="a")
    story.add(story.day(10), level(2), id="b")
    story.add(story.day(40), level(3), id="high")

    assert story.anchors(RULE) == ["high"]


def test_days_have_24_hours(story):
    """Thirty days across the start of summer time are 720 hours, so they end at another time of day."""
    story.add(story.day(0), level(1))
    story.add(story.day(70), level(2))
    story.add(story.day(100, -1), level(3), id="high")

    assert story.anchors(RULE) == ["high"]


def test_further_rise_is_the_same_escalation(story):
    """
    The rule raises an alert when its condition turns true.

    After the condition has turned false, another alert is possible.
    """
    story.add(story.day(0), level(1))
    story.add(story.day(5), level(3), id="first")
    story.add(story.day(8), level(4))
    story.add(story.day(9), level(2))
    story.add(story.day(10), level(4), id="second")

    assert story.anchors(RULE) == ["first", "second"]


def test_latest_of_equal_lowest_is_evidence(story):
    story.add(story.day(0), level(1), id="older")
    story.add(story.day(1), level(1), id="newer")
    story.add(story.day(5), level(3), id="high")

    (alert,) = story.alerts(RULE)

    assert {event for _, event in alert.evidence} == {"newer", "high"}


@pytest.mark.parametrize(("back", "status"), [(3, "open"), (2, "cleared")])
def test_cleared_when_the_level_is_no_longer_two_above(story, back, status):
    story.add(story.day(0), level(1))
    story.add(story.day(5), level(4))
    story.add(story.day(6), level(back))

    assert [alert.status for alert in story.alerts(RULE)] == [status]


def test_families_are_apart(story):
    story.add(story.day(0), level(1))
    story.add(story.day(5), level(4, "F-2"))

    assert story.anchors(RULE) == []


def test_same_instant_is_ordered_by_id(story):
    story.add(story.day(0), level(3), id="b")
    story.add(story.day(0), level(1), id="a")

    assert story.anchors(RULE) == ["b"]


def test_corrected_low_level_withdraws_the_alert(story):
    story.add(story.day(0), level(1), id="low")
    story.add(story.day(5), level(3))
    story.correct(story.day(6), "low", story.day(0), level(2))

    assert story.anchors(RULE) == []


def test_late_level_moves_the_anchor(story):
    """A rise that arrives late, but happened before the rise that raised the alert, becomes the anchor."""
    story.add(story.day(0), level(1))
    story.add(story.day(5), level(3), id="told first")
    story.add(story.day(4), level(4), id="told late", received=story.day(20))

    assert story.anchors(RULE) == ["told late"]


def test_time_far_after_arrival_is_not_believed(story):
    """The rise counts at its arrival time. At that time, the low level had been held within the window."""
    story.add(story.day(0), level(1))
    story.add(story.day(5), level(2))
    story.add(story.day(60), level(3), id="high", received=story.day(10))

    (alert,) = story.alerts(RULE)

    assert alert.anchored_at == story.day(10)
