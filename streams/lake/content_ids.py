"""
Fill the column `content_id` of rows that landed before the lake had this column, by decoding each of these rows again.

One transaction adds the column together with all its values. So no reader ever mistakes a copy of an event for another
event. If this work is interrupted, it starts again from the beginning.
"""

from types import SimpleNamespace

import duckdb
import pyarrow as pa
import structlog

from streams.contracts import Accepted, decode
from streams.lake.one_row import one_row
from streams.lake.schema import ensure_landing, limit_rows_in_memory
from streams.lake.transaction import transaction

__all__ = ["bring_up_to_date"]

log = structlog.get_logger()

_ROWS = 50_000
_HAS_CONTENT_IDS = """
    SELECT count(*) > 0 FROM duckdb_columns()
    WHERE database_name = 'landing' AND table_name = 'events' AND column_name = 'content_id'
"""
_READ_AGAIN = """
    CREATE OR REPLACE TABLE memory.main.read_again (
        topic VARCHAR, kafka_partition INTEGER, kafka_offset BIGINT, content_id BIGINT
    )
"""
_ROWS_OF_BEFORE = """
    SELECT topic, kafka_partition, kafka_offset, record_key, payload, content_hash FROM landing.main.events
"""
_FILL = """
    UPDATE landing.main.events SET content_id = read_again.content_id FROM memory.main.read_again
    WHERE events.topic = read_again.topic AND events.kafka_partition = read_again.kafka_partition
        AND events.kafka_offset = read_again.kafka_offset
"""


def bring_up_to_date(lake: duckdb.DuckDBPyConnection) -> None:
    """Add to the landing tables the columns that are new in the contract. The caller holds the landing locks."""
    (has_content_ids,) = one_row(lake.execute(_HAS_CONTENT_IDS))
    if not has_content_ids:
        _read_again(lake)
    with transaction(lake):
        ensure_landing(lake)
        if not has_content_ids:
            lake.execute(_FILL)
    limit_rows_in_memory(lake)
    lake.execute("DROP TABLE IF EXISTS memory.main.read_again")


def _read_again(lake: duckdb.DuckDBPyConnection) -> None:
    lake.execute(_READ_AGAIN)
    read = 0
    with lake.cursor() as reader:
        for batch in reader.execute(_ROWS_OF_BEFORE).to_arrow_reader(_ROWS):
            lake.register("batch", _with_content_ids(batch))
            lake.execute("INSERT INTO memory.main.read_again FROM batch")
            read += batch.num_rows
            log.info("rows_read_again", rows=read)


def _with_content_ids(batch: pa.RecordBatch) -> pa.Table:
    topics, _, _, keys, payloads, hashes = (column.to_pylist() for column in batch.columns)
    content_ids = pa.array(map(_content_id, topics, keys, payloads, hashes), pa.int64())
    return pa.table([*batch.columns[:3], content_ids], names=[*batch.schema.names[:3], "content_id"])


def _content_id(topic: str, key: str, payload: str, content_hash: int) -> int:
    """
    Return the `content_id` of a row; if the contract no longer accepts the row, return its content hash.

    The content hash differs from the `content_id` of every accepted row.
    """
    record = SimpleNamespace(
        topic=topic, partition=0, offset=0, timestamp=0, key=key.encode(), value=payload.encode(), headers=()
    )
    event = decode(record)
    return event.content_id if isinstance(event, Accepted) else content_hash
