"""SQL statements on the latest versions of alerts and on the outbox."""

BOOK = """
    SELECT alert, since, inherits FROM alerts WHERE place = ANY ($1) AND place_kind = ANY ($2)
"""
SAVE_ALERTS = """
    INSERT INTO alerts AS known
    SELECT *
    FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::timestamptz[], $6::boolean[], $7::bytea[],
                $8::timestamptz[])
    ON CONFLICT (alert_id) DO UPDATE
    SET version = excluded.version, since = excluded.since, inherits = excluded.inherits, alert = excluded.alert,
        ended_at = excluded.ended_at
    WHERE known.version < excluded.version
"""
PUT_OUT = """
    INSERT INTO outbox (alert_id, version, alert)
    SELECT * FROM unnest($1::text[], $2::integer[], $3::bytea[])
"""
WAITING = "SELECT alert FROM outbox ORDER BY number LIMIT $1"
ENDED = """
    SELECT alert_id FROM alerts WHERE ended_at <= $1 AND ended_at < 'infinity' ORDER BY ended_at LIMIT 1000
"""
RETIRED = "UPDATE alerts SET ended_at = 'infinity' WHERE alert_id = ANY ($1)"
STANDING = """
    SELECT alert
    FROM alerts
    WHERE alert_id > $1 AND ended_at IS DISTINCT FROM 'infinity'
    ORDER BY alert_id
    LIMIT $2
"""
KNOWN = """
    SELECT heard.alert_id, heard.version
    FROM unnest($1::text[], $2::integer[]) AS heard (alert_id, version)
    JOIN alerts AS known USING (alert_id)
    WHERE known.version >= heard.version
"""
SENT = """
    DELETE FROM outbox
    WHERE number = ANY (ARRAY(
        SELECT number
        FROM unnest($1::text[], $2::integer[]) AS heard (alert_id, version)
        JOIN outbox USING (alert_id, version)
        ORDER BY number
        FOR UPDATE OF outbox
    ))
    RETURNING alert_id, version, alert
"""
"""
Removes sent versions from the outbox.

The rows are locked in a fixed order. So two sessions can run this statement at the same time without a deadlock.
"""
PLACES = "SELECT place_kind, place FROM alerts WHERE alert_id = ANY ($1)"
