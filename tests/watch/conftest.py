"""Events as partners send them, and the small dbt project whose rules evaluate these events."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from kafka import KafkaProducer

from streams import names
from streams.alerts.publisher import alert_of
from streams.alerts.routing.router import Router
from streams.alerts.routing.routes import Route, read_routes
from streams.contracts import decode
from streams.kafka.client import consumer, producer
from streams.lake.postgres import Postgres
from streams.lake.session import Session
from streams.rules.compiled import CompiledRules, compiled_rules
from streams.rules.crowds import NO_LIMITS
from streams.rules.postgres.engine import PostgresEngine
from streams.settings import Settings
from streams.watch.alerting import Alerting
from streams.watch.run import run
from streams.watch.state.state import State
from streams.watch.state.tables import event_columns
from tests.oracle.records import Record

PROJECT = Path(__file__).resolve().parent.parent / "rules" / "project"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def project() -> Path:
    """A dbt project with three small rules, so that these tests do not depend on the rules of practice."""
    return PROJECT


@pytest.fixture(scope="session")
def rules(settings: Settings, project: Path) -> CompiledRules:
    """The compiled rules of the small project."""
    return compiled_rules(settings, project)


@pytest.fixture
def watch_settings(fresh_settings: Settings, fresh_topics: str) -> Settings:
    """Settings with empty topics, a separate database for the test, and a short heartbeat interval."""
    return replace(fresh_settings, heartbeat_seconds=0.2)


@pytest.fixture
def watched(watch_settings: Settings) -> Iterator[None]:
    """Run a watcher with the real rules in a thread of this process."""
    compiled_rules(watch_settings)  # The first compilation is slow. No test should wait for the compilation later.
    stop = threading.Event()
    watcher = threading.Thread(target=run, args=(watch_settings,), kwargs={"until": stop.is_set})
    watcher.start()
    yield
    stop.set()
    watcher.join()


@pytest.fixture
def event() -> Callable[..., tuple[str, bytes, bytes]]:
    """Makes a record `(topic, key, value)` of a fact. `at` is a number of days after the start, or a time."""
    numbers = count()

    def make(fact: str, *, topic: str = names.REFERRAL, at: float | datetime = 0, id_: str = "", **data: object):
        moment = at if isinstance(at, datetime) else START + timedelta(days=at)
        backfill = data.pop("backfill", False)
        envelope = {
            "specversion": "1.0",
            "id": id_ or f"e-{next(numbers)}",
            "source": "/test",
            "type": f"uk.{topic.removesuffix('.v1')}.{fact}.v1",
            "time": moment.isoformat(),
            "authority": "E08000015",
            "backfill": backfill,
            "data": data,
        }
        replaced = data.get("replacement", {})
        key = data.get("family_id") or data.get("person_id") or replaced.get("family_id") or data.get("alert_id")
        return topic, key.encode(), json.dumps(envelope).encode()

    return make


@pytest.fixture
def referral(event) -> Callable[..., tuple[str, bytes, bytes]]:
    """Makes a referral of a family."""

    def make(number: int, family: str = "F-1", **rest: object):
        data = {"referral_id": f"R-{number}", "family_id": family, "source_code": "6", "severity": "amber"}
        return event("referral-submitted", id_=f"r-{number}", **data | {"consent": "given"} | rest)

    return make


@pytest.fixture
def send(watch_settings: Settings) -> Iterator[Callable[..., None]]:
    """Sends records to their topics in order, and returns when the broker has acknowledged them."""
    client: KafkaProducer = producer(watch_settings)

    def put(*records: tuple) -> None:
        for topic, key, value, *headers in records:
            client.send(topic, key=key, value=value, headers=headers[0] if headers else [])
        client.flush()

    yield put
    client.close()


@pytest.fixture
def alerts(watch_settings: Settings) -> Callable[[], list]:
    """All versions on the alerts topic, in the order of each partition."""

    def read() -> list:
        reader = consumer(watch_settings, [names.ALERTS])
        try:
            found = []
            ends = reader.end_offsets(reader.assignment())
            while any(reader.position(partition) < end for partition, end in ends.items()):
                found += [alert_of(record.value) for batch in reader.poll(200).values() for record in batch]
            return found
        finally:
            reader.close()

    return read


@dataclass
class Desk:
    """Evaluates records one batch at a time. Each record arrives one millisecond after the record before it."""

    alerting: Alerting
    offset: int = 0
    published: list = field(default_factory=list)

    def take(self, *records: tuple, now: datetime = NOW) -> list:
        evaluated = []
        for topic, key, value, *headers in records:
            received = int(NOW.timestamp() * 1000) + self.offset
            record = Record(topic, 0, self.offset, received, key, value, tuple(headers[0]) if headers else ())
            evaluated.append(decode(record))
            self.offset += 1
        self.alerting.evaluate(evaluated, now, now)
        while taken := self.alerting.state.agenda.take_pending(100):
            self.alerting.evaluate_pending(taken)
        while self.alerting.report(100, now, now):
            pass
        return self._published()

    def skip_to(self, now: datetime) -> None:
        """Let the next record arrive just after the given time."""
        self.offset = int((now - NOW).total_seconds() * 1000) + 1

    def wait_until(self, now: datetime) -> list:
        self.alerting.due(now, now)
        return self._published()

    def _published(self) -> list:
        new = self.alerting.state.alerts.waiting(100_000)
        self.alerting.state.alerts.sent(new)
        self.published += new
        return new


@pytest.fixture
def session(settings: Settings, postgres: Postgres) -> Iterator[Session]:
    """A database session whose changes are rolled back after the test."""
    with closing(Session(postgres.dsn(settings.database), "a test")) as session:
        session.command("BEGIN")
        yield session
        session.command("ROLLBACK")


@pytest.fixture
def state(session: Session) -> State:
    """Empty state tables of a watcher that has no rules."""
    session.command("DROP SCHEMA IF EXISTS watch CASCADE")
    state = State(session, event_columns(frozenset()), NO_LIMITS, "none")
    state.begin_term()
    state.complete()
    return state


@pytest.fixture
def alerting_of(session: Session) -> Callable[..., Alerting]:
    """Makes an `Alerting` for compiled rules. With `is_new`, the `Alerting` begins with empty tables."""

    def make(compiled: CompiledRules, routes: Sequence[Route] | None = None, *, is_new: bool = True) -> Alerting:
        if is_new:
            session.command("DROP SCHEMA IF EXISTS watch CASCADE")
        engine = PostgresEngine(compiled, session)
        state = State(session, event_columns(engine.columns_read), engine.crowd_limits, compiled.checksum)
        state.begin_term()
        state.complete()
        router = Router("E08000015", read_routes() if routes is None else routes)
        return Alerting(engine, state, router, "https://cases.example/{family_id}")

    return make


@pytest.fixture
def desk_of(alerting_of: Callable[..., Alerting]) -> Callable[..., Desk]:
    """Makes a desk with the `Alerting` that `alerting_of` makes."""
    return lambda *args, **options: Desk(alerting_of(*args, **options))
