"""
Read the history of one alert from the alerts topic.

The history says when the event that caused the alert arrived, whom the alert was for, who acknowledged it, and how it
ended.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from streams.alerts.follow import follow
from streams.contracts.checks import arrived_at
from streams.contracts.outputs import Alert
from streams.errors import AlertUnknown
from streams.settings import Settings
from streams.tell.subscribers.alert_filter import is_open
from streams.tell.subscribers.view import closing, recipients

__all__ = ["Step", "Story", "read_story", "steps"]


@dataclass(frozen=True)
class Story:
    """The alert versions that make up the history of one alert, each with the time at which the broker stored it."""

    versions: list[tuple[Alert, datetime]]
    """The versions of the alert, oldest first."""
    others: list[tuple[Alert, datetime]]
    """
    Versions of other alerts: alerts about this alert (nobody acknowledged it, or it reached nobody), and alerts that
    replaced it.
    """


@dataclass(frozen=True, order=True)
class Step:
    """One step in the history of the alert."""

    at: datetime
    what: str


def read_story(settings: Settings, alert_id: str) -> Story:
    """
    Read all records about one alert from the alerts topic, without repeats.

    Raises:
        AlertUnknown: the alert is not on the topic.
        BrokerUnavailable: no broker answers.
    """
    found: dict[tuple[str, int], tuple[Alert, datetime]] = {}
    for alert, broker_ms in follow(settings, stop_at_end=True):
        if alert_id in {alert.alert_id, alert.entity_id, alert.supersedes}:
            taken = arrived_at(broker_ms)
            found.setdefault((alert.alert_id, alert.version), (alert, taken))
    versions = sorted((one for key, one in found.items() if key[0] == alert_id), key=lambda one: one[0].version)
    if not versions:
        raise AlertUnknown(f"no alert on the topic has the id {alert_id!r}; './caf alerts --all' lists all alerts")
    return Story(versions, [one for key, one in found.items() if key[0] != alert_id])


def steps(story: Story) -> list[Step]:
    """Return the steps of the history, oldest first."""
    return sorted(_steps(story))


def _steps(story: Story) -> Iterator[Step]:
    first = story.versions[0][0]
    yield Step(first.anchored_at, "it happened")
    yield Step(first.received_at, "its record arrived, or a deadline passed")
    before = None
    for alert, taken in story.versions:
        why = "" if alert.status_reason is None else f", {alert.status_reason.replace('_', ' ')}"
        routes = "" if alert.routing_version is None else f" (routes {alert.routing_version})"
        yield Step(
            taken,
            f"version {alert.version} on the topic: {alert.severity}, {alert.status}{why}; for "
            f"{recipients(alert)}{routes}",
        )
        if alert.acknowledged_at is not None and (before is None or before.acknowledged_at != alert.acknowledged_at):
            yield Step(alert.acknowledged_at, f"taken on by {alert.acknowledged_by}")
        if alert.closed_at is not None and (before is None or before.closed_at != alert.closed_at):
            yield Step(alert.closed_at, closing(alert))
        before = alert
    for alert, taken in story.others:
        relation = "in its place" if alert.entity_kind != "alert" else "about it"
        yield Step(
            taken,
            f"{alert.rule} {relation}: {alert.severity}, {alert.status}; for {recipients(alert)} ({alert.alert_id})",
        )
    if is_open(alert := story.versions[-1][0]) and alert.acknowledged_at is None:
        yield Step(datetime.now(UTC), "nobody has taken it on")
