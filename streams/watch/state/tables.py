"""
Makes the watcher's tables from the contract's columns and `tables.sql`.

If either of these changes, the tables are made again.

The leader uses the tables in the schema `watch`. A standby of another version makes its own tables in `watch_next`.
When this standby becomes the leader, its tables replace those in `watch`.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from streams.contracts.columns import EVENT_COLUMNS
from streams.lake.lock_keys import LockKey
from streams.lake.session import Session

__all__ = ["CURRENT", "NEXT", "Tables", "event_columns"]

CURRENT = "watch"
NEXT = "watch_next"
"""The schema of the leader's tables (`CURRENT`), and the schema of the tables that a standby prepares (`NEXT`)."""


_TEXT = (Path(__file__).parent / "tables.sql").read_text(encoding="utf-8")
_ASKED = frozenset({
    "topic", "kafka_partition", "kafka_offset", "record_key", "received_at", "replay_of", "root_source", "root_id",
    "change", "fact", "alert_id", "escalation_kind", "family_id", "release_family_id", "marker_families", "person_id",
    "linked_person_id", "person_ids", "address_id", "marker_id",
})  # fmt: skip
"""Columns that show which families and records an event affects. They are kept even if no rule reads them."""
_TYPES = {
    pa.string(): "text",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.bool_(): "boolean",
    pa.date32(): "date",
    pa.timestamp("us"): "timestamp",
    pa.list_(pa.string()): "text[]",
}

_EVENTS = """
-- If a topic has lost its newest records, their offsets are used again. The arrival time tells the records apart.
CREATE TABLE events (
    {columns},
    PRIMARY KEY (topic, kafka_partition, kafka_offset, received_at)
);
CREATE INDEX ON events (record_key);
CREATE INDEX ON events (record_key) WHERE escalation_kind = 'domestic_abuse_incident';
CREATE INDEX ON events (replay_of) WHERE replay_of IS NOT NULL;
-- Landed events that are being copied from the lake.
CREATE UNLOGGED TABLE incoming (
    {columns}
);
"""


_NAMED = """
-- The families, persons and addresses that each event names.
CREATE VIEW {view} AS
SELECT topic, kafka_partition, kafka_offset, record_key, root_source, root_id, received_at, fact, alert_id,
       array_remove(ARRAY[family_id, release_family_id], NULL) || coalesce(marker_families, '{{}}') AS families,
       array_remove(ARRAY[person_id, linked_person_id], NULL) || coalesce(person_ids, '{{}}') AS persons,
       array_remove(ARRAY[address_id], NULL) AS addresses,
       linked_person_id IS NOT NULL AS is_link,
       coalesce(marker_id, '') AS marker,
       family_id IS NULL AS is_of_person
FROM {table};
"""


def event_columns(read: frozenset[str]) -> dict[str, str]:
    """
    Return the columns of `landing.events` to keep, with their PostgreSQL types.

    `read` contains the columns that rules read.
    """
    return {name: _TYPES[type_] for name, type_ in EVENT_COLUMNS.items() if name in read | _ASKED}


class Tables:
    """
    The watcher's tables of one version.

    Args:
        columns: the columns of the table of events, as `event_columns` returns them.
        schema: `CURRENT` or `NEXT`.
    """

    def __init__(self, session: Session, columns: Mapping[str, str], schema: str) -> None:
        self.schema = schema
        self._session = session
        listed = ",\n    ".join(f"{name} {type_}" for name, type_ in columns.items())
        events = _EVENTS.format(columns=listed)
        events += _NAMED.format(view="named", table="events") + _NAMED.format(
            view="named_by_incoming", table="incoming"
        )
        self._text = events + _TEXT
        self._version = hashlib.sha256(self._text.encode()).hexdigest()
        session.command(f"SET search_path = {schema}")

    def open(self) -> bool:
        """
        Make the tables, unless filled tables of this version exist.

        1. If the leader has no filled tables of this version, but `NEXT` has, the tables in `NEXT` replace the leader's
           tables.
        2. If there are still no filled tables of this version, the existing tables are dropped, and empty tables are
           made.

        Both steps are one transaction, under a lock.

        Returns:
            Whether new tables were made. They are empty, and count as not filled until `filled` is called.
        """
        with self._session.transaction():
            self._session.run("SELECT pg_advisory_xact_lock($1)", int(LockKey.WATCH_TABLES))
            if self.schema == CURRENT and not self.are_filled() and self.are_filled(NEXT):
                self.drop()
                self._session.command(f"ALTER SCHEMA {NEXT} RENAME TO {CURRENT}")
            if self.are_filled():
                return False
            self.drop()
            self._session.command(f"CREATE SCHEMA {self.schema}")
            self._session.command(self._text)
            self._session.run("INSERT INTO about (version) VALUES ($1)", self._version)
            return True

    def are_filled(self, schema: str = "") -> bool:
        """Return whether tables of this version exist and have been filled with all records that had landed."""
        return self._about(schema or self.schema) == (self._version, True)

    def are_there(self) -> bool:
        """Return whether tables of this version exist. They may be empty."""
        about = self._about(self.schema)
        return about is not None and about[0] == self._version

    def _about(self, schema: str) -> tuple[str, bool] | None:
        if self._session.run("SELECT to_regclass($1) IS NULL", f"{schema}.about") == [(True,)]:
            return None
        ((version, is_filled),) = self._session.run(f"SELECT version, is_filled FROM {schema}.about")
        return version, is_filled

    def drop(self) -> None:
        """Drop the tables."""
        self._session.command(f"DROP SCHEMA IF EXISTS {self.schema} CASCADE")

    def filled(self) -> None:
        """Record that the tables have been filled with all records that had landed."""
        self._session.run("UPDATE about SET is_filled = true")

    def judged_by(self, rules: str | None) -> None:
        """
        Record by which rules events are evaluated from now on.

        Pass None if some stored events have not been evaluated.
        """
        self._session.run("UPDATE about SET rules = $1", rules)

    @property
    def rules(self) -> str | None:
        """The rules that were last given to `judged_by`."""
        rules: str | None
        ((rules,),) = self._session.run("SELECT rules FROM about")
        return rules
