"""The engine on PostgreSQL: the schema that it needs, what the database keeps, and where input rows may come from."""

import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import psycopg2
import pyarrow as pa
import pytest

from streams.contracts.columns import events_table, quarantine_table
from streams.lake.session import Session
from streams.rules.compiled import compiled_rules
from streams.rules.engine import Engine
from streams.rules.postgres.derive import derived
from streams.rules.postgres.engine import Given, PostgresEngine
from streams.rules.postgres.reference import Reference
from streams.rules.postgres.rows import as_rows
from streams.rules.postgres.schema import install
from streams.rules.postgres.statement import rows_given
from tests.oracle.records import decoded
from tests.oracle.strategies import case, dense
from tests.parity.engines import difference_of_engines

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DATABASE = "rules_of_tests"


@pytest.fixture(scope="module")
def compiled(settings):
    return compiled_rules(settings)


@pytest.fixture(scope="module")
def duckdb(compiled):
    engine = Engine(compiled)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def connect(postgres):
    def connected():
        return Session(postgres.dsn(DATABASE), "a test")

    yield connected
    postgres.drop(DATABASE)


@pytest.fixture
def engine(compiled, connect):
    engine = PostgresEngine(compiled, connect())
    yield engine
    engine.close()


def world(seed: int):
    """The events of a random world, its unreadable records, and its evaluation time."""
    made = dense(seed)
    accepted, rejected = decoded(made.records)
    return events_table(accepted, NOW), quarantine_table(rejected, NOW), made.as_of


def in_partition(number: int, events: pa.Table) -> pa.Table:
    """Put the events into a separate partition, so that events of different worlds never share a position."""
    partitions = pa.array([number] * events.num_rows, events.schema.field("kafka_partition").type)
    return events.set_column(events.schema.get_field_index("kafka_partition"), "kafka_partition", partitions)


def test_seeds_and_static_models_equal_those_of_duckdb(compiled, engine, connect):
    """Rows are compared one by one, in the types that the comparison uses."""
    reference, rules = Reference(compiled), derived(compiled)
    with closing(connect()) as session, closing(reference):
        for name, relation in rules.tables.items():
            kept = session.run(f'SELECT * FROM {rules.schema}."{name}"')

            assert sorted(kept, key=repr) == sorted(reference.rows(relation), key=repr), name


def test_schema_is_made_once_by_many_who_start_together(compiled, connect, postgres):
    """Three sessions start together. One session creates the schema, and the other two find the schema complete."""
    rules = replace_schema(derived(compiled), "rules_made_once")
    made = []

    def start() -> None:
        with closing(connect()) as session:
            made.append(install(session, compiled, rules))

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(made) == [False, False, True]


def test_interrupted_schema_does_not_exist(compiled, connect):
    """
    After a failure half-way, no part of the schema is left that the next session could take for a complete schema.
    """
    rules = replace_schema(derived(compiled), "rules_interrupted")
    broken = replace_field(rules, setup=[*rules.setup, "SELECT 1 / 0"])
    with closing(connect()) as session:
        with pytest.raises(psycopg2.errors.DivisionByZero):
            install(session, compiled, broken)

        assert install(session, compiled, rules)


def test_two_versions_of_the_rules_exist_side_by_side(compiled, engine, connect, tmp_path):
    """Rules with another checksum get another schema. Dropping one schema does not affect the other."""
    (tmp_path / "marts.duckdb").symlink_to(compiled.seeds)
    other = replace(compiled, checksum="another", seeds=tmp_path / "marts.duckdb")
    events, unread, as_of = world(3)
    found = engine.evaluate(events, unread, compiled.rules, as_of)
    with closing(connect()) as session, closing(connect()) as another:
        newer = PostgresEngine(other, another)
        assert derived(other).schema != derived(compiled).schema
        assert difference_of_engines(found, newer.evaluate(events, unread, compiled.rules, as_of)) == []
        session.command(f"DROP SCHEMA {derived(other).schema} CASCADE")
    assert difference_of_engines(found, engine.evaluate(events, unread, compiled.rules, as_of)) == []


@pytest.mark.parametrize("has_many", [False, True])
def test_rows_of_a_table_give_the_same_alerts_as_given_rows(compiled, connect, has_many):
    """
    The engine can read events from a table with only the columns that rules read.

    The table has no payload, but rows of families that are not asked for. Its text columns sort in another order than
    the rules do.
    """
    rules, (events, _, as_of) = derived(compiled), world(5)
    columns = ", ".join(f'"{name}" {type_}' for name, type_ in rules.inputs["events"].items())
    in_another_order = columns.replace('COLLATE "C"', 'COLLATE "pg_c_utf8"')
    with closing(connect()) as session:
        engine = PostgresEngine(compiled, session)
        session.command(f"CREATE TEMP TABLE kept ({in_another_order})")
        given = as_rows(events, rules.inputs["events"])
        session.run(f"INSERT INTO pg_temp.kept {rows_given(rules, 'events', '$1')}", given)
        kept = Given((("events", "SELECT * FROM pg_temp.kept WHERE topic <> $1"),), ("none",), has_many)
        with engine.evaluating_given(kept, compiled.rules, as_of) as found:
            assert difference_of_engines(engine.evaluate(events, None, compiled.rules, as_of), found) == []

    assert found.alerts
    assert "payload" not in rules.inputs["events"]


def test_small_and_large_evaluations_and_few_rules_agree(compiled, duckdb, engine):
    """Plans that were made for few events are also used for many events. Plans made for many events exist as well."""
    worlds = [in_partition(seed, events_table(decoded(case(seed).records)[0], NOW)) for seed in range(8)]
    for table in (worlds[0], pa.concat_tables(worlds), worlds[1], events_table([], NOW)):
        for rules in (sorted(compiled.rules), ["re_referral"], []):
            one, other = (each.evaluate(table, None, rules, NOW) for each in (duckdb, engine))

            assert difference_of_engines(one, other) == []


def test_evaluation_writes_nothing(compiled, duckdb, connect):
    """An evaluation leaves no event data in the database. PostgreSQL itself refuses every write in this session."""
    events, unread, as_of = world(9)
    with closing(connect()) as session:
        engine = PostgresEngine(compiled, session)
        session.command("SET default_transaction_read_only = on")
        with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
            session.command("CREATE TABLE kept AS SELECT 1")

        one = duckdb.evaluate(events, unread, compiled.rules, as_of)
        assert difference_of_engines(one, engine.evaluate(events, unread, compiled.rules, as_of)) == []


def test_character_that_postgres_cannot_hold_stops_nothing(compiled, duckdb, engine):
    """No id contains a zero byte. In other fields, a zero byte does not change the results of rules."""
    events, unread, as_of = world(11)
    place = events.schema.get_field_index("consent_reason")
    marked = events.set_column(place, "consent_reason", [["a\0b"] * events.num_rows])
    one = duckdb.evaluate(events, unread, compiled.rules, as_of)

    assert difference_of_engines(one, engine.evaluate(marked, unread, compiled.rules, as_of)) == []


def replace_field(rules, **changes):
    return type(rules)(**({name: getattr(rules, name) for name in rules.__struct_fields__} | changes))


def replace_schema(rules, schema: str):
    """The same rules in a schema of another name."""
    return replace_field(
        rules,
        schema=schema,
        setup=[text.replace(rules.schema, schema) for text in rules.setup],
        columns={
            table: {name: type_.replace(rules.schema, schema) for name, type_ in of.items()}
            for table, of in rules.columns.items()
        },
    )
