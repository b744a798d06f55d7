-- The state that the watcher keeps between two events. The rows of a batch and its offsets are written in one
-- transaction. So after a crash, there is either a whole batch or nothing of it. All names belong to the schema that
-- the session uses.

-- The version of the tables, whether they hold the landed records, and the rules by which all events were last
-- evaluated.
CREATE TABLE about (
    version text NOT NULL,
    is_filled boolean NOT NULL DEFAULT false,
    rules text
);

-- The number of the term. A watcher that begins to lead adds one. Every transaction checks that its watcher's number is
-- still the latest. So if a watcher was paused and another one has begun to lead, the paused one cannot change
-- anything.
CREATE TABLE term (
    number bigint NOT NULL
);
INSERT INTO term VALUES (0);

-- The next offset of each partition to evaluate, numbered as in the lake, and the id of the topic that the offset
-- belongs to.
CREATE TABLE offsets (
    topic text,
    kafka_partition integer,
    next_offset bigint NOT NULL,
    topic_id text NOT NULL,
    PRIMARY KEY (topic, kafka_partition)
);

-- Unreadable records on topics that carry reports about children. The content of the records is not kept.
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

-- Ids that were ever named together. No row is ever deleted. A correction may end a membership. Then a family may be
-- evaluated without need, which costs little time. A family that was forgotten could miss an alert.
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

-- The ids of one person. If a link says that two ids are one person, both ids have the same `person_id`, which is one
-- of them.
CREATE TABLE identities (
    identifier text PRIMARY KEY,
    person_id text NOT NULL
);
CREATE INDEX ON identities (person_id);

-- Families that are named in records about a person, if these records have no family of their own. For example, a risk
-- marker names such families. `marker_id` is the id of the risk marker, or empty.
CREATE TABLE own_families (
    person_id text,
    marker_id text,
    family_id text,
    PRIMARY KEY (person_id, marker_id, family_id)
);
CREATE INDEX ON own_families (family_id);

-- Over-shared ids, which connect nobody. An id stays over-shared even after corrections, so the order in which records
-- arrive makes no difference. The build finds the same ids (`int_crowds`).
CREATE TABLE crowds (
    kind text,
    identifier text,
    PRIMARY KEY (kind, identifier)
);

-- The number of families that share each person, each linked person and each address. An address has a second row with
-- the number of persons who share it.
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

-- The latest version of each alert. For an ended alert that is no longer on the topic of current alerts, `ended_at` is
-- infinity.
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

-- Times at which a rule's result about a family may change without a new event.
CREATE TABLE deadlines (
    family_id text,
    rule text,
    due_at timestamp,
    PRIMARY KEY (family_id, rule, due_at)
);
CREATE INDEX ON deadlines (due_at);

-- Versions that have been decided, but are not yet known to be on the alerts topic. `number` is the order of the
-- decisions.
CREATE TABLE outbox (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id text NOT NULL,
    version integer NOT NULL,
    alert bytea NOT NULL
);
CREATE INDEX ON outbox (alert_id);

-- Families and records with an alert that only the build evaluates, after people acted on this alert. The watcher
-- publishes a new version of the alert as soon as the build does not hold the lock for such versions.
CREATE TABLE restatements (
    place_kind text,
    place text,
    arrived_at timestamptz NOT NULL,
    PRIMARY KEY (place_kind, place)
);

-- Families and records of a large batch that the leader or a standby still has to evaluate. The next batch is taken in
-- when no row is left. So each family or record has at most one row, and locking this row means locking the family or
-- record. `asked` holds the rules to evaluate, and `rules` is the checksum of all rules.
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

-- Families to evaluate again after an upgrade of the rules or the tables, when the watcher has time.
CREATE TABLE reviews (
    family_id text PRIMARY KEY,
    arrived_at timestamp NOT NULL
);
CREATE INDEX ON reviews (arrived_at);

-- The functions below find the ids that one id is connected to. An over-shared id is connected to nothing. Because of
-- OFFSET 0, PostgreSQL plans each look-up as a separate query, which always uses an index. Otherwise it might read
-- whole tables, because its statistics may come from a time when the tables were empty.
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

-- The functions below take arrays. For a set of rows of unknown size, the planner would read a whole table instead.

-- The given persons and all persons linked to them. Over-shared ids are left out.
CREATE FUNCTION connecting(persons text[]) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT identifier
    FROM (
        SELECT unnest(persons)
        UNION
        SELECT linked_with(person) FROM unnest(persons) AS person
    ) AS named (identifier)
    WHERE NOT EXISTS (SELECT FROM crowds WHERE kind = 'person' AND crowds.identifier = named.identifier)
$$;

-- The given addresses. Over-shared addresses are left out.
CREATE FUNCTION homes(addresses text[]) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT address_id
    FROM unnest(addresses) AS address_id
    WHERE NOT EXISTS (SELECT FROM crowds WHERE kind = 'address' AND identifier = address_id)
$$;

-- Families that were ever named together with one of the given persons, or with a person linked to them.
CREATE FUNCTION families_of(persons text[]) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT DISTINCT family_id
    FROM members
    WHERE person_id = ANY (ARRAY(SELECT connecting(persons)))
$$;

-- The keys of all stored events about some families. These are the families' own keys, and the keys of all persons who
-- ever belonged to the families or lived at their addresses.
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

-- The keys of the events to load for some families. After a domestic abuse incident, the adults whom the report names
-- may have other households. The keys of those are included.
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

-- Joins two person ids into one person.
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

-- The functions below find the input of the rules. Each has its own query plan, which finds rows by an index, even if
-- the planner believes that the tables are empty. ROWS tells the planner how many rows each function returns, roughly.

-- The events with the given keys, and the events that were sent again in place of the given records.
CREATE FUNCTION loaded(keys text[], records text[]) RETURNS SETOF events
LANGUAGE plpgsql STABLE ROWS 100 SET enable_seqscan = off AS $$
BEGIN
    RETURN QUERY SELECT * FROM events WHERE record_key = ANY (keys) OR replay_of = ANY (records);
END
$$;

-- Those of the given records that are unreadable.
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
