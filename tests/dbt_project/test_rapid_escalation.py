"""
The rule `rapid_escalation`: by how many levels, within how many days, and that an alert is raised when it turns true.
"""

import pytest


def _level(world, at, level, **options):
    return world.tell("level-changed", at, family_id="F-1", level=level, level_reason="assessment", **options)


def _anchors(world):
    return [alert["anchor_id"] for alert in world.alerts("rapid_escalation")]


def test_two_levels_up_raises_red_with_the_lowest_level_as_evidence(world):
    low = _level(world, "2025-03-01T09:00:00", 1)
    high = _level(world, "2025-03-10T09:00:00", 3)

    (alert,) = world.alerts("rapid_escalation")

    assert (alert["severity"], alert["status"], alert["anchor_id"]) == ("red", "open", high.id)
    assert [evidence["id"] for evidence in alert["evidence"]] == [low.id, high.id]


@pytest.mark.parametrize("levels", [(1, 2), (2, 3), (3, 1), (4, 4)])
def test_less_than_two_levels_up_raises_nothing(world, levels):
    _level(world, "2025-03-01T09:00:00", levels[0])
    _level(world, "2025-03-10T09:00:00", levels[1])

    assert _anchors(world) == []


def test_first_level_raises_nothing(world):
    _level(world, "2025-03-01T09:00:00", 4)

    assert _anchors(world) == []


@pytest.mark.parametrize(("left", "alerts"), [("2025-03-01T09:00:01", 1), ("2025-03-01T09:00:00", 0)])
def test_level_counts_while_it_was_held_in_the_thirty_days_before(world, left, alerts):
    _level(world, "2024-01-01T09:00:00", 1)
    _level(world, left, 2)
    _level(world, "2025-03-31T09:00:00", 3)

    assert len(_anchors(world)) == alerts


def test_thirty_days_are_elapsed_time_across_a_change_of_clocks(world):
    _level(world, "2025-03-15T12:00:00", 1)
    _level(world, "2025-03-15T12:00:00.000001", 2)
    _level(world, "2025-04-14T12:00:00", 3)

    assert len(_anchors(world)) == 1


def test_steps_add_up(world):
    _level(world, "2025-03-01T09:00:00", 1)
    _level(world, "2025-03-10T09:00:00", 2)
    last = _level(world, "2025-03-20T09:00:00", 3)

    assert _anchors(world) == [last.id]


def test_further_rise_is_not_a_second_alert(world):
    _level(world, "2025-03-01T09:00:00", 1)
    first = _level(world, "2025-03-10T09:00:00", 3)
    _level(world, "2025-03-11T09:00:00", 4)
    _level(world, "2025-03-12T09:00:00", 4)

    assert _anchors(world) == [first.id]


def test_rise_after_a_fall_turns_true_again(world):
    _level(world, "2025-03-01T09:00:00", 1)
    first = _level(world, "2025-03-10T09:00:00", 3)
    _level(world, "2025-03-11T09:00:00", 2)
    second = _level(world, "2025-03-12T09:00:00", 3)

    assert _anchors(world) == [first.id, second.id]


def test_same_moment_is_ordered_by_id(world):
    _level(world, "2025-03-01T09:00:00", 1, event_id="a")
    _level(world, "2025-03-01T09:00:00", 3, event_id="b")

    assert _anchors(world) == ["b"]


def test_other_families_levels_do_not_count(world):
    world.tell("level-changed", "2025-03-01T09:00:00", family_id="F-2", level=1, level_reason="assessment")
    _level(world, "2025-03-10T09:00:00", 3)

    assert _anchors(world) == []


def test_late_level_moves_the_anchor(world):
    _level(world, "2025-03-01T09:00:00", 1)
    _level(world, "2025-03-10T09:00:00", 3)
    late = _level(world, "2025-03-05T09:00:00", 3, received="2025-03-12T09:00:00")

    assert _anchors(world) == [late.id]


def test_corrected_level_withdraws_the_alert(world):
    _level(world, "2025-03-01T09:00:00", 1)
    high = _level(world, "2025-03-10T09:00:00", 3)
    world.correct(high, "2025-03-11T09:00:00", level=2)

    assert _anchors(world) == []


def test_withdrawn_level_withdraws_the_alert(world):
    low = _level(world, "2025-03-01T09:00:00", 1)
    _level(world, "2025-03-10T09:00:00", 3)
    world.withdraw(low, "2025-03-11T09:00:00")

    assert _anchors(world) == []


def test_duplicate_changes_nothing(world):
    low = _level(world, "2025-03-01T09:00:00", 1)
    world.repeat(_level(world, "2025-03-10T09:00:00", 3))
    world.repeat(low, "2025-03-20T09:00:00")

    assert len(_anchors(world)) == 1


@pytest.mark.parametrize(("later", "status"), [(3, "open"), (4, "open"), (2, "cleared"), (1, "cleared")])
def test_level_less_than_two_above_the_lowest_clears(world, later, status):
    _level(world, "2025-03-01T09:00:00", 1)
    _level(world, "2025-03-10T09:00:00", 3)
    _level(world, "2025-06-10T09:00:00", later)

    assert [alert["status"] for alert in world.alerts("rapid_escalation")] == [status]
