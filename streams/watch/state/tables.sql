-- Everything that the watcher must know between two events. Rows of one batch come in one transaction with its offsets,
-- so that a crash anywhere leaves all of a batch or nothing. All names are those of the schema that the session looks in.

-- Of which version the tables are, whether they hold what had landed, and by which rules all of it was last judged.
CREATE TABLE about (
    version text NOT NULL,
    is_filled boolean NOT NULL DEFAULT false,
    rules text
);

-- Which term it is. A watcher that begins adds one, and everyone writes for its own term only: a watcher that was paused,
-- and has a successor by now, changes nothing.
CREATE TABLE term (
    number bigint NOT NULL
);
INSERT INTO term VALUES (0);

-- How far the topics have been judged, as the lake counts offsets, and the id that the topic had then.
CREATE TABLE offsets (
    topic text,
    kafka_partition integer,
    next_offset bigint NOT NULL,
    topic_id text NOT NULL,
    PRIMARY KEY (topic, kafka_partition)
);

-- Records that nobody can read, of topics on which a report may be; without what they hold.
CREATE TABLE quarantine (
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
CREATE INDEX ON quarantine (received_at) WHERE NOT is_judged;

-- Who was ever named together. Nothing is taken back: a correction may end a membership, but to look at a family once
-- too often costs a little time, and to miss one costs more.
CREATE TABLE members (
    person_id text,
    family_id text,
    PRIMARY KEY (person_id, family_id)
);
CREATE INDEX ON members (family_id);

CREATE TABLE family_addresses (
    address_id text,
    family_id text,
    PRIMARY KEY (address_id, family_id)
);
CREATE INDEX ON family_addresses (family_id);

CREATE TABLE person_addresses (
    address_id text,
    person_id text,
    PRIMARY KEY (address_id, person_id)
);
CREATE INDEX ON person_addresses (person_id);

-- Persons that links make one, under one of their ids.
CREATE TABLE identities (
    identifier text PRIMARY KEY,
    person_id text NOT NULL
);
CREATE INDEX ON identities (person_id);

-- Families that what is recorded of a person, in no family, names; `marker_id` is that of the risk marker, or empty.
CREATE TABLE own_families (
    person_id text,
    marker_id text,
    family_id text,
    PRIMARY KEY (person_id, marker_id, family_id)
);
CREATE INDEX ON own_families (family_id);

-- Ids that more families share than one person or home is of, and which therefore connect nobody. A crowd stays one
-- whatever is corrected, so that the order of records decides nothing; the build counts the same (`int_crowds`).
CREATE TABLE crowds (
    kind text,
    identifier text,
    PRIMARY KEY (kind, identifier)
);

-- How many families, and of an address also persons, share each id, and each person as links make them one.
CREATE VIEW shared AS
SELECT 'person' AS kind, person_id AS identifier, count(*) AS holders FROM members GROUP BY person_id
UNION ALL
SELECT 'link', identities.person_id, count(DISTINCT family_id)
FROM identities
JOIN members ON members.person_id = identities.identifier
GROUP BY identities.person_id
UNION ALL
SELECT 'address', address_id, count(*) FROM family_addresses GROUP BY address_id
UNION ALL
SELECT 'address', address_id, count(*) FROM person_addresses GROUP BY address_id;

-- The latest version of each alert; `ended_at` is infinity for one that the topic of those that stand has no more.
CREATE TABLE alerts (
    alert_id text PRIMARY KEY,
    place_kind text NOT NULL,
    place text NOT NULL,
    version integer NOT NULL,
    since timestamptz NOT NULL,
    inherits boolean NOT NULL,
    alert bytea NOT NULL,
    ended_at timestamptz
);
CREATE INDEX ON alerts (place, place_kind);
CREATE INDEX ON alerts (ended_at) WHERE ended_at < 'infinity';

-- Instants at which a rule's answer about a family may change with no new event.
CREATE TABLE deadlines (
    family_id text,
    rule text,
    due_at timestamp,
    PRIMARY KEY (family_id, rule, due_at)
);
CREATE INDEX ON deadlines (due_at);

-- Versions that are decided and not yet known to be on their topic, in their order.
CREATE TABLE outbox (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id text NOT NULL,
    version integer NOT NULL,
    alert bytea NOT NULL
);
CREATE INDEX ON outbox (alert_id);

-- Where people did something with an alert that the build judges, until the watcher may say so.
CREATE TABLE restatements (
    place_kind text,
    place text,
    arrived_at timestamptz NOT NULL,
    PRIMARY KEY (place_kind, place)
);

-- Where a large batch is still to be judged, by whichever watcher has time. The next batch is taken in when nothing is
-- left, so a place is here once, and its row's lock is the lock on the place. `asked` are the rules to judge it by, and
-- `rules` is the version of all of them.
CREATE TABLE pending (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    place_kind text NOT NULL,
    place text NOT NULL,
    asked text NOT NULL,
    arrived_at timestamptz NOT NULL,
    amendment text,
    as_of timestamptz NOT NULL,
    taken_in_at timestamptz NOT NULL,
    rules text NOT NULL
);

-- Families that are to be looked at again in idle moments: after an upgrade of the rules, or of the tables.
CREATE TABLE reviews (
    family_id text PRIMARY KEY,
    arrived_at timestamp NOT NULL
);
CREATE INDEX ON reviews (arrived_at);

-- What one id leads to; a crowd leads nowhere. OFFSET 0 keeps each look-up a query of its own, which uses an index, whatever
-- size the planner believes the tables to have: it may have seen them last when they were empty.
CREATE FUNCTION linked_with(person text) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT other.identifier
    FROM identities AS own
    JOIN identities AS other USING (person_id)
    WHERE own.identifier = person
      AND NOT EXISTS (SELECT FROM crowds WHERE kind = 'link' AND identifier = person)
      AND NOT EXISTS (SELECT FROM crowds WHERE kind = 'link' AND identifier = other.identifier)
    OFFSET 0
$$;
CREATE FUNCTION families_with(person text) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT family_id
    FROM members
    WHERE person_id = person AND NOT EXISTS (SELECT FROM crowds WHERE kind = 'person' AND identifier = person)
    OFFSET 0
$$;
CREATE FUNCTION homes_of(person text) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT address_id
    FROM person_addresses
    WHERE person_id = person AND NOT EXISTS (SELECT FROM crowds WHERE kind = 'person' AND identifier = person)
    OFFSET 0
$$;
CREATE FUNCTION families_at(address text) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT family_id
    FROM family_addresses
    WHERE address_id = address AND NOT EXISTS (SELECT FROM crowds WHERE kind = 'address' AND identifier = address)
    OFFSET 0
$$;
CREATE FUNCTION recorded_with(person text, marker text) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT family_id FROM own_families WHERE person_id = person AND marker_id = marker OFFSET 0
$$;
CREATE FUNCTION everyone_in(family text) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT person_id FROM members WHERE family_id = family OFFSET 0
$$;

-- What is looked for is given as arrays here: a set whose size nobody knows would have a whole table read beside it.

-- Persons with everyone whom links make one with them, but the crowds among them.
CREATE FUNCTION connecting(persons text[]) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT identifier
    FROM (
        SELECT unnest(persons)
        UNION
        SELECT linked_with(person) FROM unnest(persons) AS person
    ) AS named (identifier)
    WHERE NOT EXISTS (SELECT FROM crowds WHERE kind = 'person' AND crowds.identifier = named.identifier)
$$;

-- Addresses but the crowds among them.
CREATE FUNCTION homes(addresses text[]) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT address_id
    FROM unnest(addresses) AS address_id
    WHERE NOT EXISTS (SELECT FROM crowds WHERE kind = 'address' AND identifier = address_id)
$$;

-- Families to which any of some persons, or anyone linked to them, was ever said to belong.
CREATE FUNCTION families_of(persons text[]) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT DISTINCT family_id
    FROM members
    WHERE person_id = ANY (ARRAY(SELECT connecting(persons)))
$$;

-- The keys under which all is filed that is known of some families: their own, and those of everyone who ever belonged
-- to them or lived where they live.
CREATE FUNCTION keys_of(families text[]) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT unnest(families)
    UNION
    SELECT person_id FROM own_families WHERE family_id = ANY (families)
    UNION
    SELECT connecting(ARRAY(
        SELECT person_id FROM members WHERE family_id = ANY (families)
        UNION
        SELECT person_id
        FROM person_addresses
        WHERE address_id = ANY (ARRAY(
            SELECT homes(ARRAY(SELECT address_id FROM family_addresses WHERE family_id = ANY (families)))
        ))
    ))
$$;

-- The keys to load for some families. After a domestic abuse incident also those of the other households of the adults
-- whom the report names.
CREATE FUNCTION keys_to_load(families text[]) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    WITH keys AS MATERIALIZED (
        SELECT keys_of(families) AS key
    ),
    named AS MATERIALIZED (
        SELECT ARRAY(
            SELECT DISTINCT named_person
            FROM events, unnest(person_ids) AS named_person
            WHERE record_key = ANY (ARRAY(SELECT key FROM keys)) AND escalation_kind = 'domestic_abuse_incident'
        ) AS persons
    )
    SELECT key FROM keys
    UNION
    SELECT keys_of(ARRAY(SELECT families_of(persons)))
    FROM named
    WHERE persons <> '{}'
$$;

-- Makes two persons one.
CREATE FUNCTION link(one text, other text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO identities VALUES (one, one), (other, other) ON CONFLICT DO NOTHING;
    UPDATE identities SET person_id = least(theirs.low, theirs.high)
    FROM (
        SELECT min(person_id) AS low, max(person_id) AS high
        FROM identities
        WHERE identifier IN (one, other)
    ) AS theirs
    WHERE person_id = greatest(theirs.low, theirs.high) AND theirs.low <> theirs.high;
$$;

-- What is judged is found by functions that plan for themselves. Whatever sizes the planner believes the tables to have,
-- these find their rows by an index, and the rules that read them are planned for about as many rows as are told here.

-- The events under some keys, and those sent again in the place of some records.
CREATE FUNCTION loaded(keys text[], records text[]) RETURNS SETOF events
LANGUAGE plpgsql STABLE ROWS 100 SET enable_seqscan = off AS $$
BEGIN
    RETURN QUERY SELECT * FROM events WHERE record_key = ANY (keys) OR replay_of = ANY (records);
END
$$;

-- Those of some records that nobody can read.
CREATE FUNCTION unread(topics text[], partitions integer[], offsets bigint[]) RETURNS SETOF quarantine
LANGUAGE plpgsql STABLE ROWS 10 SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET enable_nestloop = on AS $$
BEGIN
    RETURN QUERY
    SELECT quarantine.*
    FROM unnest(topics, partitions, offsets) AS wanted (topic, kafka_partition, kafka_offset)
    JOIN quarantine USING (topic, kafka_partition, kafka_offset);
END
$$;
