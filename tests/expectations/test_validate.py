"""Rows that no decoder would accept fail a check. Rows that the decoder accepted pass every check."""

from dataclasses import asdict
from datetime import timedelta

import pytest

from expectations import results_table, validate
from streams.contracts import event_types
from streams.contracts.event import fact_name

from .conftest import NOON

EVERY_FACT = [(fact_name(type_), {}) for type_ in event_types()]


def red(results):
    return {(result.suite, result.expectation): result for result in results if result.success is False}


def judged(lake, sql):
    """Run a statement that writes to the table without the decoder; returns the checks that then fail."""
    lake.execute(sql)
    return red(validate(lake, NOON, NOON))


def test_events_of_every_type_pass(lake, land):
    land(*EVERY_FACT)

    results = validate(lake, NOON, NOON)

    assert red(results) == {}
    assert {result.suite for result in results} == {"case_change", "envelope", "escalation", "record", "referral"}
    assert all(result.checked > 0 for result in results)


def test_batch_without_events_has_no_results(lake):
    assert validate(lake, NOON, NOON) == []


def test_rows_of_other_batches_are_not_checked_again(lake, land):
    land(("referral-submitted", {}))
    land(("level-changed", {}), landed_at=NOON + timedelta(seconds=1))

    suites = {result.suite for result in validate(lake, NOON + timedelta(seconds=1), NOON + timedelta(seconds=1))}

    assert "referral" not in suites
    assert "case_change" in suites


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("severity = 'purple'", ("referral_submitted", "severity_in_code_set")),
        ("severity = NULL", ("referral_submitted", "severity_given")),
        ("family_id = NULL", ("referral_submitted", "family_id_given")),
        ("family_id = 'F 1'", ("referral_submitted", "family_id_well_formed")),
        ("person_ids = ['P-1', 'P;2']", ("referral_submitted", "person_ids_well_formed")),
        ("lsoa_code = 'CH41'", ("referral_submitted", "lsoa_code_well_formed")),
        ("authority_code = 'Wirral'", ("envelope", "authority_code_well_formed")),
        ("fact = 'referral-posted'", ("envelope", "fact_in_code_set")),
        ("change = 'lost'", ("envelope", "change_in_code_set")),
        ("event_id = NULL", ("envelope", "event_id_given")),
        ("fact_at = received_at + INTERVAL 6 MINUTES", ("record", "minutes_ahead")),
    ],
)
def test_row_written_around_the_decoder_turns_red(lake, land, assignment, expected):
    land(("referral-submitted", {}), ("referral-submitted", {}), ("level-changed", {}))

    found = judged(lake, f"UPDATE landing.main.events SET {assignment} WHERE kafka_offset = 1")

    suite, expectation = expected
    suite = "envelope" if suite == "record" else suite
    assert (suite, expectation) in found
    assert found[suite, expectation].failed_rows == (("caf.referral.v1", 0, 1),)
    assert found[suite, expectation].failed == 1
    assert found[suite, expectation].level == "row"


def test_inserted_row_with_nothing_but_a_bad_code_is_red_everywhere(lake):
    found = judged(
        lake,
        "INSERT INTO landing.main.events (topic, kafka_partition, kafka_offset, landed_at, fact, decision) "
        f"VALUES ('caf.referral.v1', 3, 9, TIMESTAMP '{NOON:%Y-%m-%d %H:%M:%S}', 'referral-decided', 'perhaps')",
    )

    assert ("referral_decided", "decision_in_code_set") in found
    assert ("referral_decided", "family_id_given") in found
    assert ("envelope", "received_at_given") in found
    assert {result.failed_rows for result in found.values()} == {(("caf.referral.v1", 3, 9),)}


def test_clock_that_is_five_minutes_fast_is_not_flagged(lake, land):
    land(("level-changed", {"time": (NOON + timedelta(minutes=5)).isoformat()}))

    assert red(validate(lake, NOON, NOON)) == {}


@pytest.mark.parametrize(
    ("fact", "changes", "expectation"),
    [
        ("person-recorded", {"disabilities": ["NONE", "LD"]}, "disabilities"),
        ("person-recorded", {"due_date": "2026-08-14"}, "births"),
        ("assessment-completed", {"factors": ["21", "3A"]}, "factors"),
        ("assessment-completed", {"factors": ["3A", "4B", "3A"]}, "repeated_factors"),
    ],
)
def test_codes_that_exclude_each_other_are_flagged(lake, land, fact, changes, expectation):
    land((fact, {}), (fact, changes))

    found = red(validate(lake, NOON, NOON))

    assert [(name, result.failed) for (_, name), result in found.items()] == [(expectation, 1)]


def test_factor_none_alone_is_not_flagged(lake, land):
    land(("assessment-completed", {"factors": ["21"]}), ("person-recorded", {"disabilities": ["NONE"]}))

    assert red(validate(lake, NOON, NOON)) == {}


def test_results_carry_no_value_of_a_row(lake, land):
    land(("referral-submitted", {"family_id": "F-PLANTED", "referral_id": "R-PLANTED"}))

    lake.execute("UPDATE landing.main.events SET severity = 'planted-severity', incident_id = 'planted incident'")
    results = validate(lake, NOON, NOON)

    assert red(results)
    assert "planted" not in str([asdict(result) for result in results]).lower()


def test_results_are_rows_of_the_validations_table(lake, land):
    land(("referral-submitted", {}))
    lake.execute("UPDATE landing.main.events SET severity = 'purple'")

    rows = results_table(validate(lake, NOON, NOON))  # noqa: F841
    lake.execute("INSERT INTO landing.main.validations BY NAME SELECT * FROM rows")

    assert lake.execute(
        "SELECT suite, expectation, failed_rows[1].kafka_offset FROM landing.main.validations WHERE NOT success"
    ).fetchall() == [("referral_submitted", "severity_in_code_set", 0)]
