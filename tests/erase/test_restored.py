"""A restored lake forgets again what was erased after its backup was made."""

from datetime import UTC, datetime, timedelta

import pytest

from streams import names
from streams.contracts.columns import events_table
from streams.contracts.decode import decode
from streams.contracts.mark import Mark
from streams.erase import restored
from streams.erase.reach import Reach
from streams.erase.records import Records
from streams.erase.restored import apply_erasures
from streams.kafka.records import ReadRecord
from streams.lake.connect import connect
from streams.settings import Settings
from tests.erase.conftest import CHILD, FAMILY, GONE, STAYING, Home
from tests.lake.files import rows_in_files

pytestmark = pytest.mark.long

INBOUND = """
    SELECT split_part(inbound_record, '/', 3)::INTEGER FROM (
        SELECT inbound_record FROM landing.main.events UNION ALL SELECT inbound_record FROM landing.main.erased
    ) ORDER BY 1
"""
"""The offsets of partners' records that still have a row. `verify` must account for each of them."""


def land(settings: Settings, records: list[tuple[str, str, bytes]], first: int = 0) -> None:
    """Put records into the lake, as a restored backup does. `first` is the offset of the first record."""
    now = datetime.now(UTC)
    events = [
        decode(ReadRecord(topic, 0, offset, round(now.timestamp() * 1000), key.encode(), value, (_mark(offset),)))
        for offset, (topic, key, value) in enumerate(records, first)
    ]
    with connect(settings, landing="read_write", marts=None) as lake:
        lake.register("batch", events_table(events, now))
        lake.execute("INSERT INTO landing.main.events BY NAME FROM batch")


def _mark(offset: int) -> tuple[str, bytes]:
    """The header of a record that `intake` has passed on."""
    return Mark(record=f"caf.inbound.north-police.v1/0/{offset}/id").header()


def in_files(settings: Settings, word: str) -> bool:
    return any(word in row for _, row in rows_in_files(settings))


def test_a_restored_lake_forgets_what_was_erased_after_its_backup(fresh_settings: Settings) -> None:
    """The record of the erasure no longer has the ids. The lake's own ids are hashed and compared with it."""
    backup_made_at, records = datetime.now(UTC), Records(fresh_settings)
    erasure = records.request([FAMILY], [CHILD], "asked for by the family", "anna")
    erasure.state, erasure.done_at = "done", backup_made_at + timedelta(hours=1)
    records.forget_ids(erasure)
    home = Home(fresh_settings)
    land(fresh_settings, [*home.story(FAMILY, GONE), *home.story(STAYING, "stay5086")])
    assert in_files(fresh_settings, GONE)

    assert apply_erasures(fresh_settings, backup_made_at + timedelta(days=2)) == 0
    assert apply_erasures(fresh_settings, backup_made_at) == 1
    assert not in_files(fresh_settings, GONE)
    assert in_files(fresh_settings, "R-stay5086")
    with connect(fresh_settings, marts=None) as lake:
        assert lake.execute(INBOUND).fetchall() == [(offset,) for offset in range(14)]
    assert apply_erasures(fresh_settings, backup_made_at) == 0


def test_the_marts_of_a_backup_that_was_made_in_the_middle_of_an_erasure_are_built_again(
    fresh_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The landing tables had forgotten the family already."""
    built: list[Settings] = []
    monkeypatch.setattr(restored, "rebuild_marts", lambda settings, _: built.append(settings))
    backup_made_at, records = datetime.now(UTC), Records(fresh_settings)
    erasure = records.request([FAMILY], [CHILD], "asked for by the family", "anna")
    erasure.state, erasure.done_at = "done", backup_made_at + timedelta(hours=1)
    records.forget_ids(erasure)
    with connect(fresh_settings, landing="read_write", marts=None) as lake:
        lake.execute("INSERT INTO landing.main.erased BY NAME SELECT 'x' AS topic, ? AS erasure", [erasure.id])
    apply_erasures(fresh_settings, backup_made_at + timedelta(hours=2))
    assert built == []
    apply_erasures(fresh_settings, backup_made_at)

    assert built == [fresh_settings]


def test_a_restored_lake_keeps_what_arrived_after_the_approval(fresh_settings: Settings) -> None:
    """The backup may have been made on the day of the erasure, and hold a new report."""
    records, home = Records(fresh_settings), Home(fresh_settings)
    told = home.story(FAMILY, GONE)
    erasure = records.request([FAMILY], [CHILD], "asked for by the family", "anna")
    erasure.state, erasure.done_at = "done", datetime.now(UTC)
    erasure.reach = Reach({f"{topic}/0": len(told) for topic in names.INPUT_TOPICS}, {})
    records.forget_ids(erasure)
    land(fresh_settings, [*told, home.event("referral-submitted", family_id=FAMILY, referral_id="R-new")])

    assert apply_erasures(fresh_settings, datetime.now(UTC)) == 1
    with connect(fresh_settings, marts=None) as lake:
        assert lake.execute("SELECT referral_id FROM landing.main.events").fetchall() == [("R-new",)]


@pytest.mark.parametrize(("has_begun", "applied"), [(False, 0), (True, 1)])
def test_a_restore_carries_out_only_what_had_begun(fresh_settings: Settings, has_begun: bool, applied: int) -> None:
    """An approved erasure may wait because of a legal hold, which a restore does not ask for."""
    records = Records(fresh_settings)
    erasure = records.approve(records.request([FAMILY], [CHILD], "asked for by the family", "anna").id, "ben")
    erasure.has_begun = has_begun
    records.save(erasure)
    records.hold(FAMILY, "court case 12", "dora")
    land(fresh_settings, Home(fresh_settings).story(FAMILY, GONE))

    assert apply_erasures(fresh_settings, datetime.now(UTC)) == applied
    assert in_files(fresh_settings, GONE) == (not has_begun)
