"""Checks that need history: a record is compared with earlier records, and an hour with past weeks."""

from datetime import timedelta

import pytest

from expectations import results_table, validate

from .conftest import NOON

LATER = NOON + timedelta(hours=1)


def judge_next_hour(lake, moment=LATER):
    """Validate the first batch after the hour; returns the results, and stores them as `land` does."""
    results = validate(lake, moment, moment)
    rows = results_table(results)  # noqa: F841  (read by name in the statement)
    lake.execute("INSERT INTO landing.main.validations BY NAME SELECT * FROM rows")
    return {result.expectation: result for result in results}


def referrals(lake, first, weeks, *, each=40, source="6", consent="given"):
    """
    Write referrals without the decoder, in the hour that begins at `first` and in the same hour of the weeks
    before.
    """
    lake.execute(
        f"""
        INSERT INTO landing.main.events (topic, kafka_partition, kafka_offset, received_at, landed_at, is_backfill,
            change, root_source, root_id, fact, fact_at, family_id, source_code, consent)
        SELECT 'caf.referral.v1', 0, 1000000 + random() * 1e9, t, t, false, 'recorded', 'test', uuid()::VARCHAR,
            'referral-submitted', t, 'F-1', '{source}', '{consent}'
        FROM range({weeks}) AS w(week), range({each}) AS n(number),
            LATERAL (SELECT TIMESTAMP '{first:%Y-%m-%d %H:00:00}' - week * INTERVAL 7 DAYS
                + number * INTERVAL 5 SECONDS AS t)
        """
    )


def test_without_history_an_hour_is_not_checked(lake, land):
    land(("referral-submitted", {}))

    found = judge_next_hour(lake)

    hour = [result for result in found.values() if result.suite == "hour"]
    assert hour
    assert {result.success for result in hour} == {None}
    assert all(result.note.startswith("not validated") for result in hour)


def test_hour_like_those_of_past_weeks_passes(lake):
    referrals(lake, NOON, weeks=9)

    found = judge_next_hour(lake)

    assert {name: found[name].success for name in ("volume_deviation", "source_mix_shift", "consent_drop")} == {
        "volume_deviation": True,
        "source_mix_shift": True,
        "consent_drop": True,
    }


@pytest.mark.parametrize("each", [0, 200])
def test_hour_with_far_fewer_or_more_events_than_past_weeks_fails(lake, each):
    referrals(lake, NOON - timedelta(weeks=1), weeks=8)
    referrals(lake, NOON, weeks=1, each=each)

    found = judge_next_hour(lake)

    assert found["volume_deviation"].success is False
    assert found["volume_deviation"].level == "batch"


def test_history_sent_later_does_not_count_as_volume(lake):
    referrals(lake, NOON, weeks=9)
    lake.execute(
        "INSERT INTO landing.main.events BY NAME "
        "SELECT events.* REPLACE (true AS is_backfill) FROM landing.main.events, range(50) "
        f"WHERE received_at > TIMESTAMP '{NOON - timedelta(days=1):%Y-%m-%d %H:%M:%S}'"
    )

    assert judge_next_hour(lake)["volume_deviation"].success is True


def test_shift_of_the_source_mix_fails(lake):
    referrals(lake, NOON - timedelta(weeks=1), weeks=8, source="6")
    referrals(lake, NOON, weeks=1, source="2A")

    found = judge_next_hour(lake)

    assert found["source_mix_shift"].success is False
    assert found["new_code_share"].success is False


def test_fall_of_answered_consent_fails(lake):
    referrals(lake, NOON - timedelta(weeks=1), weeks=8)
    referrals(lake, NOON, weeks=1, consent="not_recorded")

    assert judge_next_hour(lake)["consent_drop"].success is False


def test_silence_far_longer_than_ever_before_fails(lake):
    start = NOON - timedelta(weeks=6)
    lake.execute(
        "INSERT INTO landing.main.events (received_at, landed_at, is_backfill, change) "
        f"SELECT t, t, false, 'recorded' FROM range(TIMESTAMP '{start:%Y-%m-%d %H:00:00}', "
        f"TIMESTAMP '{NOON - timedelta(days=2):%Y-%m-%d %H:00:00}', INTERVAL 6 HOURS) AS r(t)"
    )

    assert judge_next_hour(lake)["silence_ratio"].success is False


def test_an_hour_is_checked_once(lake, land):
    land(("referral-submitted", {}))

    assert judge_next_hour(lake)
    assert judge_next_hour(lake, LATER + timedelta(seconds=5)) == {}
    assert judge_next_hour(lake, LATER + timedelta(hours=1))


EARLIER = (NOON - timedelta(days=3)).isoformat()


@pytest.mark.parametrize(
    ("expectation", "facts"),
    [
        ("closure_has_opening", [("case-closed", {"case_id": "K-9"})]),
        (
            "single_open_episode",
            [("case-opened", {"case_id": "K-1", "time": EARLIER}), ("case-opened", {"case_id": "K-2"})],
        ),
        (
            "open_family_is_active",
            [
                ("case-opened", {"time": EARLIER}),
                ("case-closed", {"time": (NOON - timedelta(days=2)).isoformat()}),
                ("review-held", {}),
            ],
        ),
        (
            "referral_with_no_further_action_is_quiet",
            [("referral-decided", {"decision": "no_further_action", "time": EARLIER}), ("referral-allocated", {})],
        ),
        (
            "assessed_closure_has_assessment",
            [("case-opened", {"time": EARLIER}), ("case-closed", {"closure_reason": "RC8"})],
        ),
        ("death_closure_has_death", [("case-opened", {"time": EARLIER}), ("case-closed", {"closure_reason": "RC2"})]),
        ("assessment_follows_referral", [("referral-submitted", {}), ("assessment-started", {"time": EARLIER})]),
        (
            "completed_assessment_has_factors",
            [
                ("assessment-started", {"assessment_kind": "child_and_family", "time": EARLIER}),
                ("assessment-completed", {"factors": None}),
            ],
        ),
        (
            "referral_near_birth",
            [("person-recorded", {"date_of_birth": None, "due_date": "2027-03-02"}), ("referral-submitted", {})],
        ),
        ("referral_in_life", [("person-recorded", {"died_on": "2026-02-11"}), ("referral-submitted", {})]),
    ],
)
def test_record_that_contradicts_earlier_ones_is_flagged(lake, land, expectation, facts):
    land(*facts)

    found = judge_next_hour(lake)

    red = {result.expectation for result in found.values() if result.success is False}
    assert red == {expectation}
    assert found[expectation].failed == 1
    assert found[expectation].level == "row"


def test_coherent_story_is_not_flagged(lake, land):
    days = iter((NOON - timedelta(days=days)).isoformat() for days in range(20, 0, -1))
    story = (
        ("referral-submitted", {}),
        ("referral-decided", {"decision": "early_help"}),
        ("case-opened", {}),
        ("assessment-started", {"assessment_kind": "child_and_family"}),
        ("assessment-completed", {"factors": ["3B"]}),
        ("review-held", {}),
        ("case-closed", {"closure_reason": "RC9"}),
        ("case-opened", {"case_id": "K-2"}),
        ("person-recorded", {}),
    )
    land(*((fact, changes | {"time": next(days)}) for fact, changes in story))

    found = judge_next_hour(lake)

    assert {name for name, result in found.items() if result.success is False} == set()
    assert "closure_has_opening" in found


def test_withdrawn_record_is_not_checked(lake, land):
    land(("case-closed", {"case_id": "K-9"}))
    lake.execute(
        "INSERT INTO landing.main.events BY NAME "
        "SELECT * REPLACE ('withdrawn' AS change, NULL AS fact, 99 AS kafka_offset) "
        "FROM landing.main.events"
    )

    assert "closure_has_opening" not in judge_next_hour(lake)
