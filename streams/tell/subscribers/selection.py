"""Which versions a subscriber is given: none twice, none already replaced, and every one that it must know."""

from collections import OrderedDict
from dataclasses import dataclass

from streams.contracts.outputs import Alert
from streams.tell.subscribers.alert_filter import AlertFilter, is_open

__all__ = ["Selection"]


@dataclass(frozen=True, slots=True)
class _Seen:
    version: int
    given: bool
    """Whether any version of the alert was given to the subscriber."""


class Selection:
    """
    Decides version by version, in the order of the topic.

    Whoever was given an alert is given its later versions too, even those that the filters do not match:
    otherwise a red alert that became amber, moved or was cleared would stand with the subscriber for ever.
    Whoever was not is spared the end of what never began.
    It remembers the last `capacity` alerts.
    """

    def __init__(self, wanted: AlertFilter, *, standing: bool, capacity: int) -> None:
        self._wanted = wanted
        self._standing = standing
        self._capacity = capacity
        self._seen: OrderedDict[str, _Seen] = OrderedDict()

    def takes(self, alert: Alert) -> bool:
        """Whether the subscriber is given this version; it is remembered."""
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
        # The end of an alert of which nothing is known is told rather than lost.
        return matches and (is_open(alert) or before is None)
