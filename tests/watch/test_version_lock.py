"""The build publishes versions of alerts while people close alerts. No two versions may get the same number."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from streams import names
from streams.alerts.publisher import Publisher
from streams.alerts.trial import trial_alert
from streams.alerts.version_lock import version_lock
from streams.contracts.outputs import Alert, Evidence
from streams.kafka.heartbeat import last_heartbeat
from streams.settings import Settings

PATIENCE = 60


@pytest.fixture
def say(watch_settings: Settings) -> Iterator[Callable[[Alert], object]]:
    """Publishes an alert as the build does."""
    publisher = Publisher(watch_settings)
    yield lambda alert: publisher.alerts([alert])
    publisher.close()


def surge(version: int, *evidence: str) -> Alert:
    """A version of an alert about a ward."""
    at = datetime.now(UTC) - timedelta(hours=1)
    return msgspec.structs.replace(
        trial_alert("5" * 32, at, at),
        test=False,
        version=version,
        rule="locality_surge",
        entity_kind="area",
        entity_id="E05000954",
        evidence=[Evidence(at, "/test", id_, "uk.caf.referral.referral-submitted.v1") for id_ in evidence],
    )


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_closing_waits_for_the_build_and_alerts_on_families_do_not(
    watched: None, watch_settings: Settings, say: Callable, event: Callable, referral: Callable, send: Callable,
    alerts: Callable,
) -> None:  # fmt: skip
    """
    Somebody closes the alert after the build has numbered its version and before the build publishes that version.
    """

    def of(rule: str) -> list[Alert]:
        return [alert for alert in alerts() if alert.rule == rule]

    say(surge(1, "r-1"))
    until(lambda: last_heartbeat(watch_settings))
    with version_lock(watch_settings):
        closed = {"alert_id": "5" * 32, "worker_id": "W-1", "alert_closure": "acted_on"}
        now = datetime.now(UTC)
        send(event("alert-closed", topic=names.ESCALATION, at=now, **closed))
        send(referral(1, at=now - timedelta(hours=2)), referral(2, at=now - timedelta(hours=1)))
        until(lambda: of("re_referral"))
        time.sleep(0.5)
        beat_before, _ = last_heartbeat(watch_settings)
        say(surge(2, "r-1", "r-2"))
    until(lambda: len(of("locality_surge")) > 2)
    until(lambda: last_heartbeat(watch_settings)[0].as_of > beat_before.as_of)

    assert [(alert.version, str(alert.status), len(alert.evidence)) for alert in of("locality_surge")] == [
        (1, "open", 1),
        (2, "open", 2),
        (3, "closed", 2),
    ]
    assert sum(beat_before.offsets[names.ESCALATION]) == 0
    assert [alert.version for alert in of("re_referral")] == [1]
