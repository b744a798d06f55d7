"""
The filter that says which alerts somebody wants. Subscribers, the webhook and e-mail senders and `./caf
alerts` use it.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass

from streams.alerts.routing.unroutable import REACHES_NOBODY
from streams.contracts.codesets import AlertStatus, RecipientRole, Severity
from streams.contracts.outputs import Alert
from streams.errors import SettingInvalid
from streams.rules.register import rule_names
from streams.settings import PROJECT

__all__ = ["UNKNOWN_AREA", "AlertFilter", "Words", "is_open"]

UNKNOWN_AREA = "unknown"
"""The name that users write to get alerts whose area is unknown or protected."""

_GEOGRAPHY = PROJECT / "dbt_project" / "seeds" / "geography.csv"

Words = str | Iterable[str]
"""One word, or several words."""


def _area_names() -> set[str]:
    """Return the names of all areas, as alerts spell them, and `unknown`."""
    with _GEOGRAPHY.open(newline="") as file:
        return {line["constituency_name"].lower().replace(" ", "_") for line in csv.DictReader(file)} | {UNKNOWN_AREA}


@dataclass(frozen=True, kw_only=True)
class AlertFilter:
    """The properties that an alert must have. An empty set allows every value."""

    severities: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()
    areas: frozenset[str] = frozenset()
    recipients: frozenset[str] = frozenset()
    """Each recipient is a role (`duty`), or a role with the id of one desk or person (`duty:birkenhead`)."""
    backfill: bool = False
    test: bool = False

    @classmethod
    def of(
        cls,
        *,
        severity: Words = (),
        rule: Words = (),
        area: Words = (),
        recipient: Words = (),
        backfill: bool = False,
        test: bool = False,
    ) -> "AlertFilter":
        """
        Make a filter from the words that users write. Each argument is one word or several words.

        Raises:
            SettingInvalid: no alert can ever match one of the words.
        """
        return cls(
            severities=_known("severity", severity, set(Severity)),
            rules=_known("rule", rule, {*rule_names(), REACHES_NOBODY}) if rule else frozenset(),
            areas=_known("area", area, _area_names()) if area else frozenset(),
            recipients=_roles(recipient),
            backfill=backfill,
            test=test,
        )

    def matches(self, alert: Alert) -> bool:
        """Return True if this version of an alert matches the filter. The status of the alert makes no difference."""
        return (
            (not self.severities or alert.severity in self.severities)
            and (not self.rules or alert.rule in self.rules)
            and (not self.areas or (alert.area or UNKNOWN_AREA) in self.areas)
            and (not self.recipients or any(self._is_for(one.role, one.id) for one in alert.recipients))
            and (self.backfill or not alert.backfill)
            and (self.test or not alert.test)
        )

    def _is_for(self, role: str, id_: str) -> bool:
        return not self.recipients.isdisjoint((role, f"{role}:{id_}"))


def is_open(alert: Alert) -> bool:
    """Return True if somebody still has to act on the alert."""
    return alert.status == AlertStatus.OPEN


def _several(words: Words) -> set[str]:
    return {words} if isinstance(words, str) else set(words)


def _known(kind: str, words: Words, allowed: set[str]) -> frozenset[str]:
    given = _several(words)
    if strange := sorted(given - allowed):
        raise SettingInvalid(f"{kind} {strange[0]!r} is unknown; allowed: {', '.join(sorted(allowed))}")
    return frozenset(given)


def _roles(words: Words) -> frozenset[str]:
    given = _several(words)
    _known("recipient's role", {word.partition(":")[0] for word in given}, set(RecipientRole))
    return frozenset(given)
