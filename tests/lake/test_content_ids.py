"""
An older lake has no content ids. The rows of such a lake are read once more, and can then be compared with later rows.
"""

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from unittest.mock import patch

import duckdb
import pytest

from streams.contracts import decode
from streams.contracts.columns import events_table
from streams.lake import content_ids
from streams.lake.connect import connect
from streams.lake.content_ids import bring_up_to_date
from streams.land.store import LandingStore

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
ROWS = "SELECT kafka_offset, content_id FROM landing.main.events ORDER BY kafka_offset"


def contact(offset: int, contact_id: str, indent: int | None = None) -> SimpleNamespace:
    event = {
        "specversion": "1.0",
        "id": "1001",
        "source": "/partner/x",
        "type": "uk.caf.referral.contact-recorded.v1",
        "time": "2026-03-02T09:15:00Z",
        "authority": "E08000015",
        "data": {"contact_id": contact_id, "family_id": "F-1", "source_code": "6"},
    }
    return SimpleNamespace(
        topic="caf.referral.v1", partition=0, offset=offset, timestamp=1_780_000_000_000, key=b"F-1",
        value=json.dumps(event, indent=indent).encode(), headers=(),
    )  # fmt: skip


@pytest.fixture
def old_lake(fresh_settings):
    """
    Settings of an older lake with three rows.

    The second row is a copy of the first row. The third row is not valid under the present contract.
    """
    events = [decode(contact(0, "C-1")), decode(contact(1, "C-1", indent=2)), decode(contact(2, "C-2"))]
    with connect(fresh_settings, landing="read_write") as lake:
        lake.execute("ALTER TABLE landing.main.events DROP COLUMN content_id")
        lake.execute("ALTER TABLE landing.main.events DROP COLUMN root_at")
        lake.execute("ALTER TABLE landing.main.events ADD COLUMN content_hash BIGINT")
        lake.register("rows", events_table(events, NOON).drop_columns(["content_id", "root_at"]))
        lake.execute("INSERT INTO landing.main.events BY NAME SELECT *, 7 + kafka_offset AS content_hash FROM rows")
        lake.execute("UPDATE landing.main.events SET payload = '{}' WHERE kafka_offset = 2")
    return fresh_settings


def rows(settings) -> list[tuple]:
    with connect(settings) as lake:
        return lake.execute(ROWS).fetchall()


def test_old_row_gets_the_content_id_of_a_new_copy(old_lake) -> None:
    LandingStore(old_lake).close()
    said = decode(contact(9, "C-1")).content_id

    assert rows(old_lake) == [(0, said), (1, said), (2, 9)]


def test_second_start_reads_nothing_again(old_lake) -> None:
    LandingStore(old_lake).close()
    with connect(old_lake, landing="read_write", marts=None) as lake:
        snapshot = lake.execute("FROM landing.current_snapshot()").fetchone()
        bring_up_to_date(lake)
        assert lake.execute("FROM landing.current_snapshot()").fetchone() == snapshot


def test_interrupted_upgrade_shows_nothing_and_begins_again(old_lake) -> None:
    """Readers see the new column in all rows or in no row. Otherwise copies would count twice during the upgrade."""
    with patch.object(content_ids, "_FILL", "SELECT error('interrupted')"), pytest.raises(duckdb.Error):
        LandingStore(old_lake)
    with connect(old_lake) as lake:
        columns = {name for name, *_ in lake.execute("DESCRIBE landing.main.events").fetchall()}

    assert "content_id" not in columns
    LandingStore(old_lake).close()
    assert None not in {content_id for _, content_id in rows(old_lake)}
