"""
Compare a census file with the facts that earlier returns of the same authority have sent to the lake.

Each event of a census shows which year's return sent it. If the event records a fact, this is the year in which the day
of the fact lies. If the event is an amendment (a correction or withdrawal), its id contains the year.

If a year's return was submitted several times, only the last submission counts. If returns of several years contain the
same fact, the return of the latest year counts. If a new submission leaves a fact out, the fact is taken from the
latest earlier year that has it. If no earlier year has it, the fact is withdrawn. In the end, the lake holds the same
facts as if only the last submission of each year had been imported.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from streams.importers.cin_file import Header
from streams.importers.cin_messages import Message, Root, Statement, corrected, recorded, source, withdrawn
from streams.importers.cin_xml import Child
from streams.lake.one_row import one_row
from streams.times import aware, naive

__all__ = ["Told"]

_BATCH = 10_000

_Row = tuple[str | None, str, str, str, str, datetime, str]
"""A row with the columns of `_SAID`."""

_SAID = pa.schema(
    [
        ("child", pa.string()),
        ("root_id", pa.string()),
        ("topic", pa.string()),
        ("key", pa.string()),
        ("type", pa.string()),
        ("moment", pa.timestamp("us")),
        ("data", pa.string()),
    ]
)

_TOLD = """
CREATE TEMP TABLE told AS
WITH ours AS (
    SELECT
        root_id, topic, record_key AS key, change, fact_at AS moment, payload, event_id[len(root_id) + 2:] AS said_as,
        CASE WHEN change = 'recorded' THEN year(fact_at) + (month(fact_at) >= 4)::INTEGER
            ELSE try_cast(split_part(said_as, '/', 1) AS INTEGER) END AS year
    FROM landing.main.events
    WHERE root_source = $source AND event_source = $source
)

SELECT
    * EXCLUDE (payload) REPLACE (if(change = 'withdrawn', NULL, moment) AS moment),
    change <> 'withdrawn' AND said_as NOT LIKE '%/before' AS is_own,
    CASE WHEN change = 'recorded' THEN payload ->> '$.type' ELSE payload ->> '$.data.replaced_type' END AS type,
    CASE WHEN change = 'recorded' THEN payload -> '$.data' ELSE payload -> '$.data.replacement' END::VARCHAR AS data
FROM ours
QUALIFY row_number() OVER (PARTITION BY root_id, year ORDER BY said_as DESC) = 1
"""
"""
SQL that finds, for each fact and year, the last event that the year's return sent about the fact. `is_own` is false if
the return left the fact out.
"""

_DIFFERENCE = """
CREATE TEMP TABLE difference AS
WITH before AS (FROM told WHERE year = $year),

earlier AS (
    FROM told WHERE year < $year AND is_own QUALIFY row_number() OVER (PARTITION BY root_id ORDER BY year DESC) = 1
),

-- If no later year contains the fact, this is the latest later year that has left the fact out.
later AS (
    FROM told WHERE year > $year
    QUALIFY row_number() OVER (PARTITION BY root_id ORDER BY year DESC) = 1
        AND NOT bool_or(is_own) OVER (PARTITION BY root_id)
),

named AS (
    SELECT
        said.*,
        CASE
            WHEN before.root_id IS NULL THEN 'new'
            WHEN before.is_own AND (before.type, before.moment, before.data) = (said.type, said.moment, said.data)
                THEN 'same'
            ELSE 'changed'
        END AS what
    FROM said LEFT JOIN before USING (root_id)
),

-- If the year's return leaves a fact out, an event is sent even if the content stays the same. The event says that the
-- content no longer comes from this year.
left_out AS (
    SELECT
        before.child, root_id, before.topic, before.key, earlier.type, earlier.moment, earlier.data,
        CASE
            WHEN NOT before.is_own AND (earlier.type, earlier.moment, earlier.data)
                IS NOT DISTINCT FROM (before.type, before.moment, before.data) THEN 'same'
            WHEN earlier.root_id IS NULL THEN 'withdrawn'
            ELSE 'restored'
        END AS what
    FROM (SELECT split_part(root_id, '/', 1) AS child, * FROM before) AS before
    ANTI JOIN said USING (root_id)
    LEFT JOIN earlier USING (root_id)
    WHERE before.child NOT IN (FROM unread) AND ($is_whole OR before.child IN (SELECT child FROM said))
),

of_the_year AS (FROM named UNION ALL FROM left_out),

-- If a later year has also left the fact out, the later year must now have the same content as this year.
of_later_years AS (
    SELECT
        one.* EXCLUDE (what), if(one.type IS NULL, 'withdrawn', 'restored') AS what, later.year
    FROM of_the_year AS one INNER JOIN later USING (root_id)
    WHERE (one.type, one.moment, one.data) IS DISTINCT FROM (later.type, later.moment, later.data)
)

SELECT *, $year AS year FROM of_the_year UNION ALL FROM of_later_years
"""
"""
SQL that compares the facts of the file with the facts that the lake has for the file's year. The column `what` contains
the result for each fact: new, same, changed, withdrawn, or restored (the fact of an earlier year applies again).
"""


class Told:
    """
    Compares a census file with the facts that its authority's earlier returns have sent to the lake.

    The connection `lake` needs the catalog `landing`, and may be read-only. First call `add` for every child, and then
    call `compare` once.
    """

    def __init__(self, lake: duckdb.DuckDBPyConnection) -> None:
        self._lake = lake
        self._last_header: Header | None = None
        self._rows: list[_Row] = []
        self._has_unknown = False
        lake.register("shape", _SAID.empty_table())
        lake.execute("CREATE TEMP TABLE said AS FROM shape; CREATE TEMP TABLE unread (child VARCHAR)")
        lake.unregister("shape")

    def add(self, child: Child) -> None:
        """
        Add a child of the file. If the child was rejected, its facts are not known. The lake's facts about it then stay
        as they are.
        """
        self._last_header = child.header
        if child.key is None:
            self._has_unknown = True
        elif not child.statements:
            self._lake.execute("INSERT INTO unread VALUES (?)", [child.key])
        self._rows += [_row(child.key, one) for one in child.statements]
        if len(self._rows) >= _BATCH:
            self._store()

    def compare(self) -> Counter[str]:
        """Compare the file with the lake, and count the facts by result: new, same, changed, withdrawn or restored."""
        self._store()
        year, is_part = self._header.year, self._header.is_part
        self._lake.execute(_TOLD, {"source": source(self._header)})
        # A child without an id could be any of the children whose ids are not in the file. So the file does not show
        # that a child was left out, and the facts of these children must not be withdrawn.
        self._lake.execute(_DIFFERENCE, {"year": year, "is_whole": not is_part and not self._has_unknown})
        return Counter(dict(self._lake.execute("SELECT what, count(*) FROM difference GROUP BY ALL").fetchall()))

    def children_left_out(self) -> tuple[int, int]:
        """Return how many children the file leaves out, and how many children the year's return contained before."""
        result = self._lake.execute(
            "SELECT count(DISTINCT child) FILTER (what IN ('withdrawn', 'restored') AND year = $year AND child NOT IN "
            "(SELECT child FROM said)), (SELECT count(DISTINCT split_part(root_id, '/', 1)) FROM told "
            "WHERE year = $year AND is_own) FROM difference",
            {"year": self._header.year},
        )
        left_out, before = one_row(result)
        return left_out, before

    def is_contradicted(self) -> bool:
        """
        Whether the file contradicts what was imported for its year. Such a file may be imported only as a resubmission.

        A file contradicts its year if facts about its children have changed or are missing. After a resubmission of the
        year, new facts contradict it as well, unless the file is marked as a part.
        """
        result = self._lake.execute(
            "SELECT count(*) FILTER (what = 'changed' OR (what IN ('withdrawn', 'restored') "
            "AND child IN (SELECT child FROM said))), count(*) FILTER (what = 'new') FROM difference "
            "WHERE year = $year",
            {"year": self._header.year},
        )
        contradicts, adds = one_row(result)
        is_resubmitted = self._header.year in self._submissions()
        return bool(contradicts) or (bool(adds) and is_resubmitted and not self._header.is_part)

    def events(self, *, is_resubmission: bool) -> Iterator[Message]:
        """
        Yield the events that make the lake agree with the file.

        If the file is not a resubmission, no fact of its own year is changed or withdrawn. Only new facts are added to
        this year.
        """
        submissions = self._submissions()
        names = "year, what, root_id, topic, key, type, moment, data"
        rows = self._lake.execute(f"SELECT {names} FROM difference WHERE what <> 'same' ORDER BY root_id, year")
        while batch := rows.fetchmany(_BATCH):
            for year, what, *told in batch:
                if is_resubmission or year != self._header.year:
                    header, submission = replace(self._header, year=year), f"r{submissions.get(year, 0) + 1:06}"
                    yield _amended(what, told, header, submission)
                elif what == "new":
                    yield recorded(_statement(told), self._header)

    @property
    def _header(self) -> Header:
        """The file's header, taken from the child that was added last."""
        assert self._last_header is not None
        return self._last_header

    def _submissions(self) -> dict[int, int]:
        """Return the number of the last resubmission, for each year that has been resubmitted."""
        return dict(
            self._lake.execute(
                "SELECT year, max(coalesce(try_cast(split_part(said_as, '/', 2)[2:] AS INTEGER), 0)) FROM told "
                "WHERE said_as LIKE '%/%' AND change <> 'recorded' GROUP BY ALL"
            ).fetchall()
        )

    def _store(self) -> None:
        columns = zip(*self._rows, strict=True) if self._rows else ([] for _ in _SAID)
        self._lake.register("rows", pa.table([pa.array(c, f.type) for c, f in zip(columns, _SAID, strict=True)], _SAID))
        self._lake.execute("INSERT INTO said FROM rows")
        self._lake.unregister("rows")
        self._rows.clear()


def _row(child: str | None, one: Statement) -> _Row:
    moment = naive(one.moment)
    return child, one.root_id, one.topic, one.key, one.type, moment, one.data.decode()


def _statement(told: Sequence[Any]) -> Statement:
    root_id, topic, key, type_, moment, data = told
    return Statement(root_id, topic, key, type_, aware(moment), data.encode())


def _amended(what: str, told: Sequence[Any], header: Header, submission: str) -> Message:
    if what == "withdrawn":
        return withdrawn(Root(*told[:3]), header, submission)
    return corrected(_statement(told), header, f"{submission}/before" if what == "restored" else submission)
