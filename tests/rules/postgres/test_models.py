"""
Every model that the stream evaluates has the same rows in both databases.

The comparison includes models that are no alert models.
"""

import json
from contextlib import closing
from datetime import UTC, datetime

import duckdb
import pytest

from streams.contracts.columns import events_table, quarantine_table
from streams.lake.session import Session
from streams.rules.compiled import compiled_rules
from streams.rules.inputs import columns_named
from streams.rules.postgres.derive import derived
from streams.rules.postgres.rows import as_rows
from streams.rules.postgres.schema import install
from streams.rules.postgres.statement import rows_given, statement
from streams.rules.run_tables import RUN_TABLES
from streams.rules.seeds import attach_seeds
from tests.oracle.records import decoded
from tests.oracle.strategies import case, dense, reused
from tests.rules.postgres.test_constructs import plain

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
WORLDS = [made(seed) for seed in range(4) for made in (case, dense, reused)]


def unordered(value: object) -> object:
    """Sort lists of plain values, because DuckDB does not define the order of distinct values."""
    if isinstance(value, list):
        return sorted(map(unordered, value), key=str)
    return value


def in_order(found: list) -> list[str]:
    return sorted(json.dumps([unordered(value) for value in row], sort_keys=True) for row in found)


def of_duckdb(compiled, tables: dict, as_of: datetime) -> dict[str, list[str]]:
    """The rows of every model in DuckDB. Each model is created as a table."""
    with duckdb.connect() as lake:
        lake.execute("SET TimeZone = 'UTC'; ATTACH ':memory:' AS landing; ATTACH ':memory:' AS marts")
        lake.execute(RUN_TABLES)
        for name, columns in columns_named(compiled).items():
            lake.register("given", tables[name].select(list(columns)))
            lake.execute(f"CREATE TABLE landing.main.{name} AS FROM given")
        lake.execute("INSERT INTO marts.run.as_of VALUES ($1)", [as_of.replace(tzinfo=None)])
        attach_seeds(lake, compiled)
        found = {}
        for model in compiled.models.values():
            lake.execute(f"CREATE SCHEMA IF NOT EXISTS {model.relation.rpartition('.')[0]}")
            lake.execute(f"CREATE TABLE {model.relation} AS {model.sql}")
            rows = lake.execute(f"FROM {model.relation}").fetchall()
            found[model.name] = in_order([list(map(plain, row)) for row in rows])
        return found


@pytest.fixture(scope="module")
def session(settings, postgres):
    compiled = compiled_rules(settings)
    with closing(Session(postgres.dsn("models"), "a test")) as session:
        install(session, compiled, derived(compiled))
        yield session
    postgres.drop("models")


def test_every_model_has_the_same_rows(settings, session):
    """Every column is compared, except a few columns that models name only to exclude them."""
    compiled = compiled_rules(settings)
    rules = derived(compiled)
    sources = {table: rows_given(rules, table, f"${number}") for number, table in enumerate(rules.inputs, 1)}
    columns = {name: tuple(of) for name, of in rules.columns.items()}
    texts = {
        name: statement(
            compiled,
            rules,
            compiled.above([name]),
            answers={name: columns[name]},
            sources=sources,
            as_of="$3::timestamp",
        )
        for name in rules.models
    }
    seen: dict[str, int] = dict.fromkeys(rules.models, 0)
    for world in WORLDS:
        accepted, rejected = decoded(world.records)
        tables = {"events": events_table(accepted, NOW), "quarantine": quarantine_table(rejected, NOW)}
        expected, as_of = of_duckdb(compiled, tables, world.as_of), world.as_of.replace(tzinfo=None)
        given = [as_rows(tables[table], rules.inputs[table]) for table in rules.inputs]
        for name in rules.models:
            answers = session.run(texts[name], *given, as_of)

            assert in_order([json.loads(answer) for _, answer in answers]) == expected[name], name
            seen[name] += len(expected[name])

    assert sum(1 for rows in seen.values() if rows) > 40
