"""`./caf bench rules`: what judging a batch costs on DuckDB and on PostgreSQL, in one run."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from time import process_time

import click
import psutil
import psycopg2

from streams.bench.alert_load import Load
from streams.bench.rule_costs import Places, judge_batch
from streams.contracts import admit
from streams.contracts.columns import events_table
from streams.route.router import Router
from streams.route.routes import read_routes
from streams.rules.compiled import CompiledRules, compiled_rules
from streams.rules.engine import Engine
from streams.rules.evaluator import Evaluator
from streams.rules.postgres.engine import PostgresEngine
from streams.settings import Settings
from streams.stack.postgres import server
from streams.watch.judge import Judge

__all__ = ["command"]

_HISTORY = 20_000
_BATCHES = {1: 200, 3: 80, 30: 10}
_FAMILIES = 30
_DATABASE = "bench_rules"


@dataclass(frozen=True)
class Cost:
    """CPU milliseconds of one batch, on all processes that take part; the first time with a set of rules apart."""

    batch: str
    duckdb_ms: float
    postgres_ms: float


@click.command("rules")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(*, as_json: bool) -> None:
    """CPU of judging a batch: the rules on DuckDB and on PostgreSQL.

    Batches of 1, 3 and 30 live events over 20,000 of history, and all rules over 30 families; each is judged before it
    counts. PostgreSQL is the server of this home; its session is counted, so it must run on this machine.
    """
    settings = Settings.from_env()
    rules = compiled_rules(settings)
    duckdb = Engine(rules)
    before = _measured(settings, duckdb, process_time)
    duckdb.close()
    with _on_postgres(settings, rules) as (engine, cpu, seconds):
        after = _measured(settings, engine, cpu)
        memory = psutil.Process(engine.backend).memory_full_info().uss // 2**20
    costs = [Cost(batch, round(ms, 1), round(after[batch], 1)) for batch, ms in before.items()]
    if as_json:
        click.echo(json.dumps({"costs": [asdict(cost) for cost in costs], "start_s": seconds, "backend_mib": memory}))
        return
    for cost in costs:
        click.echo(f"{cost.batch:<24} DuckDB {cost.duckdb_ms:6.1f} ms   PostgreSQL {cost.postgres_ms:6.1f} ms")
    click.echo(f"PostgreSQL: {seconds:.1f} s to make the schema and start, {memory} MiB of the session's own memory")


@contextmanager
def _on_postgres(
    settings: Settings, rules: CompiledRules
) -> Iterator[tuple[PostgresEngine, Callable[[], float], float]]:
    """An engine in a database of its own, the clock of its CPU, and the seconds that its start took."""
    postgres = server(settings)
    with closing(psycopg2.connect(postgres.dsn(_DATABASE))) as connection:
        connection.autocommit = True
        began = time.monotonic()
        engine = PostgresEngine(rules, connection)
        seconds = round(time.monotonic() - began, 1)
        backend = psutil.Process(engine.backend)

        def cpu() -> float:
            times = backend.cpu_times()
            return process_time() + times.user + times.system

        yield engine, cpu, seconds
    postgres.drop(_DATABASE)


def _measured(settings: Settings, engine: Evaluator, cpu: Callable[[], float]) -> dict[str, float]:
    """Milliseconds by batch."""
    judge = Judge(engine, Router(settings.authority, read_routes()), settings.case_url)
    load, places = Load(_HISTORY, settings.authority), Places(settings.partitions)
    for record in load.history():
        judge.remember(admit(places.stored(record), settings.max_record_bytes))

    def batches(size: int, count: int) -> None:
        for _ in range(count):
            judge_batch(settings, judge, [places.stored(load.live()[1]) for _ in range(size)])

    def families() -> None:
        events = judge.history.load(sorted(judge.history.families())[:_FAMILIES])
        now = datetime.now(UTC)
        rules = [rule.name for rule in engine.compiled.rules.values() if rule.scope == "family"]
        engine.evaluate(events_table(events, now), None, rules, now, engine.kinds.among(events))

    found = {}
    for size, count in _BATCHES.items():
        batches(size, count // 4 + 1)
        began = cpu()
        batches(size, count)
        found[f"{size} events"] = 1000 * (cpu() - began) / count
    families()
    began = cpu()
    for _ in range(5):
        families()
    found[f"{_FAMILIES} families, all rules"] = 1000 * (cpu() - began) / 5
    return found
