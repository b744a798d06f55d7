"""
What a query on the lake is about: the tables that it names, and the ids in its text.

The text itself is not recorded, because it may contain names. Of its words, only those are recorded that are ids of
families, persons or alerts in the lake. An id that the query puts together is not found, for example 'F-' || 1.
"""

import re
from contextlib import suppress
from typing import Literal

import duckdb

from streams.contracts.subjects import columns_naming
from streams.lake.connect import connect
from streams.settings import Settings

__all__ = ["ids_in", "tables_of"]

_RUN = re.compile(r"[A-Za-z0-9._:/-]+")
"""The characters of ids (`IDENTIFIER_PATTERN`)."""
_LONGEST = 64
_MOST_TABLES = 20
_KNOWN = "SELECT DISTINCT id FROM ({known}) AS known (id) WHERE id IN (SELECT unnest($given))"
_ALERTS = "SELECT alert_id FROM landing.main.alerts"


def tables_of(lake: duckdb.DuckDBPyConnection, query: str) -> str:
    """Return the names of the tables that a query reads. If DuckDB cannot tell them, say so."""
    found: set[str] = set()
    try:
        for statement in lake.extract_statements(query):
            found |= lake.get_table_names(statement.query, qualified=True)
    except duckdb.Error:
        # The query is wrong, or one of its statements needs what an earlier one makes.
        found.add("tables that are not known")
    named = sorted(found)
    more = f" and {len(named) - _MOST_TABLES} more" if len(named) > _MOST_TABLES else ""
    return ", ".join(named[:_MOST_TABLES]) + more or "no table"


def ids_in(settings: Settings, query: str) -> dict[str, list[str]]:
    """
    Return the ids of alerts, families and persons that stand in the text of a query.

    The ids are looked up in the landing catalog, whatever whoever asks may see.

    Raises:
        LakeUnavailable: the catalog's database does not answer.
    """
    given = sorted(_words(query))
    found: dict[str, list[str]] = {}
    if given:
        with connect(settings, marts=None) as lake:
            for name, known in _known().items():
                with suppress(duckdb.CatalogException):  # nothing has landed yet
                    rows = lake.execute(_KNOWN.format(known=known), {"given": given}).fetchall()
                    found[name] = sorted(row[0] for row in rows)
    return found


def _known() -> dict[str, str]:
    """Return, for each list of an audit entry, the query on all ids that the lake knows."""
    return {"alert_ids": _ALERTS, "family_ids": _of_events("family"), "person_ids": _of_events("person")}


def _of_events(kind: Literal["family", "person"]) -> str:
    one, several = columns_naming(kind)
    columns = [*one, *(f"unnest({name})" for name in several)]
    return " UNION ALL ".join(f"SELECT {column} FROM landing.main.events" for column in columns)


def _words(text: str) -> set[str]:
    """
    Return everything in a text that may be an id.

    An id has no letter or digit directly before or after it. In `F-1/F-2`, there are `F-1`, `F-2`, `F-1/F-2` and more.
    """
    found = set()
    for run in _RUN.findall(text):
        inner = range(1, len(run))
        edges = [0, *(at for at in inner if not (run[at - 1].isalnum() and run[at].isalnum())), len(run)]
        for number, start in enumerate(edges[:-1]):
            if run[start].isalnum():
                ends = edges[number + 1 : number + 1 + _LONGEST]
                found |= {run[start:end] for end in ends if end - start <= _LONGEST}
    return found
