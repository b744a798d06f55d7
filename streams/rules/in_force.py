"""Find out which of some landed records are in force, and which ids are one person, with the models of the rules."""

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from streams.rules.compiled import CompiledRules
from streams.rules.run_tables import RUN_TABLES
from streams.rules.seeds import attach_seeds

__all__ = ["InForce", "in_force"]

_EVENTS, _IDENTITIES = "stg_events", "int_identities"


@dataclass(frozen=True)
class InForce:
    """
    What holds among some records.

    Attributes:
        records: topic, partition and offset of each record that is in force, with the id that alerts give the event.
        persons: for each linked identifier, the identifier that stands for the person. Over-shared links are left out.
    """

    records: dict[tuple[str, int, int], str]
    persons: dict[str, str]


def in_force(compiled: CompiledRules, events: pa.Table) -> InForce:
    """
    Apply corrections, withdrawals and links.

    Args:
        events: rows of `landing.events`. For each event, they must include every record with the same name.
    """
    with duckdb.connect() as session:
        session.execute("SET TimeZone = 'UTC'")
        session.execute("ATTACH ':memory:' AS landing; ATTACH ':memory:' AS marts")
        session.execute(RUN_TABLES)
        attach_seeds(session, compiled)
        session.register("arrived", events)
        session.execute("CREATE TABLE landing.main.events AS FROM arrived")
        for model in compiled.models.values():
            if model.is_static or model.name in compiled.above([_IDENTITIES]):
                session.execute(f"CREATE SCHEMA IF NOT EXISTS {model.relation.rpartition('.')[0]}")
                session.execute(f"CREATE VIEW {model.relation} AS {model.sql}")
        events_in_force, identities = (compiled.models[name].relation for name in (_EVENTS, _IDENTITIES))
        records = session.execute(f"SELECT topic, kafka_partition, kafka_offset, root_id FROM {events_in_force}")
        found = {(topic, partition, offset): root for topic, partition, offset, root in records.fetchall()}
        persons = session.execute(f"SELECT identifier, person_id FROM {identities}").fetchall()
    return InForce(found, dict(persons))
