"""
Whom something new is about, and all that is connected with them: nets of families, persons and addresses.

Whoever a record names is connected with the record's key, and so with all that any record names beside them, as the
shards of a build on Spark are cut (`streams/nation`). What was corrected or withdrawn since connects, too, and so do
things of different kinds that have one name: a net too large costs time, one too small would lose a child.
Names are kept as their hashes; those that share one are connected.
"""

from collections.abc import Iterable

import duckdb

__all__ = ["reach"]

_REACH = """
    CREATE OR REPLACE TABLE delta.nets.touched AS
    WITH RECURSIVE reached AS (
        SELECT hash(record_key) AS name FROM delta.landed.roots
        {turned}
        UNION
        SELECT connected.other
        FROM reached INNER JOIN marts.known.connected ON connected.one = reached.name
    )
    SELECT name FROM reached;
    CREATE OR REPLACE TABLE delta.nets.places AS
    SELECT topic, kafka_partition, kafka_offset
    FROM marts.known.records WHERE key IN (FROM delta.nets.touched);
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
        session: has the last build, the `roots` of the new records, and what is known of all (`streams.marts.landed`).
        turning: tables whose rows change when a moment has passed: the table, the column with a name of the row's net,
            and that with the moment.
    """
    turned = "".join(_TURNED.format(table=table, subject=subject, moment=moment) for table, subject, moment in turning)
    session.execute(_REACH.format(turned=turned))
