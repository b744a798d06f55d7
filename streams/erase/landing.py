"""Erase records from the lake, so that no file and no snapshot has them any more."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb
import msgspec
import pyarrow as pa

from streams.contracts.columns import EVENT_COLUMNS, events_table, field_types
from streams.contracts.decode import decode
from streams.contracts.landing import landing_tables
from streams.contracts.record import Accepted
from streams.erase.find import Found, Place
from streams.erase.payload import NOTE, without, without_in_field
from streams.erase.subject import Subject
from streams.errors import BuildFailed, ErasureUnfinished, MartsHeld
from streams.kafka.records import ReadRecord
from streams.lake.connect import connect
from streams.lake.locks import LandingLocks
from streams.lake.rows import each_named_row
from streams.lake.transaction import transaction
from streams.marts.builder import Builder, Holds
from streams.marts.warehouse_file import warehouse
from streams.settings import Settings
from streams.times import naive

__all__ = ["erase_landed", "rebuild_marts", "register_places"]

_SAID = {*field_types(), "event_source", "event_id", "root_source", "root_id"}
"""The columns of an event that its source has filled with something that may be an id."""
_EVENTS = pa.schema(list(EVENT_COLUMNS.items()))
_PATIENCE_SECONDS = 60.0
_SURE = "INTERVAL 1 MINUTE"
"""Files without an owner are deleted at this age. Younger files may belong to a commit that is under way."""


def erase_landed(settings: Settings, found: Found, erasure: str) -> None:
    """
    Take the content of all found records out of the landing tables, and write the files of these tables again.

    Raises:
        LockTaken: the lander did not hand its locks over.
    """
    locks = LandingLocks(settings, range(settings.partitions))
    try:
        locks.acquire_for_maintenance(_PATIENCE_SECONDS)
        with connect(settings, landing="read_write", marts=None) as lake:
            _erase_rows(lake, found, erasure)
            _rewrite_files(lake, "landing")
    finally:
        locks.close()


def rebuild_marts(settings: Settings, holds: Holds | None) -> None:
    """
    Build the marts from what has landed, and remove the files of earlier builds.

    The data tests are left to the next regular build. They take almost as long as the models, and what they find must
    not keep erased records in the marts.

    Raises:
        ErasureUnfinished: they cannot be built, or are held. So the marts still have what was erased elsewhere.
    """
    warehouse(settings).unlink(missing_ok=True)  # the build writes it again
    try:
        with Builder(settings, holds=holds) as builder:
            builder.build(tests=False)
    except (BuildFailed, MartsHeld) as error:
        raise ErasureUnfinished(
            f"the marts still hold erased records, because they could not be built again: {error}. Topics, landing "
            "tables and watcher are done; repeat the command when the marts can be built"
        ) from None
    with connect(settings, landing=None, marts="read_write") as lake:
        _rewrite_files(lake, "marts")


def _erase_rows(lake: duckdb.DuckDBPyConnection, found: Found, erasure: str) -> None:
    """
    Take the content of all found records out of the landing tables, in one transaction.

    Each erased record leaves a row in `landing.erased`, which says where it was. So every offset still has one row.
    """
    now = naive(datetime.now(UTC))
    changed = _changed(lake, found)
    with transaction(lake):
        for table, places in found.erased.items():
            if places:
                register_places(lake, places)
                inbound = ", inbound_record" if "inbound_record" in landing_tables()[table].columns else ""
                lake.execute(
                    f"INSERT INTO landing.main.erased BY NAME SELECT topic, kafka_partition, kafka_offset, landed_at, "
                    f"$now AS erased_at, $erasure AS erasure, $was_in AS was_in{inbound} FROM landing.main.{table} "
                    "SEMI JOIN places USING (topic, kafka_partition, kafka_offset)",
                    {"now": now, "erasure": erasure, "was_in": table},
                )
                _delete(lake, table)
        if changed is not None:
            register_places(lake, found.changed)
            _delete(lake, "events")
            lake.register("changed", changed)
            lake.execute("INSERT INTO landing.main.events BY NAME FROM changed")


def _rewrite_files(lake: duckdb.DuckDBPyConnection, catalog: str) -> None:
    """Write the files of a catalog again without deleted rows, and remove all snapshots and files of before."""
    lake.execute(f"CALL ducklake_rewrite_data_files('{catalog}', delete_threshold => 0)")
    lake.execute(f"CALL ducklake_expire_snapshots('{catalog}', older_than => now())")
    lake.execute(f"CALL ducklake_cleanup_old_files('{catalog}', cleanup_all => true)")
    lake.execute(f"CALL ducklake_delete_orphaned_files('{catalog}', older_than => now() - {_SURE})")


def register_places(lake: duckdb.DuckDBPyConnection, places: Sequence[Place]) -> None:
    """Let queries on a connection join with places, which they call `places`."""
    topics, partitions, offsets = map(list, zip(*places, strict=True))
    lake.register(
        "places",
        pa.table(
            {
                "topic": pa.array(topics, pa.string()),
                "kafka_partition": pa.array(partitions, pa.int32()),
                "kafka_offset": pa.array(offsets, pa.int64()),
            }
        ),
    )


def _delete(lake: duckdb.DuckDBPyConnection, table: str) -> None:
    lake.execute(
        f"DELETE FROM landing.main.{table} WHERE (topic, kafka_partition, kafka_offset) IN "
        "(SELECT (topic, kafka_partition, kafka_offset) FROM places)"
    )


def _changed(lake: duckdb.DuckDBPyConnection, found: Found) -> pa.Table | None:
    """
    Return the new rows of events in which markers replace the ids.

    The contract reads each changed event again. So all columns of a row follow from its changed payload, as for any
    other event. If the contract no longer accepts an event, for example because it is older than the contract, its
    columns are changed one by one. It is about somebody else, so it must not be lost.
    """
    if not found.changed:
        return None
    register_places(lake, found.changed)
    rows = lake.execute(
        "SELECT * FROM landing.main.events SEMI JOIN places USING (topic, kafka_partition, kafka_offset)"
    )
    return pa.concat_tables(
        [_EVENTS.empty_table(), *(_changed_row(found.subject, row) for row in each_named_row(rows))]
    )


def _changed_row(subject: Subject, row: dict[str, Any]) -> pa.Table:
    received_ms = round(row["received_at"].replace(tzinfo=UTC).timestamp() * 1000)
    place = (row["topic"], row["kafka_partition"], row["kafka_offset"])
    value = without(subject, row["payload"])
    event = decode(ReadRecord(*place, received_ms, row["record_key"].encode(), value, ()))
    if isinstance(event, Accepted):
        event = msgspec.structs.replace(event, replay_of=row["replay_of"], inbound_record=row["inbound_record"])
        return events_table([event], row["landed_at"].replace(tzinfo=UTC))
    columns = {name: _changed_column(subject, name, row[name]) for name in _SAID}
    return pa.Table.from_pylist([row | columns | {"payload": value.decode()}], schema=_EVENTS)


def _changed_column(subject: Subject, name: str, value: object) -> object:
    if name == NOTE:
        return None
    if isinstance(value, list):
        return [_changed_column(subject, name, item) for item in value]
    return without_in_field(subject, name, value) if isinstance(value, str) else value
