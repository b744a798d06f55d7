"""The rule `front_door_breach`: which clock runs, what stops the clock, and when each deadline passes."""

import pytest

WORKING = "E06000019"
"""An authority whose limits are in working hours: 4 for red referrals, 24 for amber and 72 for green."""


def _submitted(world, at, severity="amber", authority="E08000015", **options):
    return world.tell(
        "referral-submitted",
        at,
        referral_id="R-1",
        family_id="F-1",
        source_code="2A",
        severity=severity,
        consent="given",
        authority=authority,
        **options,
    )


def _decided(world, at, decision="mash", **options):
    return world.tell("referral-decided", at, referral_id="R-1", family_id="F-1", decision=decision, **options)


@pytest.mark.parametrize(
    ("as_of", "severities"),
    [
        ("2025-03-04T03:00:00", []),
        ("2025-03-04T03:00:00.000001", ["amber"]),
        ("2025-03-04T09:00:00", ["amber"]),
        ("2025-03-04T09:00:00.000001", ["red"]),
    ],
)
def test_breach_is_after_the_deadline(world, as_of, severities):
    _submitted(world, "2025-03-03T09:00:00")

    assert [alert["severity"] for alert in world.alerts("front_door_breach", as_of)] == severities


def test_alert_is_about_the_referral_and_keeps_its_id_as_it_becomes_red(world):
    submitted = _submitted(world, "2025-03-03T09:00:00")
    (amber,) = world.alerts("front_door_breach", "2025-03-04T04:00:00")
    (red,) = world.alerts("front_door_breach", "2025-03-05T00:00:00")

    assert (amber["entity_kind"], amber["entity_id"], amber["anchor_id"]) == ("referral", "R-1", submitted.id)
    assert amber["alert_id"] == red["alert_id"]
    assert red["anchored_at"].isoformat() == "2025-03-04T03:00:00"
    assert red["deadline"].isoformat() == "2025-03-04T09:00:00"


@pytest.mark.parametrize(
    ("decided", "expected"),
    [
        ("2025-03-04T03:00:00", []),
        ("2025-03-04T03:00:01", [("amber", "cleared")]),
        ("2025-03-04T09:00:00", [("amber", "cleared")]),
        ("2025-03-04T09:00:01", [("red", "cleared")]),
    ],
)
def test_decision_stops_the_clock(world, decided, expected):
    _submitted(world, "2025-03-03T09:00:00")
    _decided(world, decided)

    assert [(alert["severity"], alert["status"]) for alert in world.alerts("front_door_breach")] == expected


def test_decision_of_the_emergency_duty_team_does_not_stop_the_clock(world):
    submitted = _submitted(world, "2025-03-03T09:00:00")
    _decided(world, "2025-03-03T20:00:00", "edt")
    decided = _decided(world, "2025-03-04T12:00:00", "no_further_action")

    (alert,) = world.alerts("front_door_breach")

    assert (alert["severity"], alert["status"]) == ("red", "cleared")
    assert [evidence["id"] for evidence in alert["evidence"]] == [submitted.id, decided.id]


@pytest.mark.parametrize(
    ("submitted", "limit"),
    [
        ("2025-03-29T23:00:00", "2025-03-30T23:00:00"),
        ("2025-10-25T23:00:00", "2025-10-26T23:00:00"),
    ],
)
def test_elapsed_hours_do_not_follow_the_clocks(world, submitted, limit):
    _submitted(world, submitted)

    assert _deadlines(world)[1] == limit


def _deadlines(world):
    (row,) = world.rows("select warn_at, limit_at from marts.intermediate.int_referrals")
    return row["warn_at"].isoformat(), row["limit_at"].isoformat()


@pytest.mark.parametrize(
    ("severity", "submitted", "warn", "limit"),
    [
        # A Monday in winter, when local time is UTC.
        ("red", "2025-03-03T09:00:00", "2025-03-03T12:00:00", "2025-03-03T13:00:00"),
        ("red", "2025-03-03T13:00:00", "2025-03-03T16:00:00", "2025-03-03T17:00:00"),
        ("red", "2025-03-03T13:00:01", "2025-03-03T16:00:01", "2025-03-04T09:00:01"),
        ("red", "2025-03-03T08:59:59", "2025-03-03T12:00:00", "2025-03-03T13:00:00"),
        ("red", "2025-03-03T17:00:00", "2025-03-04T12:00:00", "2025-03-04T13:00:00"),
        # A Friday afternoon, a weekend and a Monday.
        ("red", "2025-03-07T15:00:00", "2025-03-10T10:00:00", "2025-03-10T11:00:00"),
        ("amber", "2025-03-08T12:00:00", "2025-03-12T11:00:00", "2025-03-12T17:00:00"),
        # Good Friday and Easter Monday 2025 are 18 and 21 April, in summer time.
        ("red", "2025-04-17T15:00:00", "2025-04-22T10:00:00", "2025-04-22T11:00:00"),
        ("red", "2025-04-17T12:30:00", "2025-04-17T15:30:00", "2025-04-22T08:30:00"),
        # Clocks go forward on Sunday 30 March, and back on Sunday 26 October 2025.
        ("red", "2025-03-28T16:00:00", "2025-03-31T10:00:00", "2025-03-31T11:00:00"),
        ("red", "2025-10-24T15:00:00", "2025-10-27T11:00:00", "2025-10-27T12:00:00"),
        ("green", "2025-03-03T09:00:00", "2025-03-11T15:00:00", "2025-03-13T17:00:00"),
        # Christmas and Boxing Day 2025 are a Thursday and a Friday.
        ("red", "2025-12-24T16:00:00", "2025-12-29T11:00:00", "2025-12-29T12:00:00"),
    ],
)
def test_working_hours_skip_nights_weekends_and_bank_holidays(world, severity, submitted, warn, limit):
    _submitted(world, submitted, severity, WORKING)

    assert _deadlines(world) == (warn, limit)


@pytest.mark.parametrize(
    ("submitted", "warn", "limit"),
    [
        ("2025-03-03T07:00:00", "2025-03-03T10:30:00", "2025-03-03T11:30:00"),
        ("2025-03-03T16:00:00", "2025-03-03T19:00:00", "2025-03-03T20:00:00"),
        ("2025-03-07T18:00:00", "2025-03-10T08:30:00", "2025-03-10T09:30:00"),
    ],
)
def test_working_hours_are_those_of_the_profile(world, working_from_7_30_to_20, submitted, warn, limit):
    _submitted(world, submitted, "red", WORKING)

    assert _deadlines(world) == (warn, limit)


def test_unknown_authority_has_the_default_profile(world):
    _submitted(world, "2025-03-03T09:00:00", authority="E09000001")

    assert [alert["profile_version"] for alert in world.alerts("front_door_breach")] == ["default-1"]


def test_time_long_after_arrival_is_not_believed(world):
    _submitted(world, "2025-03-03T09:05:01", received="2025-03-03T09:00:00")

    assert _deadlines(world)[1] == "2025-03-04T09:00:00"


def test_time_five_minutes_after_arrival_is_believed(world):
    _submitted(world, "2025-03-03T09:05:00", received="2025-03-03T09:00:00")

    assert _deadlines(world)[1] == "2025-03-04T09:05:00"


def test_decision_that_arrives_late_withdraws_the_alert(world):
    _submitted(world, "2025-03-03T09:00:00")
    _decided(world, "2025-03-03T12:00:00", received="2025-03-09T12:00:00")

    assert world.alerts("front_door_breach") == []


def test_withdrawn_decision_lets_the_clock_run(world):
    _submitted(world, "2025-03-03T09:00:00")
    decided = _decided(world, "2025-03-03T12:00:00")
    world.repeat(decided)
    world.withdraw(decided, "2025-03-10T09:00:00")

    assert [alert["status"] for alert in world.alerts("front_door_breach")] == ["open"]


def test_corrected_time_moves_the_deadline(world):
    submitted = _submitted(world, "2025-03-03T09:00:00")
    world.correct(submitted, "2025-03-05T09:00:00", fact_at="2025-03-04T09:00:00")

    assert _deadlines(world)[1] == "2025-03-05T09:00:00"


def test_deadlines_still_to_come_are_listed_until_the_decision(world):
    query = "select due_at::varchar as due_at from marts.intermediate.int_front_door_breach_deadlines order by due_at"
    _submitted(world, "2025-03-03T09:00:00")
    before = world.rows(query, "2025-03-03T10:00:00")
    late = world.rows(query, "2025-03-04T04:00:00")
    _decided(world, "2025-03-04T05:00:00")

    assert [row["due_at"] for row in before] == ["2025-03-04 03:00:00", "2025-03-04 09:00:00"]
    assert [row["due_at"] for row in late] == ["2025-03-04 09:00:00"]
    assert world.rows(query, "2025-03-04T06:00:00") == []
