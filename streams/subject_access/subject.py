"""Find out who an id stands for, and which landed events belong to that person or family."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from streams.contracts.subjects import columns_naming
from streams.errors import SubjectUnclear, SubjectUnknown
from streams.rules.compiled import CompiledRules
from streams.rules.in_force import InForce, in_force
from streams.rules.linked_ids import Groups
from streams.subject_access.policy import Kind

__all__ = ["Subject", "add_events", "find_subject"]

_SURE = ("same_number", "confirmed_by_worker")
"""Bases of links that are sure enough to show a person the records of another identifier."""

_LINKS = """
    SELECT person_id, linked_person_id, link_basis, topic, kafka_partition, kafka_offset
    FROM landing.main.events WHERE fact = 'persons-linked'
"""
_TABLES = """
    CREATE OR REPLACE TABLE hits (topic VARCHAR, record_key VARCHAR, root_source VARCHAR, root_id VARCHAR);
    CREATE OR REPLACE TABLE held AS FROM landing.main.events LIMIT 0;
"""
_HITS = """
    INSERT INTO hits
    SELECT DISTINCT topic, record_key, root_source, root_id FROM landing.main.events WHERE {condition}
"""
_HELD = """
    INSERT INTO held
    SELECT * FROM landing.main.events
    SEMI JOIN hits USING (topic, record_key, root_source, root_id)
    ANTI JOIN held USING (topic, kafka_partition, kafka_offset)
    WHERE record_key IN ({keys})
"""


@dataclass(frozen=True)
class Subject:
    """
    The person or family that somebody asks about.

    Attributes:
        ids: every id of the person, or the id of the family.
        sure_ids: those of the ids that are surely the same person, and whose records the person may see.
        related: for a person, the families that records name together with the person; for a family, the persons.
    """

    kind: Kind
    asked: str
    ids: tuple[str, ...]
    sure_ids: frozenset[str]
    related: tuple[str, ...]


def find_subject(
    lake: duckdb.DuckDBPyConnection, compiled: CompiledRules, asked: str, kind: Kind | None
) -> tuple[Subject, InForce]:
    """
    Find out who an id stands for, and collect every landed event about that person or family in the table `held`.

    Corrected, withdrawn and repeated records are collected too. An old id leads to the same person as a new one if a
    link between them is in force.

    Args:
        asked: the id.
        kind: what the id stands for, if it is used for a person and for a family.

    Raises:
        SubjectUnknown: nothing is held under the id.
        SubjectUnclear: the id is used for a person and for a family, and `kind` is None.
    """
    lake.execute(_TABLES)
    links = lake.execute(_LINKS).fetchall()
    groups = Groups()
    for one, other, *_ in links:
        groups.link(one, other)
    add_events(lake, *_naming(groups.with_linked([asked])))
    kind = _kind(lake, asked, kind)
    found = in_force(compiled, lake.execute("FROM held").to_arrow_table())
    ids, sure = {asked}, {asked}
    if kind == "person":
        same = found.persons.get(asked, asked)
        ids |= {one for one, person in found.persons.items() if person == same}
        sure_groups = Groups()
        for one, other, basis, *place in links:
            if basis in _SURE and tuple(place) in found.records:
                sure_groups.link(one, other)
        sure = sure_groups.with_linked([asked]) & ids
    _keep_only(lake, kind, ids)
    return Subject(kind, asked, tuple(sorted(ids)), frozenset(sure), _related(lake, kind)), found


def add_events(lake: duckdb.DuckDBPyConnection, condition: str, values: Mapping[str, object]) -> None:
    """Add to `held` every record of each event of which at least one record meets the condition."""
    lake.execute("DELETE FROM hits")
    lake.execute(_HITS.format(condition=condition), dict(values))
    keys = [key for (key,) in lake.execute("SELECT DISTINCT record_key FROM hits").fetchall()]
    if keys:
        lake.execute(_HELD.format(keys=", ".join("?" * len(keys))), keys)


def _naming(ids: Iterable[str], kind: Kind | None = None) -> tuple[str, dict[str, object]]:
    """Return the condition that an event names one of the ids, and its values."""
    kinds: tuple[Kind, ...] = (kind,) if kind else ("person", "family")
    one = [name for each in kinds for name in columns_naming(each)[0]]
    several = [name for each in kinds for name in columns_naming(each)[1]]
    terms = [f"list_contains($ids, {name})" for name in ("record_key", *one)]
    terms += [f"list_has_any({name}, $ids)" for name in several]
    return f"({' OR '.join(terms)})", {"ids": sorted(ids)}


def _kind(lake: duckdb.DuckDBPyConnection, asked: str, wanted: Kind | None) -> Kind:
    """Find out from the events whether an id is a person's or a family's."""
    kinds: list[Kind] = []
    for kind in ("person", "family"):
        one, several = columns_naming(kind)
        terms = [f"{name} = $asked" for name in one] + [f"list_contains({name}, $asked)" for name in several]
        if lake.execute(f"SELECT 1 FROM held WHERE {' OR '.join(terms)} LIMIT 1", {"asked": asked}).fetchone():
            kinds.append(kind)
    if wanted is not None and (wanted in kinds or not kinds):
        return wanted
    if wanted is None and len(kinds) > 1:
        raise SubjectUnclear("this id is used for a person and for a family; add --as person or --as family")
    if wanted is not None:
        raise SubjectUnknown(f"nothing is held about a {wanted} with this id")
    if kinds:
        return kinds[0]
    return "person"


def _keep_only(lake: duckdb.DuckDBPyConnection, kind: Kind, ids: set[str]) -> None:
    """Remove from `held` what only names ids that turned out to belong to somebody else."""
    condition, values = _naming(ids, kind)
    lake.execute(
        f"""
        DELETE FROM held WHERE (topic, record_key, root_source, root_id) NOT IN (
            SELECT (topic, record_key, root_source, root_id) FROM held WHERE {condition}
        )
        """,
        values,
    )


def _related(lake: duckdb.DuckDBPyConnection, kind: Kind) -> tuple[str, ...]:
    one, several = columns_naming("family" if kind == "person" else "person")
    every = [f"[{name}]" for name in one] + [f"coalesce({name}, [])" for name in several]
    query = f"SELECT DISTINCT unnest(list_distinct({' || '.join(every)})) FROM held"
    return tuple(sorted(related for (related,) in lake.execute(query).fetchall() if related))
