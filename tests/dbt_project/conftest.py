"""
The alert rules as the stream evaluates them: the SQL that dbt compiled, unchanged, in an in-memory DuckDB.

A `World` passes events through the contract into `landing.events`, and returns the alerts of a rule.
"""

import csv
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from graphlib import TopologicalSorter
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from streams.contracts.columns import events_table, quarantine_table
from streams.contracts.decode import decode
from streams.contracts.event import event_types, fact_name
from streams.contracts.record import Accepted
from streams.rules.compiled import project_manifest
from streams.rules.dbt_compile import STREAM_SCOPES
from streams.settings import PROJECT, Settings

LANDING_DDL = PROJECT / "streams" / "lake" / "landing.sql"
SCHEMAS = ("staging", "intermediate", "alerts", "reference", "run")
SEEDS = ("rules", "practice_profiles", "working_calendar", "school_terms", "geography", "gateways", "lsoa_2021")
READ_IN_STREAM = ("_deadlines", "_desk", "_decided_referrals")
"""Name endings of the models that the stream reads in addition to the alert models."""
RUN_DDL = """
    create table marts.run.cut (topic varchar, kafka_partition integer, next_offset bigint);
    create table marts.run.as_of (as_of timestamp);
"""


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory, lend_rules: Callable[[Path], Path]) -> dict:
    """The project as dbt compiles it for the stream, without a lake. All processes of the run share it."""
    home = lend_rules(tmp_path_factory.mktemp("dbt") / "home")
    return project_manifest(Settings(home=home))


@pytest.fixture(scope="session")
def models(manifest: dict) -> list[dict]:
    """The models that the stream reads, and all models that these depend on, in order of dependency."""
    nodes = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    with (PROJECT / "dbt_project" / "seeds" / "rules.csv").open(newline="") as register:
        rules = {f"alert_{line['rule']}" for line in csv.DictReader(register) if line["scope"] in STREAM_SCOPES}
    wanted = [key for key, node in nodes.items() if node["name"] in rules or node["name"].endswith(READ_IN_STREAM)]
    graph: dict[str, list[str]] = {}
    while wanted:
        key = wanted.pop()
        graph[key] = [parent for parent in nodes[key]["depends_on"]["nodes"] if parent in nodes]
        wanted += [parent for parent in graph[key] if parent not in graph]
    return [nodes[key] for key in TopologicalSorter(graph).static_order()]


@pytest.fixture(scope="session")
def stream(manifest: dict, models: list[dict]) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory DuckDB with the lake's schemas: landing and marts are empty, and the seeds are loaded."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'; set threads = 1")
        # With this optimizer, a prepared statement remembers statistics of the tables from when the statement was
        # prepared. A filter that no row passed at that time would never pass a row.
        connection.execute("set disabled_optimizers = 'statistics_propagation'")
        connection.execute("attach ':memory:' as landing; attach ':memory:' as marts")
        connection.execute(LANDING_DDL.read_text())
        for schema in SCHEMAS:
            connection.execute(f"create schema marts.{schema}")
        connection.execute(RUN_DDL)
        for node in manifest["nodes"].values():
            if node["resource_type"] == "seed" and node["name"] in SEEDS:
                _load_seed(connection, node)
        for model in models:
            connection.execute(f"create table {model['relation_name']} as {model['compiled_code']}")
            if not _is_static(model):
                fill = f"insert into {model['relation_name']} {model['compiled_code']}"
                connection.execute(f"prepare fill_{model['name']} as {fill}")
        yield connection


def _is_static(model: dict) -> bool:
    """Whether a model depends only on seeds and the calendar, so that no event changes the model."""
    return all(
        parent.startswith("seed.") or parent.endswith(".int_working_days") for parent in model["depends_on"]["nodes"]
    )


def _read_by(model: dict) -> list[str]:
    """The names of the models, seeds and tables that a model reads."""
    return [parent.rpartition(".")[2] for parent in model["depends_on"]["nodes"]]


def _load_seed(connection: duckdb.DuckDBPyConnection, node: dict) -> None:
    path = PROJECT / "dbt_project" / node["original_file_path"]
    types = {name: type_.upper() for name, type_ in node["config"]["column_types"].items()}
    connection.execute(
        f"create table {node['relation_name']} as from read_csv('{path}', header = true, columns = {types})"
    )


@dataclass
class Told:
    """An event that was sent, with enough detail to correct, withdraw or repeat the event."""

    fact: str
    at: datetime
    source: str
    id: str
    data: dict


class World:
    """Events of one test, and the alerts that the rules raise from these events."""

    def __init__(self, stream: duckdb.DuckDBPyConnection, models: list[dict]) -> None:
        self._stream = stream
        self._filled = {model["name"]: _read_by(model) for model in models if not _is_static(model)}
        self._accepted: list[Accepted] = []
        self._rejected: list = []
        self._offsets = count()

    def tell(
        self,
        fact: str,
        at: str,
        *,
        event_id: str | None = None,
        received: str | None = None,
        authority: str = "E08000015",
        backfill: bool = False,
        **data: object,
    ) -> Told:
        """Send an event that happened at a time (UTC). The event arrives at that time, or at `received`."""
        told = Told(fact, _moment(at), "/test", event_id or f"e{len(self._accepted):03}", data)
        self._send(_type(fact), told, data, _moment(received or at), authority, backfill)
        return told

    def repeat(self, told: Told, received: str | None = None) -> None:
        """Send the same event again."""
        self._send(_type(told.fact), told, told.data, _moment(received) if received else told.at)

    def correct(self, told: Told, at: str, *, fact_at: str | None = None, **data: object) -> None:
        """Replace the content of an event as of `at`."""
        replacement = {
            "root_source": told.source,
            "root_id": told.id,
            "withdrawal_reason": "more_accurate",
            "replaced_type": _type(told.fact),
            "replaced_time": _iso(_moment(fact_at) if fact_at else told.at),
            "replacement": told.data | data,
        }
        amendment = Told(told.fact, _moment(at), "/test", f"{told.id}-c{at}", replacement)
        self._send(_amendment(told.fact, "corrected"), amendment, replacement, _moment(at))

    def withdraw(self, told: Told, at: str) -> None:
        """Withdraw an event as of `at`."""
        struct = event_types()[_type(told.fact)]
        key = {name: told.data[name] for name in struct.key_fields if told.data.get(name)}
        withdrawal = {"root_source": told.source, "root_id": told.id, "withdrawal_reason": "recorded_in_error"} | key
        amendment = Told(told.fact, _moment(at), "/test", f"{told.id}-w{at}", withdrawal)
        self._send(_amendment(told.fact, "withdrawn"), amendment, withdrawal, _moment(at))

    def garbage(self, topic: str, received: str, value: bytes = b"{") -> None:
        """Send a record that is not an event."""
        record = SimpleNamespace(
            topic=topic, partition=0, offset=next(self._offsets), key=None, value=value, headers=()
        )
        record.timestamp = int(_moment(received).timestamp() * 1000)
        self._rejected.append(decode(record))

    def replayed(self, fact: str, at: str, replay_of: str, **data: object) -> None:
        """Send an event that replays an unreadable record."""
        told = Told(fact, _moment(at), "/test", f"e{len(self._accepted):03}", data)
        headers = (("caf-replay-of", replay_of.encode()),)
        self._send(_type(fact), told, data, _moment(at), headers=headers)

    def alerts(self, rule: str, as_of: str = "2026-01-01T00:00:00", next_offset: int | None = None) -> list[dict]:
        """The alerts of a rule at a time, in order of their anchors."""
        return self.rows(f"select * from marts.alerts.alert_{rule} order by anchored_at, alert_id", as_of, next_offset)

    def rows(self, query: str, as_of: str = "2026-01-01T00:00:00", next_offset: int | None = None) -> list[dict]:
        """
        Run a query after filling the models that the query names and all models that these depend on.

        All changes are rolled back afterwards.
        """
        stream = self._stream
        stream.register("told", events_table(self._accepted, datetime.now(UTC)))
        stream.register("unread", quarantine_table(self._rejected, datetime.now(UTC)))
        stream.execute("insert into landing.main.events by name from told")
        stream.execute("insert into landing.main.quarantine by name from unread")
        # A transaction may write to only one catalog. The changes of this transaction are rolled back, as in the
        # stream.
        stream.execute("begin")
        try:
            stream.execute("insert into marts.run.as_of values (?)", [_moment(as_of).replace(tzinfo=None)])
            if next_offset is not None:
                topics = {event.topic for event in self._accepted}
                stream.executemany("insert into marts.run.cut values (?, 0, ?)", [[t, next_offset] for t in topics])
            for name in self._above(re.findall(r"marts\.\w+\.(\w+)", query)):
                stream.execute(f"execute fill_{name}")
            return stream.execute(query).to_arrow_table().to_pylist()
        finally:
            stream.execute("rollback")
            stream.execute("delete from landing.main.events; delete from landing.main.quarantine")

    def _above(self, names: list[str]) -> list[str]:
        """The named models and all models that they depend on, in order of dependency."""
        wanted = set()
        while names:
            name = names.pop()
            if name in self._filled and name not in wanted:
                wanted.add(name)
                names += self._filled[name]
        return [name for name in self._filled if name in wanted]

    def _send(
        self,
        type_: str,
        told: Told,
        data: dict,
        received: datetime,
        authority: str = "E08000015",
        backfill: bool = False,
        headers: tuple = (),
    ) -> None:
        struct = event_types()[_type(told.fact)]
        facts = data.get("replacement", data)
        key = next(str(facts[name]) for name in struct.key_fields if facts.get(name))
        envelope = {
            "specversion": "1.0",
            "id": told.id,
            "source": told.source,
            "type": type_,
            "time": _iso(told.at),
            "authority": authority,
            "backfill": backfill,
            "data": data,
        }
        record = SimpleNamespace(
            topic=struct.topic,
            partition=0,
            offset=next(self._offsets),
            timestamp=int(received.timestamp() * 1000),
            key=key.encode(),
            value=json.dumps(envelope).encode(),
            headers=headers,
        )
        accepted = decode(record)
        assert isinstance(accepted, Accepted), accepted
        self._accepted.append(accepted)


def _type(fact: str) -> str:
    return next(type_ for type_ in event_types() if fact_name(type_) == fact)


def _amendment(fact: str, change: str) -> str:
    return _type(fact).replace(f".{fact}.", f".{change}.")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


@pytest.fixture
def world(stream: duckdb.DuckDBPyConnection, models: list[dict]) -> World:
    """An empty world."""
    return World(stream, models)


@pytest.fixture
def working_from_7_30_to_20(stream: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Give every authority working hours from 07:30 to 20:00."""
    change = "update marts.staging.stg_practice_profiles set working_day_starts = ?, working_day_ends = ?"
    stream.execute(change, ["07:30:00", "20:00:00"])
    yield
    stream.execute(change, ["09:00:00", "17:00:00"])
