"""
Find the connected groups of families, persons and addresses to which new records belong.

A record connects its key with every family, person and address that it names. All ids that a chain of records connects
are one group. A build on Spark divides its work into shards by the same groups (`streams/nation`).

If it is uncertain whether ids belong together, they are connected. A group that is too large costs time, but a group
that is too small could miss a child. So a record connects ids even if it was corrected or withdrawn later. A family and
a person that have the same id are connected as well. Ids are kept as hashes, so two ids that share a hash are also
connected.
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
"""SQL that finds families, persons or addresses whose rows have changed only because time has passed."""


def reach(session: duckdb.DuckDBPyConnection, turning: Iterable[tuple[str, str, str]]) -> None:
    """
    Find the connected groups whose rows may have changed since the last build.

    New records belong to these groups, or a time has passed at which their rows change. The function makes two
    tables: `delta.nets.touched` with the hashed ids in these groups, and `delta.nets.events` with the groups' landed
    records.

    Args:
        session: a session with the last build, the names of the new records (`delta.landed.roots`), and the index of
            all records (`streams.marts.landed`).
        turning: tables whose rows change when a certain time passes. Each entry gives the table, its column with the
            family, person or address, and its column with the time.
    """
    turned = "".join(_TURNED.format(table=table, subject=subject, moment=moment) for table, subject, moment in turning)
    session.execute(_REACH.format(turned=turned))
