"""
Find the records that landed since the last build, and index all landed records by name, key and hour.

The first build reads all landed events. After that, each build reads only the new events. For each record, the index
`marts.known` keeps its position and the hour in which it arrived. The index also keeps hashes of the record's name
(topic, source and id), of its key, and of the families, persons and addresses that it names. If two names happen to
have the same hash, a build reads some records that it does not need, but it misses none.
"""

import duckdb

from streams.contracts.subjects import subjects
from streams.lake.one_row import one_row

__all__ = ["find"]

_CREATE = """
    CREATE SCHEMA IF NOT EXISTS marts.known;
    CREATE TABLE IF NOT EXISTS marts.known.records (
        name UBIGINT, key UBIGINT, hour TIMESTAMP, topic VARCHAR, kafka_partition INTEGER, kafka_offset BIGINT
    );
    CREATE TABLE IF NOT EXISTS marts.known.connected (one UBIGINT, other UBIGINT);
    CREATE TABLE IF NOT EXISTS marts.known.until AS FROM marts.run.cut LIMIT 0;
"""

_IS_BEHIND = """
    SELECT count(*) > 0 FROM (
        (FROM marts.known.until EXCEPT FROM marts.before.cut)
        UNION ALL
        (FROM marts.before.cut EXCEPT FROM marts.known.until)
    )
"""
_IS_BEYOND = """
    SELECT count(*) > 0
    FROM marts.known.until LEFT JOIN marts.before.cut AS before USING (topic, kafka_partition)
    WHERE until.next_offset > coalesce(before.next_offset, 0)
"""
"""
SQL that is true if the index contains records beyond the snapshot of the last good build.

This happens when a later build failed, or when another process has made a build.
"""

_FORGET = "DELETE FROM marts.known.records; DELETE FROM marts.known.connected; DELETE FROM marts.known.until"

_BETWEEN = """
    SELECT
        landed.topic,
        landed.kafka_partition,
        landed.kafka_offset,
        landed.record_key,
        landed.root_source,
        landed.root_id,
        landed.received_at,
        {others} AS others
    FROM landing.main.events AS landed
    LEFT JOIN {until} AS cut USING (topic, kafka_partition)
    LEFT JOIN {since} AS seen USING (topic, kafka_partition)
    WHERE landed.kafka_offset >= coalesce(seen.next_offset, 0)
        AND (landed.kafka_offset < cut.next_offset OR cut.next_offset IS NULL)
"""

_ADD = """
    INSERT INTO marts.known.records BY NAME
    SELECT
        hash(topic, root_source, root_id) AS name,
        hash(record_key) AS key,
        date_trunc('hour', received_at) AS hour,
        topic,
        kafka_partition,
        kafka_offset
    FROM {records};
    INSERT INTO marts.known.connected
    WITH named AS (
        SELECT hash(record_key) AS one, unnest(list_transform(others, lambda name: hash(name))) AS other FROM {records}
    ),
    pairs AS (
        SELECT DISTINCT one, other FROM named WHERE one <> other
    )
    SELECT one, other FROM pairs UNION ALL SELECT other, one FROM pairs;
"""


def find(session: duckdb.DuckDBPyConnection) -> None:
    """
    Make `delta.landed.fresh`, the records between the last build's snapshot and this one.

    The function also adds these records to two tables of the index `marts.known`: `records`, and `connected` with the
    ids that records connect.
    """
    between = _BETWEEN.replace("{others}", _others())
    session.execute(_CREATE)
    if one_row(session.execute(_IS_BEYOND))[0]:
        session.execute(_FORGET)
    if one_row(session.execute(_IS_BEHIND))[0]:
        session.execute(_ADD.format(records=f"({between.format(since='marts.known.until', until='marts.before.cut')})"))
    fresh = between.format(since="marts.before.cut", until="marts.run.cut")
    session.execute(f"CREATE OR REPLACE TABLE delta.landed.fresh AS {fresh}")
    session.execute(_ADD.format(records="delta.landed.fresh"))
    session.execute("CREATE OR REPLACE TABLE marts.known.until AS FROM marts.run.cut")


def _others() -> str:
    """Return an SQL expression for the families, persons and addresses that a record names besides its key."""
    one, several = subjects()
    return " || ".join(
        [
            f"list_filter([{', '.join(one)}], lambda name: name IS NOT NULL)",
            *(f"coalesce({name}, [])" for name in several),
        ]
    )
