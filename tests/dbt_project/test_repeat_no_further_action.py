"""
The rule `repeat_no_further_action`: twelve calendar months and two different referrals.

An alert is raised when the rule turns true.
"""

import pytest


def _decided(world, at, number, decision="no_further_action", **options):
    family = options.pop("family", "F-1")
    return world.tell("referral-decided", at, referral_id=f"R-{number}", family_id=family, decision=decision, **options)


def _anchors(world):
    return [alert["anchor_id"] for alert in world.alerts("repeat_no_further_action")]


def test_second_referral_turned_away_raises_amber_with_both_decisions_as_evidence(world):
    first = _decided(world, "2025-03-03T09:00:00", 1)
    second = _decided(world, "2025-05-03T09:00:00", 2)

    (alert,) = world.alerts("repeat_no_further_action")

    assert (alert["severity"], alert["status"], alert["entity_id"]) == ("amber", "open", "F-1")
    assert (alert["anchor_id"], alert["cleared_at"]) == (second.id, None)
    assert [evidence["id"] for evidence in alert["evidence"]] == [first.id, second.id]
    assert alert["reason"] == "2 referrals of family F-1 ended with no further action within 12 months."


@pytest.mark.parametrize(
    ("earlier", "later", "alerts"),
    [
        ("2024-03-03T09:00:01", "2025-03-03T09:00:00", 1),
        ("2024-03-03T09:00:00", "2025-03-03T09:00:00", 1),
        ("2024-03-03T08:59:59", "2025-03-03T09:00:00", 0),
        # In London, twelve calendar months from 09:00 in winter end at 09:00 in summer, which is 08:00 UTC.
        ("2024-03-30T09:00:00", "2025-03-30T08:00:00", 1),
        ("2024-03-30T08:59:59", "2025-03-30T08:00:00", 0),
        ("2023-02-28T12:00:00", "2024-02-29T12:00:00", 1),
    ],
)
def test_twelve_calendar_months(world, earlier, later, alerts):
    _decided(world, earlier, 1)
    _decided(world, later, 2)

    assert len(_anchors(world)) == alerts


@pytest.mark.parametrize("decision", ["signposted", "early_help", "mash", "routed_to_open_service", "edt"])
def test_other_decisions_do_not_count(world, decision):
    _decided(world, "2025-03-03T09:00:00", 1)
    _decided(world, "2025-05-03T09:00:00", 2, decision)

    assert _anchors(world) == []


def test_same_referral_decided_again_is_one(world):
    _decided(world, "2025-03-03T09:00:00", 1)
    _decided(world, "2025-05-03T09:00:00", 1)

    assert _anchors(world) == []


def test_decision_recorded_again_counts_at_both_times(world):
    """The first referral has decisions 14 months and 2 days ago, and is in the window because of the later decision."""
    _decided(world, "2024-03-03T09:00:00", 1)
    _decided(world, "2025-05-01T09:00:00", 1)
    second = _decided(world, "2025-05-03T09:00:00", 2)

    assert _anchors(world) == [second.id]


def test_third_in_the_same_months_adds_nothing(world):
    _decided(world, "2025-03-03T09:00:00", 1)
    second = _decided(world, "2025-05-03T09:00:00", 2)
    _decided(world, "2025-07-03T09:00:00", 3)

    assert _anchors(world) == [second.id]


def test_second_again_after_the_first_has_left_the_window(world):
    _decided(world, "2023-03-03T09:00:00", 1)
    second = _decided(world, "2023-12-03T09:00:00", 2)
    third = _decided(world, "2024-06-03T09:00:00", 3)

    assert _anchors(world) == [second.id, third.id]


def test_same_moment_is_ordered_by_id(world):
    _decided(world, "2025-03-03T09:00:00", 1, event_id="b")
    _decided(world, "2025-03-03T09:00:00", 2, event_id="a")

    assert _anchors(world) == ["b"]


def test_family_without_history_raises_nothing(world):
    _decided(world, "2025-03-03T09:00:00", 1)

    assert _anchors(world) == []


def test_other_families_decisions_do_not_count(world):
    _decided(world, "2025-03-03T09:00:00", 1, family="F-2")
    _decided(world, "2025-05-03T09:00:00", 2)

    assert _anchors(world) == []


def test_late_decision_moves_the_anchor(world):
    _decided(world, "2025-03-03T09:00:00", 1)
    _decided(world, "2025-05-03T09:00:00", 2)
    late = _decided(world, "2025-04-03T09:00:00", 3, received="2025-06-03T09:00:00")

    assert _anchors(world) == [late.id]


def test_duplicate_changes_nothing(world):
    first = _decided(world, "2025-03-03T09:00:00", 1)
    world.repeat(first, "2025-04-03T09:00:00")
    second = _decided(world, "2025-05-03T09:00:00", 2)
    world.repeat(second, "2025-06-03T09:00:00")

    assert _anchors(world) == [second.id]


def test_corrected_decision_withdraws_the_alert(world):
    _decided(world, "2025-03-03T09:00:00", 1)
    second = _decided(world, "2025-05-03T09:00:00", 2)
    world.correct(second, "2025-05-04T09:00:00", decision="signposted")

    assert _anchors(world) == []


def test_correction_to_no_further_action_raises_it(world):
    _decided(world, "2025-03-03T09:00:00", 1)
    second = _decided(world, "2025-05-03T09:00:00", 2, "signposted")
    world.correct(second, "2025-05-04T09:00:00", decision="no_further_action")

    assert _anchors(world) == [second.id]


def test_withdrawn_decision_withdraws_the_alert(world):
    first = _decided(world, "2025-03-03T09:00:00", 1)
    _decided(world, "2025-05-03T09:00:00", 2)
    world.withdraw(first, "2025-05-04T09:00:00")

    assert _anchors(world) == []


def test_linked_identifiers_do_not_change_the_alert(world):
    """The alert is about a family, so a link between two persons does not change the alert."""
    _decided(world, "2025-03-03T09:00:00", 1)
    _decided(world, "2025-05-03T09:00:00", 2)
    before = world.alerts("repeat_no_further_action")
    world.tell(
        "persons-linked", "2025-06-06T09:00:00", person_id="P-1", linked_person_id="P-2", link_basis="same_number"
    )

    assert world.alerts("repeat_no_further_action") == before
    assert len(before) == 1
