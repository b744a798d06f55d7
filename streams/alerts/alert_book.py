"""The latest versions of alerts, and the new versions that are needed after an evaluation."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from hashlib import md5

import msgspec

from streams.alerts.cause import Cause
from streams.alerts.handling import Handled, without_handling
from streams.alerts.life import versions_after
from streams.alerts.next_version import moved
from streams.alerts.standing import Place, Standing, place_of, standing_after
from streams.contracts.outputs import Alert, Recipient

__all__ = ["AlertBook"]

_NAMED_BY_FAMILY = frozenset({"referral", "child"})


class AlertBook:
    """The latest version of each alert about some families and records."""

    def __init__(self, standing: Iterable[Standing] = ()) -> None:
        self._places: dict[Place, dict[str, Standing]] = defaultdict(dict)
        for one in standing:
            self._places[one.place][one.alert.alert_id] = one

    def record(self, alert: Alert) -> Standing | None:
        """Add a version and return the alert's new standing, or None if the version is not newer than the known one."""
        entries = self._places[place_of(alert)]
        standing = standing_after(alert, entries.get(alert.alert_id))
        if standing is not None:
            entries[alert.alert_id] = standing
        return standing

    def ids(self, places: Iterable[Place]) -> Iterator[str]:
        """Yield the ids of the known alerts about the given families and records."""
        for place in places:
            yield from self._places.get(place, ())

    def has(self, alert: Alert) -> bool:
        """Return whether any version of the alert is known."""
        return alert.alert_id in self._places[place_of(alert)]

    def recipients(self, alert: Alert) -> list[Recipient]:
        """Return the recipients of the latest known version of the alert, or an empty list if no version is known."""
        known = self._places[place_of(alert)].get(alert.alert_id)
        return [] if known is None else known.alert.recipients

    def changes(
        self,
        current: Iterable[Alert],
        places: Collection[Place],
        rules: Collection[str],
        cause: Cause,
        *,
        handled: Mapping[str, Handled],
    ) -> list[Alert]:
        """
        Return the versions that must be published to bring the topic into line with an evaluation.

        Args:
            current: the alerts that the evaluation found, as first versions. Alerts about families and records that are
                not in `places` are ignored.
            places: the families and records that were evaluated.
            rules: the rules that were evaluated.
            cause: the reason for the evaluation.
            handled: people's actions on alerts about these families and records, by alert id.
        """
        found = {place: self._handled(place, rules, handled) for place in places}
        for alert in current:
            if (place := place_of(alert)) in found:
                known = self._as_known(place, alert)
                found[place][known.alert_id] = known
        return [
            version
            for place, alerts in found.items()
            for version in versions_after(self._places[place], alerts, rules, cause, handled)
        ]

    def moved(
        self,
        places: Iterable[Place],
        has_moved: Callable[[Alert], bool],
        at: Callable[[Place], datetime],
        now: datetime,
    ) -> list[Alert]:
        """
        Return the versions that are needed because the area of a family has changed.

        An alert gets such a version even if its rule was not evaluated, because alerts of all rules show the area.

        Args:
            places: the families and records that were evaluated.
            has_moved: says whether the latest version of an alert shows a place that it must not show any more.
            at: returns the time that caused the evaluation of a family or record.
            now: the time of the evaluation.
        """
        return [
            msgspec.structs.replace(moved(one.alert), received_at=at(place), raised_at=now)
            for place in places
            for one in self._places[place].values()
            if has_moved(one.alert)
        ]

    def _as_known(self, place: Place, alert: Alert) -> Alert:
        """
        Return the alert under its former id, if it is known under that id.

        Earlier software left the family's id out of the ids of alerts about referrals and children.
        """
        if alert.entity_kind not in _NAMED_BY_FAMILY:
            return alert
        parts = (alert.rule, "", alert.entity_kind, alert.entity_id, alert.anchor_source, alert.anchor_id)
        former = md5("|".join(parts).encode(), usedforsecurity=False).hexdigest()
        is_known = former in self._places[place]
        return msgspec.structs.replace(alert, alert_id=former) if is_known else alert

    def _handled(self, place: Place, rules: Collection[str], handled: Mapping[str, Handled]) -> dict[str, Alert]:
        """
        Return the alerts that people have acted on and whose rules were not evaluated.

        Each alert is returned as its rule last raised it, without people's actions.
        """
        return {
            alert_id: without_handling(entry.alert)
            for alert_id, entry in self._places[place].items()
            if entry.alert.rule not in rules and (entry.alert.acknowledged_at is not None or alert_id in handled)
        }
