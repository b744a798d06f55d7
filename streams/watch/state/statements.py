"""SQL statements about all tables of the watcher: terms, offsets, filling the tables, and refused records."""

from streams.watch.state.event_statements import RELATE

RELATE_INCOMING = RELATE.format(named="SELECT * FROM named_by_incoming")
TAKE_OVER = (
    "INSERT INTO events SELECT * FROM incoming ON CONFLICT DO NOTHING",
    RELATE_INCOMING,
    "SELECT link(persons[1], persons[2]) FROM named_by_incoming WHERE is_link",
)
REVIEW_ALL = """
    INSERT INTO reviews
    SELECT family, max(received_at) FROM named, unnest(families) AS family GROUP BY family
    ON CONFLICT DO NOTHING
"""
ANALYZE = "ANALYZE events, members, family_addresses, person_addresses, identities, alerts"
FIND_CROWDS = """
    INSERT INTO crowds
    SELECT kind, identifier
    FROM shared
    WHERE kind = 'person' AND holders > $1 OR kind = 'address' AND holders > $2
    UNION
    SELECT kind, identities.identifier
    FROM shared
    JOIN identities ON identities.person_id = shared.identifier
    WHERE kind = 'link' AND holders > $1
    ON CONFLICT DO NOTHING
"""
ADVANCE = """
    UPDATE offsets SET next_offset = judged.next_offset
    FROM unnest($1::text[], $2::integer[], $3::bigint[]) AS judged (topic, kafka_partition, next_offset)
    WHERE offsets.topic = judged.topic AND offsets.kafka_partition = judged.kafka_partition
"""
BEGIN_AT = """
    INSERT INTO offsets
    SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::text[])
    ON CONFLICT (topic, kafka_partition)
    DO UPDATE SET next_offset = excluded.next_offset, topic_id = excluded.topic_id
"""
REFUSE = """
    WITH refused AS (
        DELETE FROM events
        WHERE record_key = ANY ($1) AND received_at = $2
        RETURNING topic, kafka_partition, kafka_offset, received_at
    )
    INSERT INTO quarantine (topic, kafka_partition, kafka_offset, received_at, reason, allowed)
    SELECT *, $3, $4 FROM refused
    ON CONFLICT DO NOTHING
    RETURNING topic, kafka_partition, kafka_offset
"""
END_OTHERS = """
    SELECT pg_terminate_backend(pid)
    FROM pg_stat_activity
    WHERE application_name = ANY ($1) AND datname = current_database() AND usename = current_user
      AND pid <> pg_backend_pid()
"""
"""Ends other watchers' sessions. A session that is paused during a transaction would block all later transactions."""
TERM = "SELECT number FROM term FOR SHARE"
