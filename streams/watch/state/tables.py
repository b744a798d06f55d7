"""The tables themselves: made from the contract's columns and `tables.sql`, and made anew when either has changed."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from streams.contracts.columns import EVENT_COLUMNS
from streams.lake.session import Session

__all__ = ["are_filled", "create_tables", "event_columns", "rules_judged_by"]

_TEXT = (Path(__file__).parent / "tables.sql").read_text(encoding="utf-8")
_ASKED = frozenset({
    "topic", "kafka_partition", "kafka_offset", "record_key", "received_at", "replay_of", "root_source", "root_id",
    "change", "fact", "alert_id", "escalation_kind", "family_id", "release_family_id", "marker_families", "person_id",
    "linked_person_id", "person_ids", "address_id", "marker_id",
})  # fmt: skip
"""Columns that tell whom an event concerns, whatever rules read."""
_TYPES = {
    pa.string(): "text",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.bool_(): "boolean",
    pa.date32(): "date",
    pa.timestamp("us"): "timestamp",
    pa.list_(pa.string()): "text[]",
}

_FILLED = """
    SELECT version FROM public.watch_tables WHERE are_filled AND to_regclass('watch.events') IS NOT NULL
"""
_EVENTS = """
-- A topic that has lost its end begins again with offsets that were used before: then the times differ.
CREATE TABLE watch.events (
    {columns},
    PRIMARY KEY (topic, kafka_partition, kafka_offset, received_at)
);
CREATE INDEX ON watch.events (record_key);
CREATE INDEX ON watch.events (record_key) WHERE escalation_kind = 'domestic_abuse_incident';
CREATE INDEX ON watch.events (replay_of) WHERE replay_of IS NOT NULL;
-- Landed events on their way in.
CREATE UNLOGGED TABLE watch.incoming (
    {columns}
);
"""


_NAMED = """
-- Whom and where each event names.
CREATE VIEW watch.{view} AS
SELECT topic, kafka_partition, kafka_offset, record_key, root_source, root_id, received_at, fact, alert_id,
       array_remove(ARRAY[family_id, release_family_id], NULL) || coalesce(marker_families, '{{}}') AS families,
       array_remove(ARRAY[person_id, linked_person_id], NULL) || coalesce(person_ids, '{{}}') AS persons,
       array_remove(ARRAY[address_id], NULL) AS addresses,
       linked_person_id IS NOT NULL AS is_link,
       coalesce(marker_id, '') AS marker,
       family_id IS NULL AS is_of_person
FROM watch.{table};
"""


def event_columns(read: frozenset[str]) -> dict[str, str]:
    """The columns of `landing.events` that are kept if rules `read` some, with their PostgreSQL types."""
    return {name: _TYPES[type_] for name, type_ in EVENT_COLUMNS.items() if name in read | _ASKED}


def create_tables(session: Session, columns: Mapping[str, str]) -> bool:
    """
    Make the tables, unless they are there, of this version and complete.

    Returns:
        Whether they were made: they are empty then, and `are_filled` says when they are not.
    """
    listed = ",\n    ".join(f"{name} {type_}" for name, type_ in columns.items())
    events = _EVENTS.format(columns=listed)
    events += _NAMED.format(view="named", table="events") + _NAMED.format(view="named_by_incoming", table="incoming")
    version = hashlib.sha256((events + _TEXT).encode()).hexdigest()
    with session.transaction():
        session.command("CREATE TABLE IF NOT EXISTS public.watch_tables (version text, are_filled boolean, rules text)")
        session.command("LOCK TABLE public.watch_tables")
        if session.run(_FILLED) == [(version,)]:
            return False
        session.command("DROP SCHEMA IF EXISTS watch CASCADE")
        session.command("CREATE SCHEMA watch")
        session.command(events)
        session.command(_TEXT)
        session.command("DELETE FROM public.watch_tables")
        session.run("INSERT INTO public.watch_tables VALUES ($1, false)", version)
        return True


def are_filled(session: Session, rules: str) -> None:
    """Say that the tables hold what had landed, and which rules they were last judged by."""
    session.run("UPDATE public.watch_tables SET are_filled = true, rules = $1", rules)


def rules_judged_by(session: Session) -> str | None:
    """The rules that `are_filled` named last."""
    ((rules,),) = session.run("SELECT rules FROM public.watch_tables")
    return rules
