"""`./caf bench rules`: the CPU time to evaluate a batch, and to run the rules alone on PostgreSQL and DuckDB."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from time import process_time
from typing import NamedTuple

import click
import psutil

from streams.alerts.routing.router import Router
from streams.alerts.routing.routes import read_routes
from streams.bench.alert_load import Load
from streams.bench.alert_load import Record as Sent
from streams.contracts import Accepted, Rejected, admit
from streams.contracts.columns import events_table
from streams.lake.postgres import Postgres
from streams.lake.session import Session
from streams.rules.compiled import compiled_rules
from streams.rules.engine import Engine
from streams.rules.evaluator import Evaluator
from streams.rules.postgres.engine import PostgresEngine
from streams.settings import Settings
from streams.stack import on_demand
from streams.watch.alerting import Alerting
from streams.watch.state.events import Recorded
from streams.watch.state.state import State
from streams.watch.state.tables import event_columns

__all__ = ["command"]

_HISTORY = 20_000
_AT_ONCE = 1_000
_BATCHES = {1: 200, 3: 80, 30: 10}
_DATABASE = "bench_rules"


class _Stored(NamedTuple):
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True)
class Cost:
    """CPU milliseconds of all processes that take part. `duckdb_ms` is None unless the rules alone were measured."""

    what: str
    postgres_ms: float
    duckdb_ms: float | None = None


@click.command("rules")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(*, as_json: bool) -> None:
    """
    Measure the CPU time to evaluate a batch as the watcher does, and to run the rules alone on PostgreSQL and DuckDB.

    A batch has 1, 3 or 30 live events, which follow a history of 20,000 events. Then all rules run over 1, 3 or 30
    families. The command uses this home's PostgreSQL server. The server must run on this machine, because the CPU time
    of its session is part of the result.
    """
    settings = Settings.from_env()
    with _Bench.opened(settings) as bench:
        costs = [*bench.batches(), *bench.rules()]
        memory = bench.backend.memory_full_info().uss // 2**20
    if as_json:
        click.echo(json.dumps({"costs": [asdict(cost) for cost in costs], "backend_mib": memory}))
        return
    for cost in costs:
        beside = "" if cost.duckdb_ms is None else f"   DuckDB {cost.duckdb_ms:6.1f} ms"
        click.echo(f"{cost.what:<34} PostgreSQL {cost.postgres_ms:6.1f} ms{beside}")
    click.echo(f"PostgreSQL: {memory} MiB of memory for the session alone")


class _Bench:
    """The rules and the watcher's state, with a history, in a database that only this bench uses."""

    def __init__(self, settings: Settings, session: Session) -> None:
        self._settings = settings
        self._compiled = compiled_rules(settings)
        self._engine = PostgresEngine(self._compiled, session)
        self.backend = psutil.Process(session.backend)
        columns = event_columns(self._engine.columns_read)
        self._state = State(session, columns, self._engine.crowd_limits, self._compiled.checksum)
        self._state.begin_term()
        self._alerting = Alerting(
            self._engine, self._state, Router(settings.authority, read_routes()), settings.case_url
        )
        self._load, self._next = Load(_HISTORY, settings.authority), Counter[tuple[str, int]]()
        self._by_key: dict[str, list[Accepted]] = defaultdict(list)
        history = [self._arrived(record) for record in self._load.history()]
        for start in range(0, len(history), _AT_ONCE):
            accepted = [one for one in history[start : start + _AT_ONCE] if isinstance(one, Accepted)]
            self._state.events.add(accepted, map(Recorded.of, accepted))
            for event in accepted:
                self._by_key[event.key].append(event)
        self._state.complete()

    @classmethod
    @contextmanager
    def opened(cls, settings: Settings) -> "Iterator[_Bench]":
        """Open a bench, and remove its database afterwards."""
        with on_demand.postgres_running(settings):
            server = Postgres.of(settings)
            server.drop(_DATABASE)
            try:
                with closing(Session(server.dsn(_DATABASE), "caf bench")) as session:
                    yield cls(settings, session)
            finally:
                server.drop(_DATABASE)

    def batches(self) -> Iterator[Cost]:
        """
        Measure the watcher's work on a batch, from the bytes of the records until the alert versions are ready to
        publish.
        """
        for size, count in _BATCHES.items():
            self._take(size, count // 4 + 1)
            began = self._cpu()
            self._take(size, count)
            yield Cost(f"a batch of {size}", _ms(self._cpu() - began, count))

    def rules(self) -> Iterator[Cost]:
        """Measure all rules on both engines, for different numbers of families."""
        reference = Engine(self._compiled)
        families = sorted(key for key in self._by_key if key.startswith("F"))
        for size, count in _BATCHES.items():
            chunks = [families[number * size : (number + 1) * size] for number in range(count)]
            found = []
            for engine, cpu in ((self._engine, self._cpu), (reference, process_time)):
                self._evaluated(engine, chunks[:1])
                began = cpu()
                self._evaluated(engine, chunks)
                found.append(_ms(cpu() - began, count))
            yield Cost(f"all rules over families: {size}", *found)
        reference.close()

    def _cpu(self) -> float:
        times = self.backend.cpu_times()
        return process_time() + times.user + times.system

    def _take(self, size: int, count: int) -> None:
        for _ in range(count):
            now = datetime.now(UTC)
            records = [self._arrived(self._load.live()[1]) for _ in range(size)]
            with self._state.writing():
                self._alerting.evaluate(records, now, now)

    def _evaluated(self, engine: Evaluator, chunks: list[list[str]]) -> None:
        now = datetime.now(UTC)
        for families in chunks:
            events = [event for key in self._state.events.keys(families).names for event in self._by_key.get(key, ())]
            engine.evaluate(events_table(events, now), None, self._compiled.rules, now)

    def _arrived(self, record: Sent) -> Accepted | Rejected:
        """Validate a record as if it had just arrived at the next offset of its partition."""
        topic, key, value = record
        place = topic, sum(key) % self._settings.partitions
        self._next[place] += 1
        now = int(datetime.now(UTC).timestamp() * 1000)
        return admit(_Stored(*place, self._next[place] - 1, now, key, value, ()), self._settings.max_record_bytes)


def _ms(seconds: float, count: int) -> float:
    return round(1000 * seconds / count, 1)
