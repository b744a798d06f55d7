"""SQL statements on the events that the watcher has stored."""

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
"""
Returns the over-shared ids in the loaded events.

`IS TRUE` makes PostgreSQL look the ids up in a hash table. Without it, PostgreSQL could choose a slower join.
"""
ADD_QUARANTINE = """
    INSERT INTO quarantine
    SELECT topic, kafka_partition, kafka_offset, received_at, reason, path, allowed
    FROM json_populate_recordset(NULL::quarantine, $1)
    ON CONFLICT DO NOTHING
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
"""
Returns stored events that share their topic, key, source and id with another stored event.

`IS TRUE` makes PostgreSQL look the ids up in a hash table. Without it, PostgreSQL would compare each id with each row.
"""
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
Finds the families that an event affects.

An event affects the families that it names, the families of its persons, and the families at its addresses or at its
persons' addresses. An event about a household also affects the other households of everyone in it. For example, one
adult may live in two households. Then an incident in one household affects the children in the other. An event about a
person, or about a person's risk marker, also affects the families that earlier records about this person or marker
named.
"""
AMENDED = """
    SELECT root_source, root_id, change
    FROM events
    WHERE record_key = ANY ($1) AND change <> 'recorded'
    ORDER BY topic, kafka_partition, kafka_offset
"""
