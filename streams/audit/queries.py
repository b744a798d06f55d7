"""
What a query on the lake is about: the tables that it names, and the ids in its text.

The text itself is not recorded, because it may contain names. Of the texts in quotation marks, only those are recorded
that are ids of families, persons or alerts in the lake.
"""

import re
from contextlib import suppress

import duckdb

from streams.contracts.fields import IDENTIFIER_PATTERN
from streams.lake.connect import connect
from streams.settings import Settings

__all__ = ["ids_in", "tables_of"]

_TEXT = re.compile(r"'((?:[^']|'')*)'")
_ID = re.compile(IDENTIFIER_PATTERN)
_MOST_TABLES = 20
_KNOWN = {
    "alert_ids": "SELECT DISTINCT alert_id FROM landing.main.alerts WHERE list_contains($given, alert_id)",
    "family_ids": "SELECT DISTINCT family_id FROM landing.main.events WHERE list_contains($given, family_id)",
    "person_ids": "SELECT DISTINCT person_id FROM landing.main.events WHERE list_contains($given, person_id)",
}


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
    given = [text for text in _TEXT.findall(query) if len(text) <= 64 and _ID.match(text)]
    found: dict[str, list[str]] = {}
    if given:
        with connect(settings, marts=None) as lake:
            for name, statement in _KNOWN.items():
                with suppress(duckdb.CatalogException):  # nothing has landed yet
                    found[name] = sorted(row[0] for row in lake.execute(statement, {"given": given}).fetchall())
    return found
