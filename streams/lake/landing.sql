-- Generated from streams/contracts by `./caf contracts generate`; edit the contract instead.

-- Accepted records of the input topics, one row each, copies included.
CREATE TABLE IF NOT EXISTS landing.main.events (
    "topic" VARCHAR,
    "kafka_partition" INTEGER,
    "kafka_offset" BIGINT,
    "record_key" VARCHAR,
    "received_at" TIMESTAMP,
    "landed_at" TIMESTAMP,
    "event_source" VARCHAR,
    "event_id" VARCHAR,
    "event_type" VARCHAR,
    "event_at" TIMESTAMP,
    "authority_code" VARCHAR,
    "is_backfill" BOOLEAN,
    "change" VARCHAR,
    "root_source" VARCHAR,
    "root_id" VARCHAR,
    "root_at" TIMESTAMP,
    "fact" VARCHAR,
    "fact_at" TIMESTAMP,
    "amendment_reason" VARCHAR,
    "replay_of" VARCHAR,
    "inbound_record" VARCHAR,
    "dropped_fields" STRUCT("path" VARCHAR, "reason" VARCHAR, "allowed" VARCHAR)[],
    "content_id" BIGINT,
    "payload" VARCHAR,
    "person_id" VARCHAR,
    "date_of_birth" DATE,
    "due_date" DATE,
    "died_on" DATE,
    "school_id" VARCHAR,
    "is_home_educated" BOOLEAN,
    "upn_unknown" VARCHAR,
    "sex" VARCHAR,
    "ethnicity" VARCHAR,
    "disabilities" VARCHAR[],
    "linked_person_id" VARCHAR,
    "link_basis" VARCHAR,
    "family_id" VARCHAR,
    "household_role" VARCHAR,
    "leaving_reason" VARCHAR,
    "address_id" VARCHAR,
    "lsoa_code" VARCHAR,
    "is_address_protected" BOOLEAN,
    "marker_id" VARCHAR,
    "marker_kind" VARCHAR,
    "marker_role" VARCHAR,
    "marker_basis" VARCHAR,
    "marker_families" VARCHAR[],
    "review_due" DATE,
    "expires_at" TIMESTAMP,
    "clearing_reason" VARCHAR,
    "release_on" DATE,
    "release_family_id" VARCHAR,
    "case_id" VARCHAR,
    "service_id" VARCHAR,
    "service_kind" VARCHAR,
    "referral_id" VARCHAR,
    "closure_reason" VARCHAR,
    "level" INTEGER,
    "level_reason" VARCHAR,
    "assessment_id" VARCHAR,
    "assessment_kind" VARCHAR,
    "agency_id" VARCHAR,
    "person_ids" VARCHAR[],
    "factors" VARCHAR[],
    "participants" VARCHAR[],
    "worker_id" VARCHAR,
    "meeting_id" VARCHAR,
    "agency_kinds" VARCHAR[],
    "review_id" VARCHAR,
    "service_request_id" VARCHAR,
    "end_reason" VARCHAR,
    "consent_scope" VARCHAR,
    "outcome_framework" VARCHAR,
    "outcome_number" INTEGER,
    "outcome_stage" VARCHAR,
    "score" INTEGER,
    "incident_id" VARCHAR,
    "escalation_id" VARCHAR,
    "escalation_kind" VARCHAR,
    "severity" VARCHAR,
    "source_code" VARCHAR,
    "gateway" VARCHAR,
    "alert_id" VARCHAR,
    "note" VARCHAR,
    "alert_closure" VARCHAR,
    "emergency_reason" VARCHAR,
    "contact_id" VARCHAR,
    "concern_kind" VARCHAR,
    "primary_need" VARCHAR,
    "consent" VARCHAR,
    "consent_reason" VARCHAR,
    "decision" VARCHAR,
    "feedback_kind" VARCHAR,
    "feedback_channel" VARCHAR,
    "sharing_id" VARCHAR,
    "information_kinds" VARCHAR[],
    "sharing_purpose" VARCHAR,
    "sharing_basis" VARCHAR
);

-- Records that no contract accepts, one row each, with their original bytes.
CREATE TABLE IF NOT EXISTS landing.main.quarantine (
    "topic" VARCHAR,
    "kafka_partition" INTEGER,
    "kafka_offset" BIGINT,
    "received_at" TIMESTAMP,
    "landed_at" TIMESTAMP,
    "reason" VARCHAR,
    "path" VARCHAR,
    "allowed" VARCHAR,
    "record_key" BLOB,
    "record_value" BLOB,
    "record_headers" STRUCT("name" VARCHAR, "value" BLOB)[],
    "record_header_names" BLOB[],
    "inbound_record" VARCHAR
);

-- Records of the alerts topic, one row each: every version of every alert.
CREATE TABLE IF NOT EXISTS landing.main.alerts (
    "topic" VARCHAR,
    "kafka_partition" INTEGER,
    "kafka_offset" BIGINT,
    "received_at" TIMESTAMP,
    "landed_at" TIMESTAMP,
    "alert_id" VARCHAR,
    "version" INTEGER,
    "rule" VARCHAR,
    "rule_version" INTEGER,
    "profile_version" VARCHAR,
    "severity" VARCHAR,
    "status" VARCHAR,
    "status_reason" VARCHAR,
    "entity_kind" VARCHAR,
    "entity_id" VARCHAR,
    "family_id" VARCHAR,
    "reason" VARCHAR,
    "evidence" STRUCT("time" TIMESTAMP, "source" VARCHAR, "id" VARCHAR, "type" VARCHAR)[],
    "anchor_source" VARCHAR,
    "anchor_id" VARCHAR,
    "anchored_at" TIMESTAMP,
    "deadline" TIMESTAMP,
    "clears_when" VARCHAR,
    "occurred_at" TIMESTAMP,
    "cause_received_at" TIMESTAMP,
    "raised_at" TIMESTAMP,
    "backfill" BOOLEAN,
    "test" BOOLEAN,
    "supersedes" VARCHAR,
    "case_url" VARCHAR,
    "area" VARCHAR,
    "recipients" STRUCT("role" VARCHAR, "id" VARCHAR)[],
    "routing_version" VARCHAR,
    "acknowledged_at" TIMESTAMP,
    "acknowledged_by" VARCHAR,
    "closed_at" TIMESTAMP,
    "closed_by" VARCHAR,
    "alert_closure" VARCHAR
);

-- Records of the feedback topic, one row each: every version of each letter to a referrer.
CREATE TABLE IF NOT EXISTS landing.main.feedback (
    "topic" VARCHAR,
    "kafka_partition" INTEGER,
    "kafka_offset" BIGINT,
    "received_at" TIMESTAMP,
    "landed_at" TIMESTAMP,
    "referral_id" VARCHAR,
    "letter_id" VARCHAR,
    "version" INTEGER,
    "feedback_kind" VARCHAR,
    "source_code" VARCHAR,
    "agency_id" VARCHAR,
    "decision" VARCHAR,
    "decided_at" TIMESTAMP,
    "sentences" VARCHAR[]
);

-- Records of the topic of sharing decisions, one row each: what was shared with whom, or not, and why.
CREATE TABLE IF NOT EXISTS landing.main.sharing_decisions (
    "topic" VARCHAR,
    "kafka_partition" INTEGER,
    "kafka_offset" BIGINT,
    "received_at" TIMESTAMP,
    "landed_at" TIMESTAMP,
    "alert_id" VARCHAR,
    "version" INTEGER,
    "rule" VARCHAR,
    "family_id" VARCHAR,
    "partner" VARCHAR,
    "verdict" VARCHAR,
    "verdict_reason" VARCHAR,
    "sharing_purpose" VARCHAR,
    "sharing_basis" VARCHAR,
    "policy_version" VARCHAR,
    "decided_at" TIMESTAMP
);

-- Records of the dead-letter topic, one row each.
CREATE TABLE IF NOT EXISTS landing.main.dead_letters (
    "topic" VARCHAR,
    "kafka_partition" INTEGER,
    "kafka_offset" BIGINT,
    "received_at" TIMESTAMP,
    "landed_at" TIMESTAMP,
    "rejected_topic" VARCHAR,
    "rejected_partition" INTEGER,
    "rejected_offset" BIGINT,
    "rejected_at" TIMESTAMP,
    "reason" VARCHAR,
    "path" VARCHAR,
    "allowed" VARCHAR,
    "record_key" BLOB,
    "record_value" BLOB,
    "record_headers" STRUCT("name" VARCHAR, "value" BLOB)[],
    "is_whole" BOOLEAN,
    "record_bytes" BIGINT,
    "value_bytes" BIGINT,
    "value_sha256" VARCHAR
);

-- Records of the heartbeat topic, one row each.
CREATE TABLE IF NOT EXISTS landing.main.heartbeats (
    "topic" VARCHAR,
    "kafka_partition" INTEGER,
    "kafka_offset" BIGINT,
    "received_at" TIMESTAMP,
    "landed_at" TIMESTAMP,
    "leader" VARCHAR,
    "as_of" TIMESTAMP,
    "offsets" MAP(VARCHAR, BIGINT[]),
    "topic_ids" MAP(VARCHAR, VARCHAR),
    "is_reporting" BOOLEAN
);

-- Records of the audit topic, one row each: who saw or did what. A repeated `entry_id` counts once.
CREATE TABLE IF NOT EXISTS landing.main.audit (
    "topic" VARCHAR,
    "kafka_partition" INTEGER,
    "kafka_offset" BIGINT,
    "received_at" TIMESTAMP,
    "landed_at" TIMESTAMP,
    "entry_id" VARCHAR,
    "at" TIMESTAMP,
    "actor" VARCHAR,
    "who" VARCHAR,
    "who_id" VARCHAR,
    "role" VARCHAR,
    "action" VARCHAR,
    "outcome" VARCHAR,
    "subject" VARCHAR,
    "alert_ids" VARCHAR[],
    "family_ids" VARCHAR[],
    "person_ids" VARCHAR[]
);

-- Records whose content was erased, one row each: where they were, and nothing else.
CREATE TABLE IF NOT EXISTS landing.main.erased (
    "topic" VARCHAR,
    "kafka_partition" INTEGER,
    "kafka_offset" BIGINT,
    "landed_at" TIMESTAMP,
    "erased_at" TIMESTAMP,
    "erasure" VARCHAR,
    "was_in" VARCHAR,
    "inbound_record" VARCHAR
);

-- Ranges of offsets that hold no record: Kafka's own entries, and records of aborted transactions.
CREATE TABLE IF NOT EXISTS landing.main.unused_offsets (
    "topic" VARCHAR,
    "kafka_partition" INTEGER,
    "first_offset" BIGINT,
    "next_offset" BIGINT,
    "noted_at" TIMESTAMP
);

-- Topics whose records have landed, one row for each generation.
CREATE TABLE IF NOT EXISTS landing.main.topics (
    "topic" VARCHAR,
    "topic_id" VARCHAR,
    "life" INTEGER,
    "first_offsets" BIGINT[],
    "from_offsets" BIGINT[],
    "known_at" TIMESTAMP,
    "confirmed_at" TIMESTAMP,
    "confirmed_by" VARCHAR
);

-- What Great Expectations found in each landed batch.
CREATE TABLE IF NOT EXISTS landing.main.validations (
    "validated_at" TIMESTAMP,
    "suite" VARCHAR,
    "expectation" VARCHAR,
    "level" VARCHAR,
    "success" BOOLEAN,
    "checked" BIGINT,
    "failed" BIGINT,
    "batch_from" TIMESTAMP,
    "batch_to" TIMESTAMP,
    "failed_rows" STRUCT("topic" VARCHAR, "kafka_partition" INTEGER, "kafka_offset" BIGINT)[],
    "note" VARCHAR
);

-- Statements about the time that sources cover, and their removals.
CREATE TABLE IF NOT EXISTS landing.main.coverage (
    "stated_at" TIMESTAMP,
    "statement_id" VARCHAR,
    "change" VARCHAR,
    "authority_code" VARCHAR,
    "source" VARCHAR,
    "kinds" VARCHAR[],
    "covers_from" DATE,
    "covers_to" DATE,
    "is_whole" BOOLEAN,
    "stated_by" VARCHAR,
    "why" VARCHAR
);
