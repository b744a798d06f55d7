"""
Whom something new is about, and all that is connected with them: nets of families, persons and addresses.

Whoever a record names is connected with the record's key, and so with all that any record names beside them, as the
shards of a build on Spark are cut (`streams/nation`). What was corrected or withdrawn since connects, too, and so do
things of different kinds that have one name: a net too large costs time, one too small would lose a child.
Names are kept as their hashes; those that share one are connected.
"""

from collections.abc import Iterable

import duckdb

from streams.contracts.subjects import subjects

__all__ = ["reach"]

_CREATE = """
    CREATE TABLE IF NOT EXISTS delta.nets.connected (one UBIGINT, other UBIGINT);
    CREATE TABLE IF NOT EXISTS delta.nets.seen AS FROM marts.run.cut LIMIT 0;
"""

_IS_CURRENT = """
    SELECT count(*) = 0 FROM (
        (FROM delta.nets.seen EXCEPT FROM marts.before.cut)
        UNION ALL
        (FROM marts.before.cut EXCEPT FROM delta.nets.seen)
    )
"""
"""What was connected is that of the last build: no other has been in between, and none has failed."""

_FORGET = "DELETE FROM delta.nets.connected; DELETE FROM delta.nets.seen"

_CONNECT = """
    INSERT INTO delta.nets.connected
    WITH named AS (
        SELECT hash(landed.record_key) AS one, unnest(list_transform({others}, lambda name: hash(name))) AS other
        FROM landing.main.events AS landed
        LEFT JOIN marts.run.cut AS cut USING (topic, kafka_partition)
        LEFT JOIN delta.nets.seen USING (topic, kafka_partition)
        WHERE landed.kafka_offset >= coalesce(seen.next_offset, 0)
            AND (landed.kafka_offset < cut.next_offset OR cut.next_offset IS NULL)
    ),
    pairs AS (
        SELECT DISTINCT one, other FROM named WHERE one <> other
    )
    SELECT one, other FROM pairs UNION ALL SELECT other, one FROM pairs;
    CREATE OR REPLACE TABLE delta.nets.seen AS FROM marts.run.cut;
"""

_REACH = """
    CREATE OR REPLACE TABLE delta.nets.touched AS
    WITH RECURSIVE reached AS (
        SELECT hash(record_key) AS name FROM delta.landed.roots
        {turned}
        UNION
        SELECT connected.other
        FROM reached INNER JOIN delta.nets.connected ON connected.one = reached.name
    )
    SELECT name FROM reached;
    CREATE OR REPLACE TABLE delta.nets.places AS
    SELECT topic, kafka_partition, kafka_offset
    FROM landing.main.events WHERE hash(record_key) IN (FROM delta.nets.touched);
    CREATE OR REPLACE VIEW delta.nets.events AS
    SELECT landed.*
    FROM landing.main.events AS landed SEMI JOIN delta.nets.places USING (topic, kafka_partition, kafka_offset);
"""

_TURNED = """
    UNION
    SELECT hash({subject})
    FROM {table}, marts.before.as_of AS before, marts.run.as_of AS present
    WHERE {moment} BETWEEN least(before.as_of, present.as_of) AND greatest(before.as_of, present.as_of)
"""
"""Whose rows the clock has changed since the last build."""


def reach(session: duckdb.DuckDBPyConnection, turning: Iterable[tuple[str, str, str]]) -> None:
    """
    Find the nets of the new records: `delta.nets.touched` has their names, `delta.nets.events` their landed records.

    Args:
        session: has the last build, the cuts of that and of this one, and the `roots` of the new records.
        turning: tables whose rows change when a moment has passed: the table, the column with a name of the row's net,
            and that with the moment.
    """
    one, several = subjects()
    others = " || ".join(
        [
            f"list_filter([{', '.join(one)}], lambda name: name IS NOT NULL)",
            *(f"coalesce({name}, [])" for name in several),
        ]
    )
    turned = "".join(_TURNED.format(table=table, subject=subject, moment=moment) for table, subject, moment in turning)
    session.execute(_CREATE)
    if not session.execute(_IS_CURRENT).fetchone()[0]:
        session.execute(_FORGET)
    session.execute(_CONNECT.format(others=others))
    session.execute(_REACH.format(turned=turned))
