"""Check the promises after a campaign of faults: no record is lost or duplicated, and the oracle agrees."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import duckdb

from streams import names
from streams.alerts.follow import follow, newest
from streams.bench.against_oracle import oracle_tools
from streams.contracts.codesets import AlertStatus
from streams.contracts.outputs import Alert
from streams.errors import CafError
from streams.kafka.drain import whole
from streams.kafka.heartbeat import last_heartbeat
from streams.lake.connect import connect
from streams.land.verify import verify_offsets
from streams.marts.progress import progress
from streams.marts.reconcile import compare
from streams.settings import Settings

__all__ = ["Promises", "said", "settle", "unaccounted", "unlike_the_build", "unlike_the_oracle"]

Promises = dict[str, list[str]]
"""For each promise, a list of the problems that break it. If the list is empty, the promise was kept."""

_PAUSE_SECONDS = 1.0


def settle(settings: Settings, patience: float, keep_up: Callable[[], None]) -> list[str]:
    """
    Wait until all sent records are evaluated, landed and built.

    Return what is still missing after `patience` seconds.
    """
    healed, deadline, why = datetime.now(UTC), time.monotonic() + patience, "nothing was checked yet"
    while time.monotonic() < deadline:
        keep_up()
        try:
            now, beat = progress(settings), last_heartbeat(settings)
            differ = unlike_the_build(settings) if now.settled else []
            if now.settled and beat and beat[0].as_of > healed and not differ:
                return []
            why = (
                f"{now.behind(now.evaluated)} records to evaluate, {now.behind(now.landed)} to land, "
                f"{now.behind(now.built)} to build; {len(differ)} alerts streamed differently than rebuilt"
            )
        except (CafError, duckdb.Error) as error:
            why = f"{type(error).__name__}: {error}"
        time.sleep(_PAUSE_SECONDS)
    return [why]


def unaccounted(settings: Settings) -> list[str]:
    """List the offsets that do not have exactly one row."""
    found = verify_offsets(settings, wait=60)
    return [f"{one.topic}/{one.partition} {one.first} to {one.end - 1}: {one.what}" for one in found.differences]


def unlike_the_build(settings: Settings) -> list[str]:
    """List the streamed alerts that differ from the rebuilt ones, as of the snapshot of the last build."""
    with connect(settings) as lake:
        found = compare(lake)
    if found.as_of is None:
        return ["no build at a watermark of the watcher"]
    return [f"{one.rule} {one.alert_id} {one.kind} {one.what}" for one in found.differences]


def said(settings: Settings) -> tuple[list[Alert], list[str]]:
    """
    Read every alert version on the alerts topic.

    Return all versions, and a list of those that were published more than once.
    """
    versions = [alert for alert, _ in follow(settings, stop_at_end=True)]
    counted = Counter((alert.alert_id, alert.version) for alert in versions)
    return versions, [f"{alert_id} version {n}: {count}" for (alert_id, n), count in counted.items() if count > 1]


def unlike_the_oracle(settings: Settings, versions: list[Alert]) -> list[str]:
    """
    List the differences between the published alerts and the alerts that the oracle expects.

    The oracle expects alerts as of the watcher's last heartbeat. Withdrawn alerts are left out.

    Raises:
        OracleMissing: this installation has no tests.
    """
    comparing, oracle, records, _ = oracle_tools()
    accepted, rejected = records.decoded(list(whole(settings, names.INPUT_TOPICS)))
    latest = newest(versions).values()
    rows = [_row(one) for one in latest if one.rule in oracle.ALL and one.status != AlertStatus.WITHDRAWN]
    beat = last_heartbeat(settings)
    assert beat is not None  # the watcher has evaluated everything, and its heartbeat says so
    wanted = oracle.expected(accepted, rejected, beat[0].as_of)
    differences: list[str] = comparing.difference(rows, wanted)
    return differences


def _row(alert: Alert) -> dict[str, object]:
    fields = ("alert_id", "rule", "entity_id", "anchor_id", "severity", "status", "anchored_at", "deadline")
    evidence = [{"source": one.source, "id": one.id} for one in alert.evidence]
    return {name: getattr(alert, name) for name in fields} | {"evidence": evidence}
