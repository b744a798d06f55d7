"""Prepared plans give the same results as the same SQL that is planned for the data at hand."""

import json
import random
from datetime import UTC, datetime, timedelta

import duckdb
import pyarrow as pa
import pytest

from streams import names
from streams.contracts import decode
from streams.contracts.codesets import Decision, LevelReason
from streams.contracts.columns import EVENT_COLUMNS, QUARANTINE_COLUMNS, events_table
from streams.rules.answers import AlertRow
from streams.rules.compiled import CompiledRules, compiled_rules
from streams.rules.engine import Engine
from tests.oracle.records import Record

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def compiled(settings) -> CompiledRules:
    return compiled_rules(settings)


@pytest.fixture(scope="module")
def engine(compiled):
    engine = Engine(compiled)
    yield engine
    engine.close()


def world(seed: int, size: int) -> pa.Table:
    """Events of a few families within a year, dense enough that every rule about families raises alerts."""
    chance = random.Random(seed)
    return events_table([_event(chance, seed, number) for number in range(size)], NOW)


def _event(chance: random.Random, seed: int, number: int):
    family, person = f"F-{chance.randrange(4)}", f"P-{chance.randrange(8)}"
    topic, fact, key, data = chance.choice(
        [
            (names.REFERRAL, "referral-submitted", family, {"referral_id": f"R-{number}", "severity": "red"}),
            (names.REFERRAL, "contact-recorded", family, {"contact_id": f"C-{number}", "agency_id": f"s-{number % 3}"}),
            (
                names.REFERRAL,
                "referral-decided",
                family,
                {"referral_id": f"R-{number - 1}", "decision": next(iter(Decision))},
            ),
            (names.CASE_CHANGE, "household-joined", family, {"person_id": person, "household_role": "child"}),
            (names.CASE_CHANGE, "household-left", family, {"person_id": person}),
            (
                names.CASE_CHANGE,
                "level-changed",
                family,
                {"level": 1 + number % 4, "level_reason": next(iter(LevelReason))},
            ),
            (names.CASE_CHANGE, "person-recorded", person, {"date_of_birth": "2017-01-01"}),
            (names.CASE_CHANGE, "address-changed", family, {"address_id": f"U-{number % 5}"}),
            (names.CASE_CHANGE, "risk-marker-set", person, {"marker_id": f"M-{number}", "marker_families": [family]}),
        ]
    )
    data |= {"family_id": family} if key == family else {"person_id": person}
    if fact in {"referral-submitted", "contact-recorded"}:
        data |= {"source_code": "6"}
    if fact == "risk-marker-set":
        data |= {"marker_kind": "domestic_abuse", "marker_role": "source_of_risk", "marker_basis": "alleged"}
    envelope = {"specversion": "1.0", "id": f"é{seed}-{number}", "source": "/test", "authority": "E08000015"}
    envelope |= {"type": f"uk.{topic.removesuffix('.v1')}.{fact}.v1", "data": data}
    envelope["time"] = (NOW - timedelta(hours=chance.randrange(8_000))).isoformat()
    received = int(NOW.timestamp() * 1000)
    value = json.dumps(envelope).encode()
    return decode(Record(topic, 0, number, received, key.encode(), value, ()))


def planned_anew(compiled: CompiledRules, events: pa.Table, rules: list[str]) -> list[AlertRow]:
    """Run the same SQL on tables made for this data, without prepared plans and with every optimizer on."""
    empty = pa.schema(list(QUARANTINE_COLUMNS.items())).empty_table()
    assert set(EVENT_COLUMNS) == set(events.column_names)
    with duckdb.connect() as lake:
        lake.execute("SET TimeZone = 'UTC'")
        lake.execute("ATTACH ':memory:' AS landing; ATTACH ':memory:' AS marts")
        lake.register("events", events)
        lake.register("empty", empty)
        lake.execute("CREATE TABLE landing.main.events AS FROM events")
        lake.execute("CREATE TABLE landing.main.quarantine AS FROM empty")
        lake.execute(
            "CREATE SCHEMA marts.run;"
            "CREATE TABLE marts.run.cut (topic VARCHAR, kafka_partition INTEGER, next_offset BIGINT)"
        )
        lake.execute("CREATE TABLE marts.run.as_of AS SELECT $1::TIMESTAMP AS as_of", [NOW.replace(tzinfo=None)])
        lake.execute(f"ATTACH '{compiled.seeds}' AS seeds (READ_ONLY)")
        tables = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'seeds'"
        for schema, table in lake.execute(tables).fetchall():
            lake.execute(f"CREATE SCHEMA IF NOT EXISTS marts.{schema}")
            lake.execute(f"CREATE TABLE marts.{schema}.{table} AS FROM seeds.{schema}.{table}")
        for model in compiled.models.values():
            lake.execute(f"CREATE SCHEMA IF NOT EXISTS {model.relation.rpartition('.')[0]}")
            lake.execute(f"CREATE TABLE {model.relation} AS {model.sql}")
        columns = ", ".join(AlertRow._fields)
        relations = [compiled.models[compiled.rules[rule].model].relation for rule in sorted(rules)]
        return [
            AlertRow(*row) for name in relations for row in lake.execute(f"SELECT {columns} FROM {name}").fetchall()
        ]


@pytest.mark.parametrize("size", [30, 3_000])
def test_plans_made_once_give_the_same_results(compiled, engine, size):
    """Small and large, first and later evaluations give the same results as SQL that is planned for each evaluation."""
    rules = [rule.name for rule in compiled.rules.values() if rule.scope == "family"]
    for seed in range(3):
        events = world(seed, size)
        found = engine.evaluate(events, None, rules, NOW).alerts

        assert sorted(found, key=str) == sorted(planned_anew(compiled, events, rules), key=str)
        assert found or size < 100


def test_evaluation_leaves_nothing_behind(compiled, engine):
    """An evaluation sees only its own events, not those of the evaluation before."""
    engine.evaluate(world(1, 300), None, compiled.rules, NOW)

    assert engine.evaluate(world(1, 0), None, compiled.rules, NOW).alerts == []


def test_fewer_rules_give_the_same_results_as_all_rules(compiled, engine):
    """A rule gives the same results whichever other rules run."""
    events = world(7, 400)
    together = engine.evaluate(events, None, compiled.rules, NOW).alerts
    alone = [alert for rule in sorted(compiled.rules) for alert in engine.evaluate(events, None, [rule], NOW).alerts]

    assert sorted(together, key=str) == sorted(alone, key=str)
