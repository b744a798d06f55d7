"""Rejected records that name nobody are due like records of a child who was born when they arrived."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams import names
from streams.cli.erase import command
from streams.erase.find import Place, find
from streams.erase.records import Records
from streams.erase.restored import apply_erasures
from streams.erase.retire import BY, find_due, refuse_early, refuse_others, request_due
from streams.erase.subject import Subject
from streams.errors import ErasureInvalid
from streams.lake.connect import connect
from streams.settings import Settings
from streams.times import naive
from tests.erase.conftest import Home
from tests.erase.test_restored import land
from tests.erase.test_retire import SCHEDULE

pytestmark = pytest.mark.slow

YEARS = 2
"""The period of a family without a level, in the schedule of these tests."""
Reject = Callable[..., None]


@pytest.fixture
def scheduled(fresh_settings: Settings, tmp_path: Path) -> Settings:
    """A lake with one family, which is not due, and a schedule."""
    file = tmp_path / "retention.csv"
    file.write_text(SCHEDULE)
    land(fresh_settings, [Home(fresh_settings).event("household-joined", **ABOUT, topic=names.CASE_CHANGE)])
    return replace(fresh_settings, retention=str(file))


ABOUT = {"family_id": "F-known", "person_id": "P-known", "household_role": "child"}


@pytest.fixture
def reject(scheduled: Settings) -> Reject:
    """Puts a record that arrived some days ago into the quarantine, with a dead letter about it."""

    def reject(offset: int, value: bytes | None, *, days: float = 366 * YEARS) -> None:
        arrived = naive(datetime.now(UTC) - timedelta(days=days))
        with connect(scheduled, landing="read_write", marts=None) as lake:
            lake.execute(
                "INSERT INTO landing.main.quarantine BY NAME SELECT $1 AS topic, 0 AS kafka_partition, "
                "$2 AS kafka_offset, $3::TIMESTAMP AS received_at, $3::TIMESTAMP AS landed_at, "
                "$4::BLOB AS record_value",
                [names.REFERRAL, offset, arrived, value],
            )
            lake.execute(
                "INSERT INTO landing.main.dead_letters BY NAME SELECT $1 AS topic, 0 AS kafka_partition, "
                "$2 AS kafka_offset, $3::TIMESTAMP AS landed_at, $4 AS rejected_topic, 0 AS rejected_partition, "
                "$2 AS rejected_offset, $5::BLOB AS record_value",
                [names.DEAD_LETTER, offset, arrived, names.REFERRAL, value],
            )

    return reject


def due(settings: Settings) -> list[int]:
    return [place.offset for place in find_due(settings).rejected]


def test_what_nobody_can_read_is_due_after_the_period_and_not_before(scheduled: Settings, reject: Reject) -> None:
    reject(1, b"\x00\xff unreadable", days=366 * YEARS)
    reject(2, b'{"family_id": "F-unknown"}', days=366 * YEARS + 1)
    reject(3, b"\x00\xff unreadable", days=365 * YEARS - 2)
    reject(4, None)  # Kafka had deleted it, so nobody knows what it said

    assert due(scheduled) == [2, 1]


@pytest.mark.parametrize(
    "value",
    [
        b'{"person_id": "P-known"',
        "F-known".encode("utf-16-le"),
        b'{"id": "\\u0046-known"}',
        b"e-F-known-joined",
        b"for/F-known.",
    ],
)
def test_what_names_somebody_is_kept_with_that_family(scheduled: Settings, reject: Reject, value: bytes) -> None:
    """The test is that of an erasure, so no record falls between the two."""
    assert Subject.of(["F-known"], ["P-known"]).is_in(value)
    reject(1, value)

    assert due(scheduled) == []


def test_a_longer_id_is_not_that_of_somebody_known(scheduled: Settings, reject: Reject) -> None:
    reject(1, b"F-known2 XF-known P-knownF")

    assert due(scheduled) == [1]


def test_a_legal_hold_keeps_what_names_its_id(scheduled: Settings, reject: Reject) -> None:
    Records(scheduled).hold("F-unknown", "court case 12", "dora")
    reject(1, b'{"family_id": "F-unknown"')

    assert due(scheduled) == []


def test_a_request_of_the_schedule_names_the_records_and_waits(scheduled: Settings, reject: Reject) -> None:
    reject(1, b"unreadable")
    made = request_due(scheduled, find_due(scheduled), 9, BY)
    assert made is not None
    refuse_early(scheduled, made)
    with connect(scheduled, marts=None) as lake:
        found = find(lake, made.subject, None, [Place(*place) for place in made.unattributed])
        refuse_others(lake, made, found)

    assert made.state == "requested"
    assert "1 rejected records that name nobody" in made.because
    assert found.counts == {"quarantine": 1, "dead_letters": 1, "changed": 0}


def test_a_record_that_became_known_meanwhile_is_refused(scheduled: Settings, reject: Reject) -> None:
    reject(1, b'{"family_id": "F-unknown"')
    made = request_due(scheduled, find_due(scheduled), 9, BY)
    assert made is not None
    about = {"family_id": "F-unknown", "person_id": "P-2", "household_role": "child"}
    land(scheduled, [Home(scheduled).event("household-joined", topic=names.CASE_CHANGE, **about)])

    with pytest.raises(ErasureInvalid, match="1 of 1 rejected records are no longer due"):
        refuse_early(scheduled, made)


def test_a_restored_lake_forgets_them_again_and_keeps_their_places(scheduled: Settings, reject: Reject) -> None:
    reject(1, b"unreadable zqx")
    reject(2, b"unreadable too")
    before = datetime.now(UTC)
    records = Records(scheduled)
    made = records.request([], [], "retention schedule", BY, schedule="1", unattributed=[(names.REFERRAL, 0, 1)])
    made.state, made.done_at = "done", before + timedelta(hours=1)
    records.forget_ids(made)

    assert apply_erasures(scheduled, before) == 1
    assert apply_erasures(scheduled, before) == 0
    with connect(scheduled, marts=None) as lake:
        erased = lake.execute("SELECT was_in, kafka_offset FROM landing.main.erased ORDER BY ALL").fetchall()
        left = lake.execute("SELECT kafka_offset FROM landing.main.quarantine").fetchall()
        events = lake.execute("SELECT family_id FROM landing.main.events").fetchall()
    assert erased == [("dead_letters", 1), ("quarantine", 1)]
    assert (left, events) == ([(2,)], [("F-known",)])


def test_what_is_due_is_shown_as_a_number(scheduled: Settings, reject: Reject) -> None:
    reject(1, b"unreadable")
    done = CliRunner().invoke(command, ["due"], env=scheduled.to_env())

    assert "1 rejected records that name no known family or person" in done.output
