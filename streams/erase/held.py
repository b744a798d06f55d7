"""Refuse an erasure that would take away or change a record that names somebody under a legal hold."""

from collections.abc import Iterator

import duckdb

from streams.erase.find import Found
from streams.erase.landing import register_places
from streams.erase.records import Records
from streams.erase.words import parts_of, words
from streams.lake.rows import each_row

__all__ = ["refuse_held"]

_REJECTED = "record_key, record_value, record_headers"
_SAID = {
    "events": "payload, NULL, NULL",
    "alerts": "concat_ws(' ', family_id, entity_id, reason), NULL, NULL",
    "sharing_decisions": "family_id, NULL, NULL",
    "quarantine": _REJECTED,
    "dead_letters": _REJECTED,
}
"""What the rows of a landing table say, in three columns. Letters name no family and no person."""


def refuse_held(lake: duckdb.DuckDBPyConnection, records: Records, found: Found) -> None:
    """
    Check that no legal hold is on anybody whom a record names that an erasure takes away or changes.

    Raises:
        ErasureInvalid: there is one.
    """
    if records.holds():
        records.refuse_held({*found.named, *_words(lake, found)})


def _words(lake: duckdb.DuckDBPyConnection, found: Found) -> Iterator[str]:
    """Yield everything in the records that can be an id. Only keyed hashes of the held ids are known."""
    known = {*found.named, *found.subject.ids, *found.subject.others}
    for table, columns in _SAID.items():
        places = [*found.erased.get(table, ()), *(found.changed if table == "events" else ())]
        if places:
            register_places(lake, places)
            rows = lake.execute(
                f"SELECT {columns} FROM landing.main.{table} "
                "SEMI JOIN places USING (topic, kafka_partition, kafka_offset)"
            )
            for row in each_row(rows):
                for part in parts_of(*row):
                    yield from words(part, known)
