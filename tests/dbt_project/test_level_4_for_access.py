"""
The rule `level_4_for_access`: the level was raised to 4 to get access, and no assessment found a need for level 4.
"""

import pytest


def _level(world, at, level, reason="to_access_provision", **options):
    family = options.pop("family", "F-1")
    return world.tell("level-changed", at, family_id=family, level=level, level_reason=reason, **options)


def _assessed(world, at, *factors, **options):
    family = options.pop("family", "F-1")
    return world.tell(
        "assessment-completed", at, assessment_id="A-1", family_id=family, factors=list(factors), **options
    )


def _anchors(world):
    return [alert["anchor_id"] for alert in world.alerts("level_4_for_access")]


def test_raised_for_access_is_green_with_the_assessment_as_evidence(world):
    _level(world, "2025-01-03T09:00:00", 2)
    assessed = _assessed(world, "2025-02-03T09:00:00", "20")
    raised = _level(world, "2025-03-03T09:00:00", 4)

    (alert,) = world.alerts("level_4_for_access")

    assert (alert["severity"], alert["status"], alert["entity_id"]) == ("green", "open", "F-1")
    assert (alert["anchor_id"], alert["cleared_at"]) == (raised.id, None)
    assert [evidence["id"] for evidence in alert["evidence"]] == [assessed.id, raised.id]
    assert alert["reason"] == (
        "Family F-1 was raised to level 4 to get access to a provision, and the latest assessment found no factor that "
        "calls for it."
    )


def test_raised_without_an_assessment(world):
    raised = _level(world, "2025-03-03T09:00:00", 4)

    (alert,) = world.alerts("level_4_for_access")

    assert [evidence["id"] for evidence in alert["evidence"]] == [raised.id]
    assert alert["reason"].endswith("and no assessment has been completed.")


@pytest.mark.parametrize(("level", "alerts"), [(1, 0), (2, 0), (3, 0), (4, 1)])
def test_level_raised_to(world, level, alerts):
    _level(world, "2025-03-03T09:00:00", level)

    assert len(_anchors(world)) == alerts


@pytest.mark.parametrize(("before", "alerts"), [(1, 1), (3, 1), (4, 0)])
def test_level_raised_from(world, before, alerts):
    _level(world, "2025-01-03T09:00:00", before, "assessment")
    _level(world, "2025-03-03T09:00:00", 4)

    assert len(_anchors(world)) == alerts


@pytest.mark.parametrize("reason", ["assessment", "new_concern", "incident", "court_order", "other"])
def test_other_reasons_do_not_count(world, reason):
    _level(world, "2025-03-03T09:00:00", 4, reason)

    assert _anchors(world) == []


@pytest.mark.parametrize(
    ("factors", "alerts"),
    [([], 1), (["20"], 1), (["21"], 1), (["16A"], 0), (["20", "16A"], 0), (["2A"], 0)],
)
def test_factors_other_than_other_and_none(world, factors, alerts):
    _assessed(world, "2025-02-03T09:00:00", *factors)
    _level(world, "2025-03-03T09:00:00", 4)

    assert len(_anchors(world)) == alerts


@pytest.mark.parametrize(("first", "last", "alerts"), [("16A", "20", 1), ("20", "16A", 0)])
def test_latest_assessment_counts(world, first, last, alerts):
    _assessed(world, "2025-01-03T09:00:00", first)
    _assessed(world, "2025-02-03T09:00:00", last)
    _level(world, "2025-03-03T09:00:00", 4)

    assert len(_anchors(world)) == alerts


def test_assessment_after_the_raise_does_not_count(world):
    raised = _level(world, "2025-03-03T09:00:00", 4)
    _assessed(world, "2025-03-03T09:00:01", "16A")

    assert _anchors(world) == [raised.id]


def test_same_moment_is_ordered_by_id(world):
    _level(world, "2025-03-03T09:00:00", 4, event_id="b")
    _assessed(world, "2025-03-03T09:00:00", "16A", event_id="a")

    assert _anchors(world) == []


def test_raised_again_after_a_fall_is_another_alert(world):
    first = _level(world, "2025-01-03T09:00:00", 4)
    _level(world, "2025-02-03T09:00:00", 3, "progress")
    second = _level(world, "2025-03-03T09:00:00", 4)

    assert _anchors(world) == [first.id, second.id]


def test_family_without_history_raises_nothing(world):
    _assessed(world, "2025-03-03T09:00:00", "20")

    assert _anchors(world) == []


def test_other_families_assessment_does_not_count(world):
    _assessed(world, "2025-02-03T09:00:00", "16A", family="F-2")
    raised = _level(world, "2025-03-03T09:00:00", 4)

    assert _anchors(world) == [raised.id]


def test_late_assessment_withdraws_the_alert(world):
    _level(world, "2025-03-03T09:00:00", 4)
    _assessed(world, "2025-02-03T09:00:00", "16A", received="2025-04-03T09:00:00")

    assert _anchors(world) == []


def test_late_level_moves_the_anchor(world):
    _level(world, "2025-03-03T09:00:00", 4)
    late = _level(world, "2025-02-03T09:00:00", 4, received="2025-04-03T09:00:00")

    assert _anchors(world) == [late.id]


def test_duplicate_changes_nothing(world):
    raised = _level(world, "2025-03-03T09:00:00", 4)
    world.repeat(raised, "2025-04-03T09:00:00")

    assert _anchors(world) == [raised.id]


def test_corrected_reason_withdraws_the_alert(world):
    raised = _level(world, "2025-03-03T09:00:00", 4)
    world.correct(raised, "2025-03-04T09:00:00", level_reason="court_order")

    assert _anchors(world) == []


def test_corrected_factors_raise_it(world):
    assessed = _assessed(world, "2025-02-03T09:00:00", "16A")
    raised = _level(world, "2025-03-03T09:00:00", 4)
    world.correct(assessed, "2025-03-04T09:00:00", factors=["20"])

    assert _anchors(world) == [raised.id]


def test_withdrawn_level_withdraws_the_alert(world):
    raised = _level(world, "2025-03-03T09:00:00", 4)
    world.withdraw(raised, "2025-03-04T09:00:00")

    assert _anchors(world) == []


def test_linked_identifiers_do_not_change_the_alert(world):
    """The alert is about a family, so a link between two persons does not change the alert."""
    _level(world, "2025-03-03T09:00:00", 4)
    before = world.alerts("level_4_for_access")
    world.tell(
        "persons-linked", "2025-06-06T09:00:00", person_id="P-1", linked_person_id="P-2", link_basis="same_number"
    )

    assert world.alerts("level_4_for_access") == before
    assert len(before) == 1
