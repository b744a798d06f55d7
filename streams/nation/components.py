"""
Find the connected groups of families, and divide them into shards.

A record connects its Kafka key with the family, persons and address that it names. All ids that a chain of records
connects are one connected group. A shard consists of one or more connected groups of one authority.
"""

import duckdb

__all__ = ["cut_into_shards"]

_PREPARE = """
    CREATE OR REPLACE TABLE names AS
    SELECT row_number() OVER () AS id, name
    FROM (SELECT record_key AS name FROM connected UNION SELECT other FROM connected WHERE other IS NOT NULL);
    CREATE OR REPLACE TABLE nets AS SELECT id, id AS net FROM names;
    CREATE OR REPLACE TABLE edges AS
    SELECT DISTINCT one.id AS one, other.id AS other
    FROM connected
    INNER JOIN names AS one ON one.name = connected.record_key
    INNER JOIN names AS other ON other.name = connected.other;
"""

_HOOK = """
    CREATE OR REPLACE TABLE hooked AS
    SELECT greatest(one, other) AS net, min(least(one, other)) AS into FROM edges WHERE one <> other GROUP BY ALL;
"""
"""
SQL that looks, for each group, at the groups with which it is connected. The group joins the one with the smallest
number, if this number is smaller than its own.
"""

_JUMP = """
    CREATE OR REPLACE TABLE jumped AS
    SELECT hooked.net, coalesce(next.into, hooked.into) AS into
    FROM hooked LEFT JOIN hooked AS next ON next.net = hooked.into;
    DROP TABLE hooked; ALTER TABLE jumped RENAME TO hooked;
"""

_MERGE = """
    CREATE OR REPLACE TABLE merged AS
    SELECT nets.id, coalesce(hooked.into, nets.net) AS net FROM nets LEFT JOIN hooked USING (net);
    DROP TABLE nets; ALTER TABLE merged RENAME TO nets;
    CREATE OR REPLACE TABLE fewer AS
    SELECT DISTINCT coalesce(one.into, edges.one) AS one, coalesce(other.into, edges.other) AS other
    FROM edges
    LEFT JOIN hooked AS one ON one.net = edges.one
    LEFT JOIN hooked AS other ON other.net = edges.other;
    DROP TABLE edges; ALTER TABLE fewer RENAME TO edges;
"""

_SHARDS = """
    CREATE OR REPLACE TABLE shards AS
    WITH keys AS (
        SELECT record_key, authority_code, sum(records) AS records FROM connected WHERE other IS NULL GROUP BY ALL
    ),
    sized AS (
        SELECT nets.net, keys.authority_code, sum(keys.records) AS records
        FROM keys
        INNER JOIN names ON names.name = keys.record_key
        INNER JOIN nets USING (id)
        GROUP BY ALL
    ),
    placed AS (
        SELECT net, arg_max(authority_code, (records, authority_code)) AS authority_code, sum(records) AS records
        FROM sized GROUP BY net
    ),
    filled AS (
        SELECT
            *,
            (sum(records) OVER (PARTITION BY authority_code ORDER BY records DESC, net) - records) // $events AS part
        FROM placed
    )
    SELECT net, authority_code, records,
           (dense_rank() OVER (ORDER BY authority_code, part) - 1)::INTEGER AS shard
    FROM filled
"""
"""
SQL that assigns the connected groups of an authority to shards, the largest group first.

When the groups in a shard have enough records, the next group begins a new shard.
"""

_PLACES = """
    SELECT DISTINCT connected.record_key, shards.shard
    FROM connected
    INNER JOIN names ON names.name = connected.record_key
    INNER JOIN nets USING (id)
    INNER JOIN shards USING (net)
"""


def cut_into_shards(session: duckdb.DuckDBPyConnection, events: int) -> str:
    """
    Assign each Kafka key to a shard.

    Args:
        session: a session with the table `connected`, which has two kinds of rows. In a row of the first kind, `other`
            is an id that is named by a record with the key `record_key`. In a row of the second kind, `other` is null.
            Such a row has the `authority_code` of the key and its number of `records`.
        events: the intended number of records in a shard. A connected group is never divided.

    Returns:
        A query that returns `record_key` and `shard`, a number from 0. The table `shards` contains each connected group
        with its shard, authority and number of records.
    """
    session.execute(_PREPARE)
    while session.execute("SELECT 1 FROM edges WHERE one <> other LIMIT 1").fetchone():
        session.execute(_HOOK)
        while session.execute(
            "SELECT 1 FROM hooked SEMI JOIN hooked AS next ON next.net = hooked.into LIMIT 1"
        ).fetchone():
            session.execute(_JUMP)
        session.execute(_MERGE)
    session.execute(_SHARDS, {"events": events})
    return _PLACES
