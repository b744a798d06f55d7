"""The rule `step_down_failed`: what counts as a step-down, what counts as returning need, and six calendar months."""

import pytest


def _level(world, at, level, **options):
    family = options.pop("family", "F-1")
    return world.tell("level-changed", at, family_id=family, level=level, level_reason="assessment", **options)


def _closed(world, at, reason="RC7", **options):
    return world.tell("case-closed", at, family_id="F-1", case_id="K-1", closure_reason=reason, **options)


def _referral(world, at, number=1, **options):
    return world.tell(
        "referral-submitted",
        at,
        referral_id=f"R-{number}",
        family_id=options.pop("family", "F-1"),
        source_code="2A",
        severity="amber",
        consent="given",
        **options,
    )


def _anchors(world):
    return [alert["anchor_id"] for alert in world.alerts("step_down_failed", as_of="2027-01-01T00:00:00")]


def test_level_up_after_a_lower_level_raises_amber_with_both_as_evidence(world):
    _level(world, "2025-01-03T09:00:00", 3)
    down = _level(world, "2025-02-03T09:00:00", 2)
    up = _level(world, "2025-05-03T09:00:00", 3)

    (alert,) = world.alerts("step_down_failed")

    assert (alert["severity"], alert["status"], alert["entity_id"]) == ("amber", "open", "F-1")
    assert (alert["anchor_id"], alert["cleared_at"]) == (up.id, None)
    assert [evidence["id"] for evidence in alert["evidence"]] == [down.id, up.id]
    assert alert["reason"] == "The level of need of family F-1 rose from 2 to 3 within 6 months of a lower level."


def test_referral_after_a_closure_raises_amber(world):
    closed = _closed(world, "2025-02-03T09:00:00")
    referral = _referral(world, "2025-05-03T09:00:00")

    (alert,) = world.alerts("step_down_failed")

    assert [evidence["id"] for evidence in alert["evidence"]] == [closed.id, referral.id]
    assert alert["reason"] == "Family F-1 was referred (R-1) within 6 months of the closure of a case."


def test_referral_after_a_lower_level_and_level_up_after_a_closure(world):
    _level(world, "2024-01-03T09:00:00", 3)
    _level(world, "2024-02-03T09:00:00", 2)
    referral = _referral(world, "2024-05-03T09:00:00")
    _closed(world, "2025-02-03T09:00:00")
    up = _level(world, "2025-05-03T09:00:00", 3)

    assert _anchors(world) == [referral.id, up.id]


@pytest.mark.parametrize(
    ("closed", "referred", "alerts"),
    [
        ("2025-01-03T09:00:01", "2025-07-03T08:00:00", 1),
        # In London, six calendar months from 09:00 in winter end at 09:00 in summer, which is 08:00 UTC.
        ("2025-01-03T09:00:00", "2025-07-03T08:00:00", 1),
        ("2025-01-03T08:59:59", "2025-07-03T08:00:00", 0),
        ("2025-03-03T09:00:00", "2025-09-03T08:00:00", 1),
        ("2025-03-03T09:00:00", "2025-09-03T08:00:01", 0),
        # If the month is too short, the last day of the month counts.
        ("2025-02-28T12:00:00", "2025-08-31T11:00:00", 1),
        ("2025-02-28T12:00:00", "2025-08-31T11:00:01", 0),
    ],
)
def test_six_calendar_months(world, closed, referred, alerts):
    _closed(world, closed)
    _referral(world, referred)

    assert len(_anchors(world)) == alerts


@pytest.mark.parametrize(("closed", "raised", "alerts"), [(0, 0, 1), (0, 1, 0)])
def test_six_calendar_months_hold_for_a_level_up(world, closed, raised, alerts):
    _level(world, "2024-11-03T09:00:00", 3)
    _level(world, f"2025-01-03T09:00:0{closed}", 2)
    _level(world, f"2025-07-03T08:00:0{raised}", 3)

    assert len(_anchors(world)) == alerts


@pytest.mark.parametrize(
    ("reason", "alerts"), [("RC1", 1), ("RC2", 0), ("RC4", 1), ("RC5", 0), ("RC6", 1), ("RC8", 1), ("RC9", 1)]
)
def test_death_and_a_move_to_another_authority_are_no_step_down(world, reason, alerts):
    _closed(world, "2025-02-03T09:00:00", reason)
    _referral(world, "2025-05-03T09:00:00")

    assert len(_anchors(world)) == alerts


def test_excluded_closure_does_not_hide_the_step_down_before_it(world):
    _closed(world, "2025-02-03T09:00:00")
    _closed(world, "2025-03-03T09:00:00", "RC5")
    referral = _referral(world, "2025-05-03T09:00:00")

    assert _anchors(world) == [referral.id]


@pytest.mark.parametrize(("before", "after"), [(2, 3), (3, 3)])
def test_level_that_does_not_fall_is_no_step_down(world, before, after):
    _level(world, "2025-01-03T09:00:00", before)
    _level(world, "2025-02-03T09:00:00", after)
    _referral(world, "2025-05-03T09:00:00")

    assert _anchors(world) == []


@pytest.mark.parametrize("level", [2, 1])
def test_level_that_does_not_rise_is_no_return(world, level):
    _level(world, "2025-01-03T09:00:00", 3)
    _level(world, "2025-02-03T09:00:00", 2)
    _level(world, "2025-05-03T09:00:00", level)

    assert _anchors(world) == []


def test_first_level_is_neither_up_nor_down(world):
    _closed(world, "2025-02-03T09:00:00")
    _level(world, "2025-03-03T09:00:00", 4)

    assert _anchors(world) == []


def test_contact_is_no_return(world):
    _closed(world, "2025-02-03T09:00:00")
    world.tell("contact-recorded", "2025-05-03T09:00:00", family_id="F-1", contact_id="C-1", source_code="2A")

    assert _anchors(world) == []


def test_referral_before_the_step_down_does_not_count(world):
    _referral(world, "2025-02-03T08:59:59")
    _closed(world, "2025-02-03T09:00:00")

    assert _anchors(world) == []


def test_each_return_is_an_alert_with_the_latest_step_down_as_evidence(world):
    _level(world, "2025-01-03T09:00:00", 3)
    _level(world, "2025-02-03T09:00:00", 2)
    closed = _closed(world, "2025-02-10T09:00:00")
    first = _referral(world, "2025-03-03T09:00:00")
    second = _level(world, "2025-04-03T09:00:00", 3)

    alerts = world.alerts("step_down_failed")

    assert [[evidence["id"] for evidence in alert["evidence"]] for alert in alerts] == [
        [closed.id, first.id],
        [closed.id, second.id],
    ]


def test_same_moment_is_ordered_by_id(world):
    _closed(world, "2025-02-03T09:00:00", event_id="b")
    _referral(world, "2025-02-03T09:00:00", 1, event_id="a")
    _referral(world, "2025-02-03T09:00:00", 2, event_id="c")

    assert _anchors(world) == ["c"]


def test_family_without_history_raises_nothing(world):
    _referral(world, "2025-05-03T09:00:00")
    _level(world, "2025-05-03T10:00:00", 3)

    assert _anchors(world) == []


def test_other_families_step_down_does_not_count(world):
    _level(world, "2025-01-03T09:00:00", 3, family="F-2")
    _level(world, "2025-02-03T09:00:00", 2, family="F-2")
    _referral(world, "2025-05-03T09:00:00")

    assert _anchors(world) == []


def test_late_level_makes_a_step_down(world):
    """Level 2 was recorded twice. A level 3 between the two arrives late and makes the second level 2 a step-down."""
    _level(world, "2025-01-03T09:00:00", 2)
    _level(world, "2025-03-03T09:00:00", 2)
    referral = _referral(world, "2025-05-03T09:00:00")
    before = _anchors(world)
    _level(world, "2025-02-03T09:00:00", 3, received="2025-06-03T09:00:00")

    assert before == []
    assert _anchors(world) == [referral.id]


def test_duplicate_changes_nothing(world):
    closed = _closed(world, "2025-02-03T09:00:00")
    referral = _referral(world, "2025-05-03T09:00:00")
    world.repeat(closed, "2025-06-03T09:00:00")
    world.repeat(referral, "2025-06-03T10:00:00")

    assert _anchors(world) == [referral.id]


def test_corrected_reason_withdraws_the_alert(world):
    closed = _closed(world, "2025-02-03T09:00:00")
    _referral(world, "2025-05-03T09:00:00")
    world.correct(closed, "2025-05-04T09:00:00", closure_reason="RC5")

    assert _anchors(world) == []


def test_withdrawn_step_down_withdraws_the_alert(world):
    closed = _closed(world, "2025-02-03T09:00:00")
    _referral(world, "2025-05-03T09:00:00")
    world.withdraw(closed, "2025-05-04T09:00:00")

    assert _anchors(world) == []


def test_withdrawn_level_in_between_is_ignored(world):
    _level(world, "2025-01-03T09:00:00", 3)
    down = _level(world, "2025-02-03T09:00:00", 2)
    _level(world, "2025-05-03T09:00:00", 3)
    world.withdraw(down, "2025-05-04T09:00:00")

    assert _anchors(world) == []


def test_linked_identifiers_do_not_change_the_alert(world):
    """The alert is about a family, so a link between two persons does not change the alert."""
    _closed(world, "2025-02-03T09:00:00")
    _referral(world, "2025-05-03T09:00:00", person_ids=["P-1"])
    before = world.alerts("step_down_failed")
    world.tell(
        "persons-linked", "2025-06-06T09:00:00", person_id="P-1", linked_person_id="P-2", link_basis="same_number"
    )

    assert world.alerts("step_down_failed") == before
    assert len(before) == 1
