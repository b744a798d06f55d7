"""How an alert stands: its latest version, where it is looked for, and from when on people's actions cover it."""

from datetime import datetime
from typing import NamedTuple

from streams.alerts.next_version import says_more
from streams.contracts.codesets import AlertStatus
from streams.contracts.outputs import Alert

__all__ = ["Place", "Standing", "place_of", "standing_after"]

Place = tuple[str, str]
"""The family, or the record, in which an alert is looked for: `("family", id)` or `("record", id)`."""


class Standing(NamedTuple):
    """
    The latest version of an alert.

    `since` is the time of the cause from which on the alert says what it says. What people did before that time does
    not cover it. `inherits` tells whether its acknowledgement is that of the alert it superseded.
    """

    alert: Alert
    since: datetime
    inherits: bool

    @property
    def ended_at(self) -> datetime | None:
        """When it ended; None while it is open. A test alert counts as ended from the start."""
        return None if self.alert.status == AlertStatus.OPEN or self.alert.test else self.alert.raised_at

    @property
    def place(self) -> Place:
        """Where it is looked for."""
        return place_of(self.alert)


def place_of(alert: Alert) -> Place:
    """Where an alert is looked for."""
    return ("family", alert.family_id) if alert.family_id is not None else ("record", alert.entity_id)


def standing_after(alert: Alert, known: Standing | None) -> Standing | None:
    """How an alert stands after a version; None when the version is not newer than what is known."""
    if known is None:
        return Standing(alert, alert.received_at, alert.supersedes is not None and alert.acknowledged_at is not None)
    if known.alert.version >= alert.version:
        return None
    if says_more(alert, known.alert):
        return Standing(alert, alert.received_at, False)
    return Standing(alert, known.since, known.inherits)
