"""The SQL statements with which the watcher reads and writes its tables."""

ADD_EVENTS = """
    INSERT INTO events
    SELECT * FROM json_populate_recordset(NULL::events, $1)
    ON CONFLICT DO NOTHING
"""
RELATE = """
    WITH named AS MATERIALIZED (
        {named}
    ),
    members AS (
        INSERT INTO members (family_id, person_id)
        SELECT DISTINCT family, person FROM named, unnest(families) AS family, unnest(persons) AS person
        ON CONFLICT DO NOTHING
    ),
    family_addresses AS (
        INSERT INTO family_addresses (family_id, address_id)
        SELECT DISTINCT family, address FROM named, unnest(families) AS family, unnest(addresses) AS address
        ON CONFLICT DO NOTHING
    ),
    own_families AS (
        INSERT INTO own_families (person_id, marker_id, family_id)
        SELECT DISTINCT person, marker, family
        FROM named, unnest(families) AS family, unnest(persons) AS person
        WHERE is_of_person
        ON CONFLICT DO NOTHING
    )
    INSERT INTO person_addresses (person_id, address_id)
    SELECT DISTINCT person, address FROM named, unnest(persons) AS person, unnest(addresses) AS address
    ON CONFLICT DO NOTHING
"""
ADD_NAMED = RELATE.format(
    named="""
        SELECT *
        FROM json_to_recordset($1) AS named (
            families text[], persons text[], addresses text[], is_of_person boolean, marker text
        )
    """
)
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
GROWN = """
    WITH grown AS (
        SELECT kind, identifier
        FROM shared
        WHERE kind = 'person' AND identifier = ANY ($1) AND holders > $3
        UNION
        SELECT 'link', identities.identifier
        FROM shared
        JOIN identities ON identities.person_id = shared.identifier
        WHERE kind = 'link' AND holders > $3
          AND shared.identifier = ANY (ARRAY(SELECT person_id FROM identities WHERE identifier = ANY ($1)))
        UNION
        SELECT kind, identifier
        FROM shared
        WHERE kind = 'address' AND identifier = ANY ($2) AND holders > $4
    )
    SELECT * FROM grown
    EXCEPT
    SELECT kind, identifier FROM crowds WHERE identifier IN (SELECT identifier FROM grown)
"""
ADD_CROWDS = "INSERT INTO crowds SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING"
KEYS = """
    WITH found AS MATERIALIZED (
        SELECT keys_to_load($1) AS key
        UNION
        SELECT unnest($2::text[])
    )
    SELECT key,
           CASE WHEN (SELECT count(*) FROM found) < $3 THEN (SELECT count(*) FROM events WHERE record_key = key) END
    FROM found
"""
LOADED = "SELECT * FROM loaded($1, $2)"
UNREAD = "SELECT *, NULL::bytea AS record_key FROM unread($3::text[], $4::integer[], $5::bigint[])"
CROWDS_LOADED = """
    SELECT kind, identifier
    FROM crowds
    WHERE (identifier IN (
        SELECT person_id FROM "main.events"
        UNION ALL
        SELECT linked_person_id FROM "main.events"
        UNION ALL
        SELECT unnest(person_ids) FROM "main.events"
        UNION ALL
        SELECT address_id FROM "main.events"
    )) IS TRUE
"""
"""`IS TRUE` makes PostgreSQL hash the ids, whatever joins the planner may use."""
ADD_QUARANTINE = """
    INSERT INTO quarantine
    SELECT topic, kafka_partition, kafka_offset, received_at, reason, path, allowed
    FROM json_populate_recordset(NULL::quarantine, $1)
    ON CONFLICT DO NOTHING
"""
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
SAME_NAME = """
    SELECT topic, record_key, root_source, root_id, kafka_partition, kafka_offset,
           fact, alert_id, families, persons, addresses, is_link, marker, is_of_person
    FROM (
        SELECT *, count(*) OVER (PARTITION BY topic, record_key, root_source, root_id) AS events
        FROM named
        WHERE record_key = ANY ($1) AND (root_id IN (SELECT unnest($2::text[]))) IS TRUE
    ) AS same
    WHERE events > 1
"""
"""With `IS TRUE`, PostgreSQL hashes the ids. Otherwise it would compare each of them with each row."""
TOUCHED = """
    WITH asked AS MATERIALIZED (
        SELECT *
        FROM json_to_recordset($1) AS asked (
            number integer, families text[], persons text[], addresses text[], marker text, is_of_person boolean,
            is_about_households boolean
        )
    ),
    named AS MATERIALIZED (
        SELECT number, is_about_households, person_id FROM asked, unnest(persons) AS person_id
    ),
    persons AS MATERIALIZED (
        SELECT * FROM named
        UNION
        SELECT number, is_about_households, linked FROM named, linked_with(person_id) AS linked
    ),
    homes AS MATERIALIZED (
        SELECT number, is_about_households, address_id FROM asked, unnest(addresses) AS address_id
        UNION
        SELECT number, is_about_households, address_id FROM persons, homes_of(person_id) AS address_id
    ),
    own AS MATERIALIZED (
        SELECT number, is_about_households, family_id FROM asked, unnest(families) AS family_id
        UNION
        SELECT number, is_about_households, family_id FROM persons, families_with(person_id) AS family_id
        UNION
        SELECT number, is_about_households, family_id FROM homes, families_at(address_id) AS family_id
        UNION
        SELECT number, is_about_households, family_id
        FROM asked, unnest(persons) AS person, recorded_with(person, marker) AS family_id
        WHERE is_of_person
    ),
    households AS MATERIALIZED (
        SELECT DISTINCT number, person_id FROM own, everyone_in(family_id) AS person_id WHERE is_about_households
    ),
    their_persons AS MATERIALIZED (
        SELECT * FROM households
        UNION
        SELECT number, linked FROM households, linked_with(person_id) AS linked
    )
    SELECT number, family_id FROM own
    UNION
    SELECT number, family_id FROM their_persons, families_with(person_id) AS family_id
"""
"""
Families that an event concerns: those that it names, those of its persons, and those at their or its addresses.

An event about a household also concerns the other households of everyone in it. For example, an incident in one
household concerns the children of another household in which one of its adults lives. What is recorded about a person
or their risk marker concerns the families that it was recorded with.
"""
AMENDED = """
    SELECT root_source, root_id, change
    FROM events
    WHERE record_key = ANY ($1) AND change <> 'recorded'
    ORDER BY topic, kafka_partition, kafka_offset
"""
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
"""Most deadlines stay as they are, and are not written again."""
NEXT_DUE = "SELECT min(due_at), EXISTS (SELECT FROM restatements) FROM deadlines"
POP_DUE = "DELETE FROM deadlines WHERE due_at < $1 RETURNING due_at, family_id, rule"
END_OTHERS = """
    SELECT pg_terminate_backend(pid)
    FROM pg_stat_activity
    WHERE application_name = ANY ($1) AND datname = current_database() AND usename = current_user
      AND pid <> pg_backend_pid()
"""
"""A session that stands still in the middle of a transaction would block all that come after it."""
TERM = "SELECT number FROM term FOR SHARE"
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
"""Locks in one order: two sessions that run this at the same time would otherwise wait for each other for ever."""
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
PLACES = "SELECT place_kind, place FROM alerts WHERE alert_id = ANY ($1)"
