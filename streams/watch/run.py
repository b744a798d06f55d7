"""
Runs a watcher, as the leader or as a standby, until it is told to stop.

If the broker was unavailable, the watcher starts again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import structlog
from kafka.errors import KafkaError

from streams import names
from streams.audit.rules import record_rules
from streams.errors import AuditUnavailable, BrokerUnavailable, LakeUnavailable, LockTaken, RecordsDeleted
from streams.kafka.topics import ensure_topics, refuse_differences
from streams.lake.sign import Sign, sign_of_life
from streams.rules.compiled import DBT_PROJECT, CompiledRules, compiled_rules
from streams.settings import Settings
from streams.times import stops_after
from streams.watch.leader import Leadership
from streams.watch.standby import Standby
from streams.watch.watcher import Watcher

__all__ = ["Watched", "run"]

log = structlog.get_logger()

_TOPICS = (*names.INPUT_TOPICS, names.ALERTS, names.ALERTS_CURRENT, names.HEARTBEAT, names.AUDIT)
_RETRY_SECONDS = 0.5
_GIVE_WAY_SECONDS = 2.0


@dataclass
class Watched:
    """Totals of what this process did while it was the leader."""

    records: int = 0
    alerts: int = 0
    terms: int = 0


def run(
    settings: Settings,
    *,
    until: Callable[[], bool] = lambda: False,
    for_seconds: float | None = None,
    project: Path = DBT_PROJECT,
) -> Watched:
    """
    Run a watcher until `until` returns true or `for_seconds` have passed.

    `until` is called at least once per heartbeat. If another watcher leads, this one helps it, and leads when the other
    one ends. The broker and the database must answer at the start. If they stop answering later, the watcher waits
    for them.

    Raises:
        BrokerUnavailable: no broker answers at the start.
        TopicsUnfit: a topic has settings that would break a guarantee.
        LakeUnavailable: PostgreSQL, which holds the leader lock, does not answer at the start.
        RulesInvalid: dbt cannot compile the rules.
    """
    stop = stops_after(for_seconds, until)
    with sign_of_life(settings, "watch") as sign:
        ensure_topics(settings, _TOPICS)
        refuse_differences(settings, _TOPICS)
        settings = settings.acting_as("watch")
        rules = compiled_rules(settings, project)
        _record_rules(settings, rules)
        watched = Watched()
        leadership, standby = Leadership(settings, sign.is_turning), Standby(settings, rules, sign.stand_by)
        try:
            leader = leadership.try_acquire()
            if not leader:
                log.info("standby", reason="another watcher holds the leader lock; helping it until it ends")
            while not stop():
                leader = leader or _acquire(leadership, sign)
                if not leader:
                    standby.turn(_RETRY_SECONDS)
                    continue
                standby.close()
                leader = _term(settings, rules, leadership, watched, stop, sign=sign)
                if not stop():
                    time.sleep(_RETRY_SECONDS)
        finally:
            standby.close()
            leadership.release()
    return watched


def _record_rules(settings: Settings, rules: CompiledRules) -> None:
    """Record changed rules in the audit. If this is impossible, the watcher starts all the same: alerts come first."""
    try:
        record_rules(settings, rules.checksum)
    except AuditUnavailable as error:
        log.warning("rules_not_recorded", reason=type(error).__name__)


def _acquire(leadership: Leadership, sign: Sign) -> bool:
    try:
        is_leader = leadership.try_acquire()
    except LakeUnavailable as error:
        log.warning("lock_unreachable", reason=str(error))
        sign.trouble(error)
        return False
    sign.stand_by()
    return is_leader


def _term(
    settings: Settings,
    rules: CompiledRules,
    leadership: Leadership,
    watched: Watched,
    stop: Callable[[], bool],
    *,
    sign: Sign,
) -> bool:
    """
    Lead until told to stop, or until the lock, the database or the broker is lost.

    Return whether this watcher still holds the lock.
    """

    def turns() -> bool:
        sign.turn()
        return stop()

    watcher = None
    try:
        sign.lead()
        watcher = Watcher(settings, rules, leadership, sign.lead)
        watched.terms += 1
        watcher.watch(turns)
    except LockTaken as error:
        log.warning("leadership_lost", reason=str(error))
        sign.trouble(error)
        leadership.release()
        return False
    except (psycopg2.Error, LakeUnavailable) as error:
        reason = str(error) if isinstance(error, LakeUnavailable) else type(error).__name__
        log.warning("database_lost", reason=reason)
        sign.trouble(error)
        leadership.release()
        return False
    except RecordsDeleted as error:
        log.warning("records_deleted", reason=str(error))
        sign.trouble(error)
    except (BrokerUnavailable, KafkaError) as error:
        log.warning("broker_lost", reason=type(error).__name__)
        sign.trouble(error)
        # Only this watcher may be cut off, so another one gets time to take the lock.
        leadership.release()
        time.sleep(_GIVE_WAY_SECONDS)
        return False
    finally:
        if watcher is not None:
            watched.records += watcher.evaluated_records
            watched.alerts += watcher.published_alerts
            watcher.close()
    return True
