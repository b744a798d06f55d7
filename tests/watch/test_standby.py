"""A standby helps the leader, does no damage if it dies, and prepares an upgrade."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg2
import pytest

from streams.alerts.routing.router import Router
from streams.alerts.routing.routes import read_routes
from streams.contracts import decode
from streams.lake.connect import catalog_dsn
from streams.lake.session import Session
from streams.land import run as land
from streams.rules.compiled import CompiledRules
from streams.rules.postgres.engine import PostgresEngine
from streams.settings import Settings
from streams.watch.alerting import Alerting
from streams.watch.run import run
from streams.watch.standby import Standby
from streams.watch.state.state import State, open_session
from streams.watch.state.tables import event_columns
from tests.oracle.records import Record
from tests.watch.test_fill import tables
from tests.watch.test_run import judged_everything

FAMILIES = 600
PATIENCE = 60


def hours_ago(hours: float) -> datetime:
    return datetime.now(UTC) - timedelta(hours=hours)


def eventually(ask: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not ask():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.1)


def alerting_in(session: Session, rules: CompiledRules) -> Alerting:
    engine = PostgresEngine(rules, session)
    state = State(session, event_columns(engine.columns_read), engine.crowd_limits, rules.checksum)
    return Alerting(engine, state, Router("E08000015", read_routes()), "https://cases.example/{family_id}")


class Running:
    """A watcher in a thread of this process."""

    def __init__(self, settings: Settings, project: Path) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=run, args=(settings,), kwargs={"until": self._stop.is_set, "project": project}
        )
        self._thread.start()
        eventually(lambda: judged_everything(settings))

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture
def running(watch_settings: Settings, project: Path) -> Iterator[Running]:
    running = Running(watch_settings, project)
    yield running
    running.stop()


@pytest.fixture
def standby(watch_settings: Settings, rules: CompiledRules) -> Iterator[Standby]:
    standby = Standby(watch_settings, rules, lambda: None)
    yield standby
    standby.close()


@pytest.fixture
def large_batch(referral: Callable) -> list[tuple]:
    """Two referrals for each of many families. The second referral of a family raises an alert."""
    return [
        referral(f"{family}-{number}", f"F-{family}", at=hours_ago(3 - number))
        for number in range(2)
        for family in range(FAMILIES)
    ]


@pytest.fixture
def leader(watch_settings: Settings, project: Path, rules: CompiledRules) -> Iterator[Alerting]:
    """A leader that has begun its term. The leader's tables were filled by an earlier watcher that ran and ended."""
    run(watch_settings, until=lambda: judged_everything(watch_settings), for_seconds=PATIENCE, project=project)
    with closing(open_session(watch_settings, leads=True)) as session:
        alerting = alerting_in(session, rules)
        alerting.state.begin_term()
        yield alerting


def take(alerting: Alerting, records: list[tuple]) -> None:
    """Process a batch in one transaction as a watcher does. Some families may be left pending for later evaluation."""
    now = datetime.now(UTC)
    received = int(now.timestamp() * 1000)
    stored = [Record(topic, 0, 10**6 + at, received, key, value, ()) for at, (topic, key, value) in enumerate(records)]
    with alerting.state.writing():
        alerting.evaluate([decode(record) for record in stored], now, now)


def decided(alerting: Alerting) -> list[str]:
    return sorted(alert.family_id for alert in alerting.state.alerts.waiting(10_000))


def test_standby_evaluates_what_the_leader_has_left_pending(leader, standby, large_batch):
    take(leader, large_batch)
    assert leader.state.agenda.has_pending()
    assert decided(leader) == []

    standby.turn(0)

    assert not leader.state.agenda.has_pending()
    assert decided(leader) == sorted(f"F-{family}" for family in range(FAMILIES))


def test_small_batch_does_not_wait_for_a_standby(leader, large_batch):
    take(leader, [record for record in large_batch if record[1] in (b"F-1", b"F-2")])

    assert not leader.state.agenda.has_pending()
    assert decided(leader) == ["F-1", "F-2"]


def test_work_of_a_dead_helper_is_evaluated_once(leader, standby, large_batch, watch_settings, rules):
    """The helper dies after deciding on alerts, but before its transaction commits."""
    take(leader, large_batch)
    with closing(open_session(watch_settings, leads=False)) as dying:
        helper = alerting_in(dying, rules)
        dying.command("BEGIN")
        helper.evaluate_pending(helper.state.agenda.take_pending(250))
    standby.turn(0)

    assert decided(leader) == sorted(f"F-{family}" for family in range(FAMILIES))


def test_helper_with_other_rules_takes_nothing(leader, standby, large_batch):
    """Results of other rules would differ from those of a rebuild."""
    take(leader, large_batch)
    leader.state.session.command("UPDATE about SET rules = 'others'")
    standby.turn(0)

    assert leader.state.agenda.has_pending()
    assert decided(leader) == []


def test_paused_helper_holds_up_the_leader_only_for_seconds(running, watch_settings, rules, large_batch, send, alerts):
    """The helper is paused in the middle of a transaction. The leader ends that transaction."""
    over = threading.Event()
    held: list = []

    def hold() -> None:
        with suppress(psycopg2.Error), closing(open_session(watch_settings, leads=False)) as session:
            helper = alerting_in(session, rules)
            while not over.is_set() and not held:
                session.command("ROLLBACK; BEGIN")
                held.extend(helper.state.agenda.take_pending(50))
            over.wait(PATIENCE)

    paused = threading.Thread(target=hold)
    paused.start()
    send(*large_batch)
    try:
        eventually(lambda: len({alert.family_id for alert in alerts() if alert.entity_kind == "family"}) == FAMILIES)
    finally:
        over.set()
        paused.join()

    assert held
    assert len([alert for alert in alerts() if alert.entity_kind == "family"]) == FAMILIES


def test_family_that_cannot_be_evaluated_holds_up_no_other(watch_settings, project, large_batch, send, alerts):
    """
    PostgreSQL refuses the rows about one family of a large batch.

    The records of that family raise an `unreadable_report` alert.
    """
    run(watch_settings, until=lambda: judged_everything(watch_settings), for_seconds=60, project=project)
    with closing(Session(catalog_dsn(watch_settings), "a test")) as session:
        session.command("ALTER TABLE watch.alerts ADD CHECK (place <> 'F-7')")
    send(*large_batch)
    run(watch_settings, until=lambda: judged_everything(watch_settings), for_seconds=90, project=project)
    found = alerts()

    assert {alert.family_id for alert in found if alert.entity_kind == "family"} == {
        f"F-{family}" for family in range(FAMILIES) if family != 7
    }
    assert any(alert.rule == "unreadable_report" for alert in found)


def test_alerts_go_on_while_an_upgrade_fills_its_tables(
    running, watch_settings, project, standby, referral, send, alerts
):
    """
    The standby fills its own tables while the leader raises alerts.

    The standby's successor does not publish these alerts again and does not withdraw them, although the records that
    caused the alerts had not landed.
    """
    send(referral(1, at=hours_ago(5)), referral(2, "F-2", at=hours_ago(5)))
    eventually(lambda: judged_everything(watch_settings))
    with closing(Session(catalog_dsn(watch_settings), "a test")) as session:
        session.command("UPDATE watch.about SET version = 'the one before'")
    land(watch_settings, once=True)
    standby.turn(0)
    send(referral(3, at=hours_ago(4)))
    eventually(lambda: len(alerts()) == 1)
    send(referral(4, "F-2", at=hours_ago(3)), referral(5, "F-3", at=hours_ago(2)))
    eventually(lambda: len(alerts()) == 2 and judged_everything(watch_settings))
    running.stop()
    before = tables(watch_settings)
    standby.close()
    with closing(Session(catalog_dsn(watch_settings), "a test")) as session:

        def has_taken_over() -> bool:
            return session.run("SELECT to_regclass('watch_next.events') IS NULL") == [(True,)]

        assert not has_taken_over()
        run(
            watch_settings,
            until=lambda: has_taken_over() and tables(watch_settings) == before,
            for_seconds=PATIENCE,
            project=project,
        )

        assert has_taken_over()
    assert tables(watch_settings) == before
    assert sorted((alert.anchor_id, alert.version) for alert in alerts()) == [("r-3", 1), ("r-4", 1)]


def test_tables_are_prepared_when_the_leader_has_none(watch_settings, project, standby, referral, send, alerts):
    """The leading watcher may be a version that keeps its state elsewhere. The standby remains a standby."""
    send(referral(1, at=hours_ago(5)))
    land(watch_settings, once=True)
    standby.turn(0)
    send(referral(2, at=hours_ago(4)))
    run(watch_settings, until=lambda: judged_everything(watch_settings), for_seconds=PATIENCE, project=project)
    standby.turn(0)

    assert [alert.anchor_id for alert in alerts()] == ["r-2"]
    with closing(Session(catalog_dsn(watch_settings), "a test")) as session:
        there = session.run("SELECT to_regclass('watch.events') IS NULL, to_regclass('watch_next.events') IS NULL")
    assert there == [(False, True)]


def test_prepared_tables_without_a_standby_are_dropped(watch_settings, project):
    """The tables are left from an abandoned upgrade, and must be dropped because they hold data about families."""
    with closing(Session(catalog_dsn(watch_settings), "a test")) as session:
        session.command("CREATE SCHEMA watch_next; CREATE TABLE watch_next.events ()")
        run(watch_settings, until=lambda: judged_everything(watch_settings), for_seconds=60, project=project)

        assert session.run("SELECT to_regclass('watch_next.events')") == [(None,)]
