"""SQL statements on families and records that must be evaluated, and on unreadable records that must be reported."""

UNJUDGED = """
    UPDATE quarantine SET is_judged = true
    FROM (
        SELECT topic, kafka_partition, kafka_offset
        FROM quarantine
        WHERE NOT is_judged
        ORDER BY received_at
        LIMIT $1
    ) AS first
    WHERE (quarantine.topic, quarantine.kafka_partition, quarantine.kafka_offset)
        = (first.topic, first.kafka_partition, first.kafka_offset)
    RETURNING concat_ws('/', first.topic, first.kafka_partition, first.kafka_offset), received_at
"""
PUT_PENDING = """
    INSERT INTO pending (place_kind, place, asked, arrived_at, amendment, as_of, taken_in_at, rules)
    SELECT *, $6, $7, $8 FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[])
"""
_TAKE = """
    DELETE FROM pending
    WHERE number = ANY (ARRAY(SELECT number FROM pending WHERE rules = $2 ORDER BY number LIMIT $1 FOR UPDATE {others}))
    RETURNING number, place_kind, place, asked, arrived_at, amendment, as_of, taken_in_at
"""
TAKE_PENDING = _TAKE.format(others="SKIP LOCKED")
WAIT_FOR_PENDING = _TAKE.format(others="")
REPLACE_DEADLINES = """
    WITH kept AS MATERIALIZED (
        SELECT DISTINCT * FROM unnest($3::text[], $4::text[], $5::timestamp[]) AS kept (family_id, rule, due_at)
    ),
    gone AS (
        DELETE FROM deadlines
        WHERE family_id = ANY ($1) AND rule = ANY ($2)
          AND ((family_id, rule, due_at) IN (SELECT * FROM kept)) IS NOT TRUE
    )
    INSERT INTO deadlines SELECT * FROM kept ON CONFLICT DO NOTHING
"""
"""Deletes the stored deadlines that are not among the given ones, and adds the new ones. Other rows stay unchanged."""
NEXT_DUE = "SELECT min(due_at), EXISTS (SELECT FROM restatements) FROM deadlines"
POP_DUE = "DELETE FROM deadlines WHERE due_at < $1 RETURNING due_at, family_id, rule"
PUT_OFF = """
    INSERT INTO restatements AS known
    SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[])
    ON CONFLICT (place_kind, place) DO UPDATE SET arrived_at = greatest(known.arrived_at, excluded.arrived_at)
"""
REVIEWED = """
    WITH first AS (
        DELETE FROM reviews
        WHERE family_id IN (SELECT family_id FROM reviews ORDER BY arrived_at DESC LIMIT $1)
        RETURNING family_id, arrived_at
    )
    SELECT family_id, arrived_at FROM first
"""
