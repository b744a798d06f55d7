"""The rule `case_drift`: an open family, the family's reviews and visits, and its lead professional."""

import pytest


def _opened(world, at, case="K-1", **options):
    family = options.pop("family", "F-1")
    return world.tell("case-opened", at, case_id=case, family_id=family, service_id="early-help", **options)


def _closed(world, at, case="K-1", **options):
    return world.tell("case-closed", at, case_id=case, family_id="F-1", closure_reason="RC7", **options)


def _led(world, at, **options):
    family = options.pop("family", "F-1")
    return world.tell("lead-professional-assigned", at, family_id=family, worker_id="W-1", **options)


def _seen(world, at, **options):
    family = options.pop("family", "F-1")
    return world.tell("family-seen", at, family_id=family, **options)


def _reviewed(world, at, **options):
    return world.tell("review-held", at, review_id="V-1", family_id="F-1", **options)


def _found(world, as_of="2026-01-01T00:00:00"):
    return [(alert["anchor_id"], alert["status"]) for alert in world.alerts("case_drift", as_of)]


@pytest.mark.parametrize(("as_of", "alerts"), [("2025-04-14T10:00:00", 0), ("2025-04-14T10:00:00.000001", 1)])
def test_drift_is_after_42_days_without_review_or_visit(world, as_of, alerts):
    opened = _opened(world, "2025-03-03T10:00:00")
    _led(world, "2025-03-03T12:00:00")

    assert _found(world, as_of) == [(opened.id, "open")] * alerts


@pytest.mark.parametrize(("as_of", "alerts"), [("2025-03-10T10:00:00", 0), ("2025-03-10T10:00:00.000001", 1)])
def test_drift_is_after_5_working_days_without_a_lead_professional(world, as_of, alerts):
    opened = _opened(world, "2025-03-03T10:00:00")
    _seen(world, "2025-03-04T10:00:00")

    assert _found(world, as_of) == [(opened.id, "open")] * alerts


@pytest.mark.parametrize(
    ("opened", "due"),
    [
        # If a case is opened on a Saturday or in an evening, its first working day is the next working day.
        ("2025-03-08T12:00:00", "2025-03-14T17:00:00"),
        ("2025-03-03T20:00:00", "2025-03-10T17:00:00"),
        # Good Friday and Easter Monday 2025 are 18 and 21 April, in summer time.
        ("2025-04-14T09:00:00", "2025-04-23T09:00:00"),
        # Clocks go forward on Sunday 30 March: 10:00 UTC before is 09:00 UTC after.
        ("2025-03-27T10:00:00", "2025-04-03T09:00:00"),
        # Outside the years of the calendar, days are elapsed time.
        ("1999-03-03T10:00:00", "1999-03-08T10:00:00"),
    ],
)
def test_working_days_skip_weekends_and_bank_holidays(world, opened, due):
    _opened(world, opened)

    assert [alert["deadline"].isoformat() for alert in world.alerts("case_drift")] == [due]


def test_alert_names_what_is_missing(world):
    opened = _opened(world, "2025-03-03T10:00:00")

    (alert,) = world.alerts("case_drift", "2025-03-11T10:00:00")

    assert (alert["severity"], alert["status"], alert["entity_id"]) == ("amber", "open", "F-1")
    assert (alert["anchor_id"], alert["anchored_at"]) == (opened.id, alert["deadline"])
    assert [evidence["id"] for evidence in alert["evidence"]] == [opened.id]
    assert alert["reason"] == "Family F-1 is open and had no lead professional for 5 working days."


@pytest.mark.parametrize("contact", [_seen, _reviewed])
@pytest.mark.parametrize(
    ("at", "expected"),
    [("2025-04-14T10:00:00", []), ("2025-04-14T10:00:01", ["cleared"])],
)
def test_review_or_visit_ends_the_gap(world, contact, at, expected):
    _opened(world, "2025-03-03T10:00:00")
    _led(world, "2025-03-03T12:00:00")
    contact(world, at)

    assert [status for _, status in _found(world, "2025-04-20T10:00:00")] == expected


def test_visit_that_begins_a_gap_is_anchor_and_evidence(world):
    opened = _opened(world, "2025-03-03T10:00:00")
    _led(world, "2025-03-03T12:00:00")
    seen = _seen(world, "2025-04-01T10:00:00")
    reviewed = _reviewed(world, "2025-06-01T10:00:00")

    (alert,) = world.alerts("case_drift", "2025-06-02T10:00:00")

    assert (alert["anchor_id"], alert["status"]) == (seen.id, "cleared")
    assert alert["deadline"].isoformat() == "2025-05-13T10:00:00"
    assert alert["cleared_at"].isoformat() == "2025-06-01T10:00:00"
    assert [evidence["id"] for evidence in alert["evidence"]] == [opened.id, seen.id, reviewed.id]
    assert alert["reason"] == "Family F-1 is open and was not reviewed or seen for 42 days."


def test_team_meeting_is_neither_review_nor_visit(world):
    opened = _opened(world, "2025-03-03T10:00:00")
    _led(world, "2025-03-03T12:00:00")
    world.tell("taf-meeting-held", "2025-04-01T10:00:00", meeting_id="T-1", family_id="F-1")

    assert _found(world) == [(opened.id, "open")]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2025-02-20T10:00:00", []),
        ("2025-03-10T10:00:00", []),
        ("2025-03-10T10:00:01", ["cleared"]),
    ],
)
def test_lead_professional_ends_the_gap(world, at, expected):
    _opened(world, "2025-03-03T10:00:00")
    _led(world, at)

    assert [status for _, status in _found(world, "2025-03-20T10:00:00")] == expected


def test_lead_professional_of_an_earlier_opening_is_gone(world):
    _opened(world, "2025-01-06T10:00:00")
    _led(world, "2025-01-06T12:00:00")
    _closed(world, "2025-01-20T10:00:00")
    again = _opened(world, "2025-03-03T10:00:00", "K-2")

    assert _found(world, "2025-03-20T10:00:00") == [(again.id, "open")]


def test_visit_before_the_opening_does_not_count(world):
    _seen(world, "2025-01-03T10:00:00")
    _opened(world, "2025-03-03T10:00:00")
    _led(world, "2025-03-03T12:00:00")

    assert _found(world, "2025-04-14T10:00:00") == []


def test_both_gaps_of_an_opening_are_one_alert(world):
    opened = _opened(world, "2025-03-03T10:00:00")
    led = _led(world, "2025-03-12T10:00:00")
    between = world.alerts("case_drift", "2025-04-01T10:00:00")
    late = world.alerts("case_drift", "2025-05-01T10:00:00")
    seen = _seen(world, "2025-05-02T10:00:00")
    (after,) = world.alerts("case_drift", "2025-05-03T10:00:00")

    assert [alert["status"] for alert in between + late] == ["cleared", "open"]
    assert {alert["alert_id"] for alert in between + late} == {after["alert_id"]}
    assert (after["status"], after["cleared_at"].isoformat()) == ("cleared", "2025-05-02T10:00:00")
    assert after["anchored_at"].isoformat() == "2025-03-10T10:00:00"
    assert [evidence["id"] for evidence in after["evidence"]] == [opened.id, led.id, seen.id]


def test_visit_does_not_clear_a_missing_lead_professional(world):
    opened = _opened(world, "2025-03-03T10:00:00")
    _seen(world, "2025-04-20T10:00:00")

    assert _found(world, "2025-04-21T10:00:00") == [(opened.id, "open")]


def test_every_gap_is_an_alert(world):
    opened = _opened(world, "2025-03-03T10:00:00")
    _led(world, "2025-03-03T12:00:00")
    seen = _seen(world, "2025-05-01T10:00:00")

    assert _found(world) == [(opened.id, "cleared"), (seen.id, "open")]


@pytest.mark.parametrize(("at", "expected"), [("2025-04-14T10:00:00", []), ("2025-04-14T10:00:01", ["cleared"])])
def test_closing_ends_the_gap(world, at, expected):
    _opened(world, "2025-03-03T10:00:00")
    _led(world, "2025-03-03T12:00:00")
    _closed(world, at)

    assert [status for _, status in _found(world)] == expected


def test_family_stays_open_while_one_case_is(world):
    opened = _opened(world, "2025-03-03T10:00:00")
    _led(world, "2025-03-03T12:00:00")
    _opened(world, "2025-03-10T10:00:00", "K-2")
    _closed(world, "2025-03-20T10:00:00")

    assert _found(world) == [(opened.id, "open")]


def test_change_of_level_changes_nothing(world):
    opened = _opened(world, "2025-03-03T10:00:00")
    _led(world, "2025-03-03T12:00:00")
    world.tell("level-changed", "2025-03-10T10:00:00", family_id="F-1", level=3, level_reason="assessment")

    assert _found(world) == [(opened.id, "open")]


def test_family_that_is_not_open_raises_nothing(world):
    _seen(world, "2025-03-03T10:00:00")
    world.tell("level-changed", "2025-03-10T10:00:00", family_id="F-1", level=3, level_reason="assessment")

    assert _found(world) == []


def test_other_families_visits_and_leads_do_not_count(world):
    opened = _opened(world, "2025-03-03T10:00:00")
    _seen(world, "2025-03-04T10:00:00", family="F-2")
    _led(world, "2025-03-04T10:00:00", family="F-2")

    assert _found(world) == [(opened.id, "open")]


def test_visit_that_arrives_late_withdraws_the_alert(world):
    _opened(world, "2025-03-03T10:00:00")
    _led(world, "2025-03-03T12:00:00")
    _seen(world, "2025-04-01T10:00:00", received="2025-05-01T10:00:00")

    assert _found(world, "2025-05-02T10:00:00") == []


def test_duplicate_changes_nothing(world):
    opened = _opened(world, "2025-03-03T10:00:00")
    world.repeat(opened, "2025-03-04T10:00:00")

    assert _found(world) == [(opened.id, "open")]


def test_corrected_opening_moves_the_deadline(world):
    opened = _opened(world, "2025-03-03T10:00:00")
    world.correct(opened, "2025-03-05T10:00:00", fact_at="2025-03-04T10:00:00")

    assert [alert["deadline"].isoformat() for alert in world.alerts("case_drift")] == ["2025-03-11T10:00:00"]


def test_withdrawn_opening_withdraws_the_alert(world):
    opened = _opened(world, "2025-03-03T10:00:00")
    world.withdraw(opened, "2025-05-04T10:00:00")

    assert _found(world) == []


def test_linked_identifiers_do_not_change_the_alert(world):
    """The alert is about a family, so a link between two persons does not change the alert."""
    _opened(world, "2025-03-03T10:00:00")
    before = world.alerts("case_drift")
    world.tell(
        "persons-linked", "2025-03-04T10:00:00", person_id="P-1", linked_person_id="P-2", link_basis="same_number"
    )

    assert world.alerts("case_drift") == before
    assert len(before) == 1


def test_deadlines_still_to_come_are_listed_until_the_gap_ends(world):
    query = "select due_at::varchar as due_at from marts.intermediate.int_case_drift_deadlines order by due_at"
    _opened(world, "2025-03-03T10:00:00")
    before = world.rows(query, "2025-03-03T11:00:00")
    late = world.rows(query, "2025-03-10T10:00:01")
    _led(world, "2025-03-11T10:00:00")
    _seen(world, "2025-03-12T10:00:00")

    assert [row["due_at"] for row in before] == ["2025-03-10 10:00:00", "2025-04-14 10:00:00"]
    assert [row["due_at"] for row in late] == ["2025-04-14 10:00:00"]
    assert [row["due_at"] for row in world.rows(query, "2025-03-13T10:00:00")] == ["2025-04-23 10:00:00"]
