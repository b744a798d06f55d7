"""
Bring the tables of the last build up to date. The same SQL runs, but only on new records and on what depends on them.

The working tables are in a catalog of their own, `delta`, in memory. A delta takes these steps:

1. Find the records that landed between the last build's snapshot and this one, and the events that they are about
   (`streams/marts/landed.py`).
2. Find the connected groups of families, persons and addresses to which these events belong. Add the groups for which a
   deadline or another time has passed since the last build (`streams/marts/connected_groups.py`).
3. Check that these events and groups are a small part of all events. If they are a large part, everything is rebuilt,
   because a full build is then as quick.
4. Run the statement of each model that can grow, in the order of the full build. A model can grow if a part of its
   rows can be replaced without the others. Then the model has a `grows_by`. The statement is unchanged, except that it
   reads and writes tables of `delta`. The model's `grows_by` decides which records the statement reads:
   - `root`: all records of the new or changed events. Only `stg_events` grows by `root`.
   - the column of a family, person or address: all events of the connected groups from step 2.
   - `received_on`: all records that arrived on the same days as records of the new or changed events.
   - `period_start`: the periods whose counts have changed, and the periods that they are compared with
     (`streams/marts/periods.py`).
5. In the table of the last build, replace the rows of these events, groups, days or periods. If the new rows are the
   same as the old ones, write nothing and treat the table as unchanged.

`streams/marts/statements.py` calls these steps and rebuilds the models that cannot grow.
"""

from collections.abc import Iterable

import duckdb

from streams.lake.one_row import one_row
from streams.marts import landed, periods
from streams.marts.changes import Change
from streams.marts.connected_groups import reach
from streams.marts.order import EVENT, NAME, ORDERED, STAGED

__all__ = ["Delta", "NoRoomBetween"]

_LANDED = '"landing"."main"."events"'
_PERIODS = '"marts"."analytics"."int_need_periods"'

_UNREAD = "NULL::VARCHAR AS payload"
"""An SQL expression that leaves out the text of a record. No model uses this text, and it is a third of the data."""

_LARGEST_SHARE = 0.05
"""If new and changed events are more than this share of all events, a full build is as quick."""
_LARGEST_REACH = 0.4
"""If the records in the connected groups are more than this share of all events, a full build is as quick."""

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
"""
SQL that finds the days (in London time) on which the new records arrived, or on which other records of the same events
arrived.

If a record of an event arrived on one of these days, `delta.arrived.events` contains all records of this event.
"""

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
    """The numbers of two neighbouring events are so close that an event between them cannot get a number."""


class Delta:
    """The new records of a build, the connected groups to which they belong, and the resulting changes to tables."""

    def __init__(self, session: duckdb.DuckDBPyConnection) -> None:
        """
        Find the new records.

        Args:
            session: a session in which `marts` holds the last build, its snapshot and the snapshot of this build.
        """
        self._session = session
        self.changes: dict[str, Change | None] = {}
        """The changed rows of each updated table, by table name. If the value is None, the table has not changed."""
        self._knows_periods = False
        session.execute(_CREATE)
        landed.find(session)
        session.execute(_ROOTS)

    def reach(self, turning: Iterable[tuple[str, str, str]]) -> None:
        """
        Find the connected groups to which the new records belong.

        Args:
            turning: tables whose rows change when a certain time passes, as for `connected_groups.reach`.
        """
        reach(self._session, turning)

    def is_small(self) -> bool:
        """
        True if this delta affects only a small part of all events.

        Both the new and changed events, and the events in their connected groups, must be a small part.
        """
        roots, reached, events = (
            one_row(self._session.execute(f"SELECT count(*) FROM {table}"))[0]
            for table in ("delta.landed.roots", "delta.nets.places", STAGED)
        )
        return bool(roots <= _LARGEST_SHARE * events and reached <= _LARGEST_REACH * events)

    def leave(self, table: str) -> None:
        """Record that a table has not changed, because the tables that it is made from have not changed."""
        self.changes[_name(table)] = None

    def has_left(self, table: str) -> bool:
        """True if a table was brought up to date and turned out not to have changed."""
        return _name(table) in self.changes and self.changes[_name(table)] is None

    def stage(self, statement: str) -> None:
        """
        Bring `stg_events` up to date.

        Args:
            statement: the statement that makes the table.

        Raises:
            NoRoomBetween: an event does not fit between its neighbours, so all events need new numbers. Nothing was
                changed.
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
        Bring up to date a table whose rows each depend on only one connected group.

        Args:
            table: the table's quoted name.
            statement: the statement that makes the table.
            subject: the column with the family, person or address of the row.
            grown: the quoted names of all tables that grow by connected group. Apart from these tables, the statement
                may read only `stg_events` and landed events.
        """
        for name in (*grown, STAGED):
            statement = statement.replace(name, _in_delta(name))
        self._session.execute(statement.replace(_LANDED, "delta.nets.events"))
        self._change(table, Change(f"hash({subject}) IN (FROM delta.nets.touched)", _in_delta(table)))

    def grow_by_day(self, table: str, statement: str) -> None:
        """
        Bring up to date a table whose rows are about days of arrival (`received_on`).

        Args:
            table: the table's quoted name.
            statement: the statement that makes the table. The statement reads `landing.events` only. The rows of a day
                depend only on the records of that day, and on other records with the same topic, source and id.
        """
        self._session.execute(_DAYS)
        self._session.execute(statement.replace(_LANDED, "delta.arrived.events").replace(table, _in_delta(table)))
        days = "received_on IN (FROM delta.landed.days)"
        self._change(table, Change(days, f"(FROM {_in_delta(table)} WHERE {days})"))

    def keep(self, table: str) -> None:
        """Keep a copy of a table from the last build for `grow_by_period`. The table itself may then be rebuilt."""
        periods.keep(self._session, table)

    def grow_by_period(self, table: str, statement: str, grown: Iterable[str]) -> None:
        """
        Bring up to date a table with the figures of periods. Each figure is compared with figures of earlier periods.

        Args:
            table: the table's quoted name.
            statement: the statement that makes the table.
            grown: the quoted names of all tables that grow by period.
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
