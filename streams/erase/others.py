"""
Find the ids of others that contain an erased id.

They are those that events, alerts and decisions name, and those that a rejected record gives as its key or in a field
for the id of a family or a person, as far as somebody can read it.
"""

import re
from collections.abc import Iterator

import duckdb

from streams.contracts.fields import IDENTIFIER_PATTERN
from streams.erase.payload import FAMILIES, PERSONS
from streams.erase.subject import Subject
from streams.erase.words import parts_of, texts_of
from streams.lake.rows import each_row

__all__ = ["ALL_IDS", "beside_others"]

ALL_IDS = """
    SELECT unnest(
        [record_key, family_id, release_family_id, person_id, linked_person_id]
        || coalesce(marker_families, []) || coalesce(person_ids, [])
    ) AS known
    FROM landing.main.events
    UNION SELECT family_id FROM landing.main.alerts
    UNION SELECT entity_id FROM landing.main.alerts WHERE entity_kind IN ('family', 'child', 'identifier')
    UNION SELECT family_id FROM landing.main.sharing_decisions
"""
"""All ids of families and persons that events, alerts and decisions name, each once."""
_LONGER = f"""
    SELECT known FROM ({ALL_IDS}) WHERE len(list_filter($ids, lambda one: contains(known, one) AND known <> one)) > 0
"""
_GIVEN = re.compile(rf'"(?:{"|".join(sorted(FAMILIES | PERSONS))})"\s*:\s*(\[[^\]]*|"[^"]*)')


def beside_others(lake: duckdb.DuckDBPyConnection, subject: Subject) -> Subject:
    """Return a subject with the ids of others that contain one of its ids, so that they are not taken for it."""
    if not subject.ids:
        return subject
    known = {one for (one,) in lake.execute(_LONGER, {"ids": subject.ids}).fetchall()}
    return subject.beside(known.union(*(_rejected(lake, table, subject) for table in ("quarantine", "dead_letters"))))


def _rejected(lake: duckdb.DuckDBPyConnection, table: str, subject: Subject) -> Iterator[str]:
    """Yield the ids that rejected records give, if they may contain an erased id."""
    rows = lake.execute(f"SELECT record_key, record_value, record_headers FROM landing.main.{table}")
    for key, value, headers in each_row(rows):
        if any(map(subject.is_in, parts_of(key, value, headers))):
            given = (
                one for text in texts_of(value) for found in _GIVEN.findall(text) for one in found.split('"')[1::2]
            )
            yield from (one for one in (*texts_of(key), *given) if re.fullmatch(IDENTIFIER_PATTERN, one))
