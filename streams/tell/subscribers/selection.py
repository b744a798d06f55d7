"""Choose which versions of alerts a subscriber gets. Repeated and outdated versions are left out."""

from collections import OrderedDict
from dataclasses import dataclass

from streams.contracts.outputs import Alert
from streams.tell.subscribers.alert_filter import AlertFilter, is_open

__all__ = ["Selection"]


@dataclass(frozen=True, slots=True)
class _Seen:
    version: int
    given: bool
    """True if the subscriber was given at least one version of the alert."""


class Selection:
    """
    Decides for each version whether the subscriber gets it. The versions must come in the order of the topic.

    If a subscriber got an alert, it also gets the alert's later versions, even if they do not match its filters.
    Otherwise it would never learn that a red alert became amber, moved to another area or was cleared. If a subscriber
    did not get an alert, it does not get the version that ends the alert either. The selection remembers the last
    `capacity` alerts.
    """

    def __init__(self, wanted: AlertFilter, *, standing: bool, capacity: int) -> None:
        self._wanted = wanted
        self._standing = standing
        self._capacity = capacity
        self._seen: OrderedDict[str, _Seen] = OrderedDict()

    def takes(self, alert: Alert) -> bool:
        """Return whether the subscriber gets this version, and remember the answer."""
        before = self._seen.get(alert.alert_id)
        if before is not None and alert.version <= before.version:
            return False
        taken = self._concerns(alert, before)
        self._seen[alert.alert_id] = _Seen(alert.version, taken or (before is not None and before.given))
        self._seen.move_to_end(alert.alert_id)
        if len(self._seen) > self._capacity:
            self._seen.popitem(last=False)
        return taken

    def _concerns(self, alert: Alert, before: _Seen | None) -> bool:
        matches = self._wanted.matches(alert)
        if self._standing:
            return matches and is_open(alert)
        if before is not None and before.given:
            return True
        # If the selection does not remember the alert, the subscriber may have got it long ago. So the subscriber also
        # gets the version that ends the alert.
        return matches and (is_open(alert) or before is None)
