"""What a watcher does while another one leads: it helps with large batches, or prepares tables of its own version."""

import time
from collections.abc import Callable
from contextlib import ExitStack, closing

import psycopg2
import structlog
from kafka.errors import KafkaError

from streams import names
from streams.alerts.routing.router import Router
from streams.alerts.routing.routes import read_routes
from streams.errors import BrokerUnavailable, LakeUnavailable, LockTaken
from streams.kafka.client import partitions_of
from streams.lake.lock_keys import LockKey
from streams.rules.compiled import CompiledRules
from streams.rules.postgres.engine import PostgresEngine
from streams.settings import Settings
from streams.watch.alerting import PENDING_PLACES, Alerting
from streams.watch.beginning import begin_reading
from streams.watch.consumer import watch_consumer
from streams.watch.state.agenda import PENDING
from streams.watch.state.state import State, open_session
from streams.watch.state.tables import NEXT, event_columns

__all__ = ["Standby"]

log = structlog.get_logger()


class Standby:
    """
    A watcher that waits for the leader lock. While it waits, it does useful work.

    1. If the leader has the same rules and tables, this standby helps it. In one transaction, the standby takes up to
       250 pending families and records, evaluates them, and writes the resulting alert versions to the outbox. The
       leader sends them. The rows that the standby has taken are locked, so two watchers never evaluate the same family
       at once.
    2. If the standby dies, or if the leader has waited for it for five seconds, PostgreSQL rolls its transaction back.
       The rows are then pending again, and another watcher takes them.
    3. If the leader's tables have another version or do not exist, this standby makes tables of its own version in the
       schema `watch_next`, and fills them from the lake. Meanwhile the leader continues to raise alerts. When this
       standby becomes the leader, its tables replace the old ones (`Tables.open`).
    4. Only one standby prepares tables. It holds the lock `WATCH_NEXT` until it uses its tables or ends.
    """

    def __init__(self, settings: Settings, rules: CompiledRules, alive: Callable[[], None]) -> None:
        """
        Create the standby.

        Args:
            alive: a function that is called from time to time to show that the standby is alive.
        """
        self._settings, self._rules, self._alive = settings, rules, alive
        self._closing = ExitStack()
        self._alerting: Alerting | None = None
        self._next: State | None = None

    def close(self) -> None:
        """Disconnect from the database. Other watchers then take over what this standby was evaluating."""
        self._closing.close()
        self._alerting = self._next = None

    def turn(self, seconds: float) -> None:
        """Do all work that is waiting. Then wait up to `seconds` for more."""
        try:
            alerting = self._alerting or self._open()
            if alerting.state.is_shared():
                self._drop_next()
                self._help(alerting)
            elif not alerting.state.tables.are_there():
                self._make_ready(alerting.state)
            alerting.state.session.wait(seconds)
        except (psycopg2.Error, LakeUnavailable, LockTaken, BrokerUnavailable, KafkaError) as error:
            log.warning("standby_troubled", reason=type(error).__name__)
            self.close()
            time.sleep(seconds)

    def _open(self) -> Alerting:
        session = self._closing.enter_context(closing(open_session(self._settings, leads=False)))
        engine = PostgresEngine(self._rules, session)
        state = State(session, event_columns(engine.columns_read), engine.crowd_limits, self._rules.checksum)
        router = Router(self._settings.authority, read_routes())
        self._alerting = Alerting(engine, state, router, self._settings.case_url)
        session.command(f"LISTEN {PENDING}")
        return self._alerting

    def _help(self, alerting: Alerting) -> None:
        has_more = True
        while has_more:
            with alerting.state.session.transaction():
                taken = alerting.state.agenda.take_pending(PENDING_PLACES)
                alerting.evaluate_pending(taken)
            has_more = bool(taken)
            self._alive()

    def _make_ready(self, current: State) -> None:
        """Prepare tables of this standby's version, unless this is done or another standby does it."""
        state = self._next or self._state_of_next(current)
        if state is None or state.tables.are_filled():
            return
        log.info("tables_made_ready", reason="the leader has tables of another version, or none")
        state.begin_term()
        with closing(watch_consumer(self._settings)) as consumer:
            topics = (*names.INPUT_TOPICS, names.ALERTS)
            offsets = begin_reading(self._settings, consumer, state, partitions_of(consumer, topics), self._alive)
            with state.writing():
                state.begin_at(offsets, consumer.topic_ids(topics))
                state.tables.filled()
        log.info("tables_ready")

    def _drop_next(self) -> None:
        """
        Drop the tables that this standby prepared.

        They are not needed, because the leader now has tables of this version.
        """
        if self._next is not None:
            self._next.tables.drop()
            self._next.session.close()
            self._next = None

    def _state_of_next(self, current: State) -> State | None:
        """
        Return the state with the tables to prepare. Return None if another standby prepares tables.

        The state's session holds the lock `WATCH_NEXT`, so no other standby prepares tables.
        """
        session = open_session(self._settings, leads=False)
        if session.run("SELECT pg_try_advisory_lock($1)", int(LockKey.WATCH_NEXT)) != [(True,)]:
            session.close()
            return None
        self._closing.enter_context(closing(session))
        self._next = current.of_schema(session, NEXT)
        return self._next
