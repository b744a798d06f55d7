"""Read the landed history in groups of events. Each group contains all events about its families."""

from collections.abc import Iterator
from itertools import pairwise

import duckdb
import pyarrow as pa

from streams.contracts.columns import EVENT_COLUMNS
from streams.rules.linked_ids import Groups

__all__ = ["families_together"]

_GROUP_EVENTS = 10_000
_ROWS = 20_000

_NAMED = """
    SELECT DISTINCT record_key, named
    FROM (
        SELECT record_key, unnest(list_concat(
            [family_id, release_family_id, person_id, linked_person_id, 'address ' || address_id],
            marker_families, person_ids
        )) AS named
        FROM landing.main.events
    )
    WHERE named IS NOT NULL AND named <> record_key
"""
# Leave out the payload. It makes up most of an event's size, and no rule may read it.
_HISTORY = """
    SELECT events.* REPLACE (CAST(NULL AS VARCHAR) AS payload), groups.number AS group_number
    FROM landing.main.events AS events
    INNER JOIN groups USING (record_key)
    ORDER BY group_number
"""


def families_together(lake: duckdb.DuckDBPyConnection) -> Iterator[pa.Table]:
    """Yield the history in groups of events. Each group contains all events about its families."""
    lake.register("groups", _groups(lake))
    schema = pa.schema(list(EVENT_COLUMNS.items()))
    kept: list[pa.Table] = []
    current = None
    for batch in lake.execute(_HISTORY).to_arrow_reader(_ROWS):
        rows = pa.Table.from_batches([batch])
        numbers = rows.column("group_number").to_numpy()
        rows = rows.select(schema.names).cast(schema)
        starts = [0, *(i for i in range(1, len(numbers)) if numbers[i] != numbers[i - 1]), len(numbers)]
        for start, end in pairwise(starts):
            if kept and numbers[start] != current:
                yield pa.concat_tables(kept)
                kept = []
            current = numbers[start]
            kept.append(rows.slice(start, end - start))
    if kept:
        yield pa.concat_tables(kept)


def _groups(lake: duckdb.DuckDBPyConnection) -> pa.Table:
    """
    Assign a group to every Kafka key.

    Families that share a person, a link or an address are in the same group, because facts about one family can decide
    whether an alert is raised about another family.
    """
    related = Groups()
    for batch in lake.execute(_NAMED).to_arrow_reader(_ROWS):
        for key, named in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            related.link(key, named)
    sizes = dict(lake.execute("SELECT record_key, count(*) FROM landing.main.events GROUP BY record_key").fetchall())
    numbers: dict[str, int] = {}
    number = size = 0
    for key in sizes:
        if key in numbers:
            continue
        together = [one for one in related.with_linked([key]) if one in sizes]
        numbers |= dict.fromkeys(together, number)
        size += sum(sizes[one] for one in together)
        if size >= _GROUP_EVENTS:
            number, size = number + 1, 0
    return pa.table({"record_key": list(numbers), "number": pa.array(numbers.values(), pa.int32())})
