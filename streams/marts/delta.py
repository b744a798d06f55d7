"""
What is new since the last build, and what it is about: a second set of tables, `delta`, in memory.

The statements are those of the whole build, with other names for what they read and write. They see

- the records of the events that are new or changed (`stg_events`, `grows_by: root`);
- all events of the connected groups of families, persons and addresses that these are about (`connected_groups.py`;
  `grows_by` names the column of the family, person or address whose row it is);
- all records that arrived on the days on which records of these events did (`grows_by: received_on`);
- the periods in which something else is counted than before, and those that they are compared with (`grows_by:
  period_start`, `streams/marts/periods.py`).

Rows of these events, nets, days and periods are then replaced in the tables of the last build.
"""

from collections.abc import Iterable

import duckdb

from streams.marts import landed, periods
from streams.marts.changes import Change
from streams.marts.connected_groups import reach
from streams.marts.order import EVENT, NAME, ORDERED, STAGED

__all__ = ["Delta", "NoRoomBetween"]

_LANDED = '"landing"."main"."events"'
_PERIODS = '"marts"."analytics"."int_need_periods"'

_UNREAD = "NULL::VARCHAR AS payload"
"""The record's own text, a third of what there is to read: no model looks at it."""

_LARGEST_SHARE = 0.05
"""Beyond this share of all events a whole build is as quick."""
_LARGEST_REACH = 0.4
"""The same for the records of the nets that they are about."""

_CREATE = """
    ATTACH IF NOT EXISTS ':memory:' AS delta;
    CREATE SCHEMA IF NOT EXISTS delta.landed;
    CREATE SCHEMA IF NOT EXISTS delta.arrived;
    CREATE SCHEMA IF NOT EXISTS delta.nets;
    CREATE SCHEMA IF NOT EXISTS delta.changed;
    CREATE SCHEMA IF NOT EXISTS delta.kept;
    CREATE SCHEMA IF NOT EXISTS delta.staging;
    CREATE SCHEMA IF NOT EXISTS delta.intermediate;
    CREATE SCHEMA IF NOT EXISTS delta.alerts;
    CREATE SCHEMA IF NOT EXISTS delta.analytics;
"""

_ROOTS = """
    CREATE OR REPLACE TABLE delta.landed.roots AS
    SELECT DISTINCT topic, record_key, root_source, root_id AS sent_id FROM delta.landed.fresh;
    CREATE OR REPLACE TABLE delta.landed.names AS
    SELECT DISTINCT hash(topic, root_source, sent_id) AS name FROM delta.landed.roots;
"""

_RECORDS = f"""
    CREATE OR REPLACE TABLE delta.landed.places AS
    SELECT topic, kafka_partition, kafka_offset FROM marts.known.records WHERE name IN (FROM delta.landed.names);
    CREATE OR REPLACE TABLE delta.landed.events AS
    SELECT landed.* EXCLUDE (sent_id)
    FROM (SELECT * REPLACE ({_UNREAD}), root_id AS sent_id FROM {_LANDED}) AS landed
    SEMI JOIN delta.landed.places USING (topic, kafka_partition, kafka_offset)
    SEMI JOIN delta.landed.roots USING ({NAME});
"""

_DAYS = f"""
    CREATE OR REPLACE TABLE delta.landed.hours AS
    SELECT hour, CAST(hour AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/London' AS DATE) AS received_on
    FROM (SELECT DISTINCT hour FROM marts.known.records);
    CREATE OR REPLACE TABLE delta.landed.days AS
    SELECT DISTINCT hours.received_on
    FROM marts.known.records INNER JOIN delta.landed.hours USING (hour)
    WHERE records.name IN (FROM delta.landed.names);
    CREATE OR REPLACE TABLE delta.arrived.places AS
    SELECT topic, kafka_partition, kafka_offset
    FROM marts.known.records
    WHERE name IN (
        SELECT name FROM marts.known.records
        WHERE hour IN (SELECT hour FROM delta.landed.hours SEMI JOIN delta.landed.days USING (received_on))
    );
    CREATE OR REPLACE VIEW delta.arrived.events AS
    SELECT landed.*
    FROM {_LANDED} AS landed SEMI JOIN delta.arrived.places USING (topic, kafka_partition, kafka_offset);
"""
"""The days of London of what is told under the names of new records, and everything told under a name of these days."""

_NUMBERED = f"""
    CREATE OR REPLACE TABLE delta.changed.gone AS
    SELECT event_order FROM {STAGED} SEMI JOIN delta.landed.roots USING ({NAME});
    CREATE OR REPLACE TABLE delta.changed.numbered AS
    SELECT events.* REPLACE (ordered.event_order AS event_order)
    FROM delta.changed.stg_events AS events
    INNER JOIN delta.changed.ordered USING ({EVENT});
"""

_OF_NETS = f"""
    CREATE OR REPLACE TABLE delta.staging.stg_events AS
    FROM {STAGED} WHERE hash(record_key) IN (FROM delta.nets.touched);
"""


class NoRoomBetween(Exception):
    """Between two events that are neighbours no number is left for one that happened between them."""


class Delta:
    """The tables of what is new, in the session of a build."""

    def __init__(self, session: duckdb.DuckDBPyConnection) -> None:
        """
        Args:
            session: where `marts` holds the last build, and knows the cuts of that and of this one.
        """
        self._session = session
        self.changes: dict[str, Change | None] = {}
        """What was changed of the tables that were brought up to date, by name; None where they are as they were."""
        self._knows_periods = False
        session.execute(_CREATE)
        landed.find(session)
        session.execute(_ROOTS)

    def reach(self, turning: Iterable[tuple[str, str, str]]) -> None:
        """
        Find whom what is new is about.

        Args:
            turning: whose rows the clock changes, see `reach`.
        """
        reach(self._session, turning)

    def is_small(self) -> bool:
        """Whether what landed between the last cut and this one, and all that it reaches, is little beside the rest."""
        roots, reached, events = (
            self._session.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("delta.landed.roots", "delta.nets.places", STAGED)
        )
        return roots <= _LARGEST_SHARE * events and reached <= _LARGEST_REACH * events

    def leave(self, table: str) -> None:
        """What a table is made of is as it was, and so is the table."""
        self.changes[_name(table)] = None

    def has_left(self, table: str) -> bool:
        """Whether a table was looked at, and is as it was."""
        return _name(table) in self.changes and self.changes[_name(table)] is None

    def stage(self, statement: str) -> None:
        """
        Bring `stg_events` up to date.

        Args:
            statement: that by which it is made.

        Raises:
            NoRoomBetween: events must be numbered anew; nothing was changed.
        """
        run = self._session.execute
        run(_RECORDS)
        run(statement.replace(_LANDED, "delta.landed.events").replace(STAGED, "delta.changed.stg_events"))
        run(f"CREATE OR REPLACE TABLE delta.changed.ordered AS {ORDERED}")
        if run("SELECT 1 FROM delta.changed.ordered WHERE NOT has_room").fetchone():
            raise NoRoomBetween
        run(_NUMBERED)
        change = Change("event_order IN (FROM delta.changed.gone)", "delta.changed.numbered")
        self._change(STAGED, change)
        run(_OF_NETS)

    def grow(self, table: str, statement: str, subject: str, grown: list[str]) -> None:
        """
        Bring a table up to date each of whose rows is made of one net alone.

        Args:
            table: its quoted name.
            statement: that by which it is made.
            subject: the column with a name of the row's net.
            grown: the quoted names of the tables that grow, too; beside them it may read events, staged or landed.
        """
        for name in (*grown, STAGED):
            statement = statement.replace(name, _in_delta(name))
        self._session.execute(statement.replace(_LANDED, "delta.nets.events"))
        self._change(table, Change(f"hash({subject}) IN (FROM delta.nets.touched)", _in_delta(table)))

    def grow_by_day(self, table: str, statement: str) -> None:
        """
        Bring a table up to date that holds rows of days of arrival, `received_on`.

        Args:
            table: its quoted name.
            statement: that by which it is made, of `landing.events` alone: of the records of a day, and of those of
                their topics, sources and ids.
        """
        self._session.execute(_DAYS)
        self._session.execute(statement.replace(_LANDED, "delta.arrived.events").replace(table, _in_delta(table)))
        days = "received_on IN (FROM delta.landed.days)"
        self._change(table, Change(days, f"(FROM {_in_delta(table)} WHERE {days})"))

    def keep(self, table: str) -> None:
        """Remember a table as the last build made it, for `grow_by_period`; the table itself may then be rebuilt."""
        periods.keep(self._session, table)

    def grow_by_period(self, table: str, statement: str, grown: Iterable[str]) -> None:
        """
        Bring a table up to date that holds figures of periods, each compared with earlier ones.

        Args:
            table: its quoted name.
            statement: that by which it is made.
            grown: the quoted names of the tables that grow so.
        """
        if not self._knows_periods:
            periods.find(self._session)
            self._knows_periods = True
        for name in (*grown, _PERIODS):
            statement = statement.replace(name, _in_delta(name))
        self._session.execute(statement)
        changed = "(period_kind, period_start) IN (FROM delta.kept.changed)"
        self._change(table, Change(changed, f"(FROM {_in_delta(table)} WHERE {changed})"))

    def _change(self, table: str, change: Change) -> None:
        is_none = change.is_none(self._session, table)
        if not is_none:
            for statement in change.statements(table):
                self._session.execute(statement)
        self.changes[_name(table)] = None if is_none else change


def _name(table: str) -> str:
    return table.removeprefix('"marts".').replace('"', "")


def _in_delta(table: str) -> str:
    return table.replace('"marts"', '"delta"', 1)
