-- Everything that the watcher must know between two events. Rows of one batch come in one transaction with its offsets,
-- so that a crash anywhere leaves all of a batch or nothing.

-- Which term it is. A watcher that begins adds one, and everyone writes for its own term only: a watcher that was paused,
-- and has a successor by now, changes nothing.
CREATE TABLE watch.term (
    number bigint NOT NULL
);
INSERT INTO watch.term VALUES (0);

-- How far the topics have been judged, as the lake counts offsets, and the id that the topic had then.
CREATE TABLE watch.offsets (
    topic text,
    kafka_partition integer,
    next_offset bigint NOT NULL,
    topic_id text NOT NULL,
    PRIMARY KEY (topic, kafka_partition)
);

-- Records that nobody can read, of topics on which a report may be; without what they hold.
CREATE TABLE watch.quarantine (
    topic text,
    kafka_partition integer,
    kafka_offset bigint,
    received_at timestamp NOT NULL,
    reason text NOT NULL,
    path text,
    allowed text,
    is_judged boolean NOT NULL DEFAULT false,
    PRIMARY KEY (topic, kafka_partition, kafka_offset)
);
CREATE INDEX ON watch.quarantine (received_at) WHERE NOT is_judged;

-- Who was ever named together. Nothing is taken back: a correction may end a membership, but to look at a family once
-- too often costs a little time, and to miss one costs more.
CREATE TABLE watch.members (
    person_id text,
    family_id text,
    PRIMARY KEY (person_id, family_id)
);
CREATE INDEX ON watch.members (family_id);

CREATE TABLE watch.family_addresses (
    address_id text,
    family_id text,
    PRIMARY KEY (address_id, family_id)
);
CREATE INDEX ON watch.family_addresses (family_id);

CREATE TABLE watch.person_addresses (
    address_id text,
    person_id text,
    PRIMARY KEY (address_id, person_id)
);
CREATE INDEX ON watch.person_addresses (person_id);

-- Persons that links make one, under one of their ids.
CREATE TABLE watch.identities (
    identifier text PRIMARY KEY,
    person_id text NOT NULL
);
CREATE INDEX ON watch.identities (person_id);

-- Families that what is recorded of a person, in no family, names; `marker_id` is that of the risk marker, or empty.
CREATE TABLE watch.own_families (
    person_id text,
    marker_id text,
    family_id text,
    PRIMARY KEY (person_id, marker_id, family_id)
);
CREATE INDEX ON watch.own_families (family_id);

-- Ids that more families share than one person or home is of, and which therefore connect nobody. A crowd stays one
-- whatever is corrected, so that the order of records decides nothing; the build counts the same (`int_crowds`).
CREATE TABLE watch.crowds (
    kind text,
    identifier text,
    PRIMARY KEY (kind, identifier)
);

-- How many families, and of an address also persons, share each id, and each person as links make them one.
CREATE VIEW watch.shared AS
SELECT 'person' AS kind, person_id AS identifier, count(*) AS holders FROM watch.members GROUP BY person_id
UNION ALL
SELECT 'link', identities.person_id, count(DISTINCT family_id)
FROM watch.identities
JOIN watch.members ON members.person_id = identities.identifier
GROUP BY identities.person_id
UNION ALL
SELECT 'address', address_id, count(*) FROM watch.family_addresses GROUP BY address_id
UNION ALL
SELECT 'address', address_id, count(*) FROM watch.person_addresses GROUP BY address_id;

-- The latest version of each alert; `ended_at` is infinity for one that the topic of those that stand has no more.
CREATE TABLE watch.alerts (
    alert_id text PRIMARY KEY,
    place_kind text NOT NULL,
    place text NOT NULL,
    version integer NOT NULL,
    since timestamptz NOT NULL,
    inherits boolean NOT NULL,
    alert bytea NOT NULL,
    ended_at timestamptz
);
CREATE INDEX ON watch.alerts (place, place_kind);
CREATE INDEX ON watch.alerts (ended_at) WHERE ended_at < 'infinity';

-- Instants at which a rule's answer about a family may change with no new event.
CREATE TABLE watch.deadlines (
    family_id text,
    rule text,
    due_at timestamp,
    PRIMARY KEY (family_id, rule, due_at)
);
CREATE INDEX ON watch.deadlines (due_at);

-- Versions that are decided and not yet known to be on their topic, in their order.
CREATE TABLE watch.outbox (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id text NOT NULL,
    version integer NOT NULL,
    alert bytea NOT NULL
);

-- Where people did something with an alert that the build judges, until the watcher may say so.
CREATE TABLE watch.restatements (
    place_kind text,
    place text,
    arrived_at timestamptz NOT NULL,
    PRIMARY KEY (place_kind, place)
);

-- Families that are to be looked at again in idle moments: after an upgrade of the rules, or of the tables.
CREATE TABLE watch.reviews (
    family_id text PRIMARY KEY,
    arrived_at timestamp NOT NULL
);
CREATE INDEX ON watch.reviews (arrived_at);

-- What is looked for is given as arrays here: a set whose size nobody knows would have a whole table read beside it.

-- Persons with everyone whom links make one with them, but the crowds among them.
CREATE FUNCTION watch.connecting(persons text[]) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT identifier
    FROM (
        SELECT unnest(persons)
        UNION
        SELECT linked.identifier
        FROM watch.identities AS own
        JOIN watch.identities AS linked USING (person_id)
        WHERE own.identifier = ANY (persons)
          AND NOT EXISTS (SELECT FROM watch.crowds WHERE kind = 'link' AND identifier = own.identifier)
          AND NOT EXISTS (SELECT FROM watch.crowds WHERE kind = 'link' AND identifier = linked.identifier)
    ) AS named (identifier)
    WHERE NOT EXISTS (SELECT FROM watch.crowds WHERE kind = 'person' AND crowds.identifier = named.identifier)
$$;

-- Addresses but the crowds among them.
CREATE FUNCTION watch.homes(addresses text[]) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT address_id
    FROM unnest(addresses) AS address_id
    WHERE NOT EXISTS (SELECT FROM watch.crowds WHERE kind = 'address' AND identifier = address_id)
$$;

-- Families to which any of some persons, or anyone linked to them, was ever said to belong.
CREATE FUNCTION watch.families_of(persons text[]) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT DISTINCT family_id
    FROM watch.members
    WHERE person_id = ANY (ARRAY(SELECT watch.connecting(persons)))
$$;

-- The keys under which all is filed that is known of some families: their own, and those of everyone who ever belonged
-- to them or lived where they live.
CREATE FUNCTION watch.keys_of(families text[]) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT unnest(families)
    UNION
    SELECT person_id FROM watch.own_families WHERE family_id = ANY (families)
    UNION
    SELECT watch.connecting(ARRAY(
        SELECT person_id FROM watch.members WHERE family_id = ANY (families)
        UNION
        SELECT person_id
        FROM watch.person_addresses
        WHERE address_id = ANY (ARRAY(
            SELECT watch.homes(ARRAY(SELECT address_id FROM watch.family_addresses WHERE family_id = ANY (families)))
        ))
    ))
$$;

-- Families that an event concerns which names some families, persons and addresses: those, the families of the persons,
-- and those at the addresses or at the persons' addresses. What is said of a household concerns the other households of
-- everyone in it, too: an incident in one concerns the children of another in which one of its adults lives. And what
-- is recorded of a person, or of their risk marker, concerns the families that it was recorded with.
CREATE FUNCTION watch.touched(
    families text[], persons text[], addresses text[], marker text, is_of_person boolean, is_about_households boolean
) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    WITH own AS (
        SELECT unnest(families) AS family_id
        UNION
        SELECT watch.families_of(persons)
        UNION
        SELECT family_id
        FROM watch.family_addresses
        WHERE address_id = ANY (ARRAY(
            SELECT watch.homes(addresses || ARRAY(
                SELECT address_id
                FROM watch.person_addresses
                WHERE person_id = ANY (ARRAY(SELECT watch.connecting(persons)))
            ))
        ))
        UNION
        SELECT family_id
        FROM watch.own_families
        WHERE is_of_person AND person_id = ANY (persons) AND marker_id = marker
    )
    SELECT family_id FROM own
    UNION
    SELECT watch.families_of(ARRAY(
        SELECT person_id FROM watch.members WHERE family_id = ANY (ARRAY(SELECT family_id FROM own))
    ))
    WHERE is_about_households
$$;

-- The keys to load for some families. After a domestic abuse incident also those of the other households of the adults
-- whom the report names.
CREATE FUNCTION watch.keys_to_load(families text[]) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    WITH keys AS MATERIALIZED (
        SELECT watch.keys_of(families) AS key
    ),
    named AS MATERIALIZED (
        SELECT ARRAY(
            SELECT DISTINCT named_person
            FROM watch.events, unnest(person_ids) AS named_person
            WHERE record_key = ANY (ARRAY(SELECT key FROM keys)) AND escalation_kind = 'domestic_abuse_incident'
        ) AS persons
    )
    SELECT key FROM keys
    UNION
    SELECT watch.keys_of(ARRAY(SELECT watch.families_of(persons)))
    FROM named
    WHERE persons <> '{}'
$$;

-- Makes two persons one.
CREATE FUNCTION watch.link(one text, other text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO watch.identities VALUES (one, one), (other, other) ON CONFLICT DO NOTHING;
    UPDATE watch.identities SET person_id = least(theirs.low, theirs.high)
    FROM (
        SELECT min(person_id) AS low, max(person_id) AS high
        FROM watch.identities
        WHERE identifier IN (one, other)
    ) AS theirs
    WHERE person_id = greatest(theirs.low, theirs.high) AND theirs.low <> theirs.high;
$$;
