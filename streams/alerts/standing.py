"""The standing of an alert: its latest version, its family or record, and since when it has had its present content."""

from datetime import datetime
from typing import NamedTuple

from streams.alerts.next_version import says_more
from streams.contracts.codesets import AlertStatus
from streams.contracts.outputs import Alert

__all__ = ["Place", "Standing", "place_of", "standing_after"]

Place = tuple[str, str]
"""The family or record that an alert belongs to: `("family", id)` or `("record", id)`."""


class Standing(NamedTuple):
    """
    The latest version of an alert, and since when it has had its present content.

    `since` is the arrival time of the record that gave the alert this content. People's actions before that time do not
    count. `inherits` is true if the alert still has the acknowledgement of the alert that it superseded.
    """

    alert: Alert
    since: datetime
    inherits: bool

    @property
    def ended_at(self) -> datetime | None:
        """When the alert ended. None while it is open, and always None for a test alert."""
        return None if self.alert.status == AlertStatus.OPEN or self.alert.test else self.alert.raised_at

    @property
    def place(self) -> Place:
        """The family or record that the alert belongs to."""
        return place_of(self.alert)


def place_of(alert: Alert) -> Place:
    """Return the family or record that an alert belongs to."""
    return ("family", alert.family_id) if alert.family_id is not None else ("record", alert.entity_id)


def standing_after(alert: Alert, known: Standing | None) -> Standing | None:
    """Return the standing that a version gives its alert, or None if the version is not newer than the known one."""
    if known is None:
        return Standing(alert, alert.received_at, alert.supersedes is not None and alert.acknowledged_at is not None)
    if known.alert.version >= alert.version:
        return None
    if says_more(alert, known.alert):
        return Standing(alert, alert.received_at, False)
    return Standing(alert, known.since, known.inherits)
