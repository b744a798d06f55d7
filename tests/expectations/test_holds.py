"""What causes a hold of the marts, and what ends a hold."""

from datetime import UTC, datetime

import pytest

from expectations import ValidationResult, holds, release, results_table
from streams.errors import HoldUnknown


@pytest.fixture
def store(lake):
    def insert(expectation, success, hour, level="batch"):
        moment = datetime(2026, 3, 2, hour, tzinfo=UTC).replace(tzinfo=None)
        result = ValidationResult(
            validated_at=moment,
            suite="hour",
            expectation=expectation,
            level=level,
            success=success,
            checked=10,
            failed=0 if success else 10,
            batch_from=moment,
            batch_to=moment,
            note="9.10; expected at least -4, at most 4",
        )
        rows = results_table([result])  # noqa: F841  (read by name in the statement)
        lake.execute("INSERT INTO landing.main.validations BY NAME SELECT * FROM rows")

    return insert


def standing(lake):
    return [hold.expectation for hold in holds(lake)]


def test_no_check_means_no_hold(lake):
    assert holds(lake) == []


def test_failure_of_a_batch_holds_and_says_why(lake, store):
    store("volume_deviation", False, 9)

    (hold,) = holds(lake)

    assert str(hold) == "hour.volume_deviation: 9.10; expected at least -4, at most 4 (up to 2026-03-02 09:00 UTC)"


def test_failure_of_a_row_holds_nothing(lake, store):
    store("closure_has_opening", False, 9, level="row")

    assert standing(lake) == []


def test_next_passing_batch_lifts_only_its_own_hold(lake, store):
    store("volume_deviation", False, 9)
    store("source_mix_shift", False, 9)
    store("volume_deviation", True, 10)

    assert standing(lake) == ["source_mix_shift"]


def test_batch_that_could_not_be_checked_ends_no_hold(lake, store):
    store("volume_deviation", False, 9)
    store("volume_deviation", None, 10)

    assert standing(lake) == ["volume_deviation"]


def test_released_hold_is_lifted_and_the_reason_is_kept(lake, store):
    store("volume_deviation", False, 9)

    release(lake, "hour", "volume_deviation", "a partner sent its backlog")

    assert standing(lake) == []
    assert lake.execute("SELECT note, success FROM landing.main.validations WHERE level = 'release'").fetchall() == [
        ("a partner sent its backlog", None)
    ]


def test_failure_after_a_release_holds_again(lake, store):
    store("volume_deviation", False, 9)
    release(lake, "hour", "volume_deviation", "a partner sent its backlog")
    lake.execute("UPDATE landing.main.validations SET validated_at = '2026-03-02 09:30:00' WHERE level = 'release'")
    store("volume_deviation", False, 10)

    assert standing(lake) == ["volume_deviation"]


def test_unknown_hold_cannot_be_released(lake, store):
    store("volume_deviation", False, 9)

    with pytest.raises(HoldUnknown, match=r"holds in force: hour\.volume_deviation"):
        release(lake, "hour", "silence_ratio", "by mistake")
