"""The reason for an evaluation, and the times and reasons of the alert versions that follow from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from streams.alerts.standing import Place, place_of
from streams.contracts.codesets import AlertStatus
from streams.contracts.outputs import Alert

__all__ = ["Cause"]


@dataclass(frozen=True)
class Cause:
    """
    The reason for an evaluation at the time `now`.

    `at` returns the arrival time of the newest record about a family or record. `is_deadline` says that only time has
    passed and no event has arrived. `amended` returns the events that were corrected or withdrawn, by `(source, id)`.
    `amendments` holds, by family or record, the newest change (corrected or withdrawn) among the events that led to the
    evaluation.
    """

    at: Callable[[Place], datetime]
    now: datetime
    is_deadline: bool = False
    amended: Callable[[], Mapping[tuple[str, str], str]] = dict
    amendments: Mapping[Place, str] = field(default_factory=dict)

    def received_at(self, alert: Alert) -> datetime:
        """
        Return the arrival time of the record that caused a version.

        If a deadline alone caused the version, return the latest of the alert's anchor time and deadline that has
        passed.
        """
        at = self.at(place_of(alert))
        if self.is_deadline and alert.status == AlertStatus.OPEN and alert.deadline is not None:
            passed = [moment for moment in (alert.anchored_at, alert.deadline) if moment < self.now]
            return max(passed, default=at)
        return at

    def why_gone(self, alert: Alert) -> str:
        """
        Return the reason why an evaluation no longer finds an alert.

        The reason is a correction or withdrawal of an event in the alert's evidence. If there is none, it is a
        correction or withdrawal of an event that led to the evaluation. Otherwise the reason is late evidence.
        """
        amended = self.amended()
        changes = [amended.get((item.source, item.id)) for item in alert.evidence]
        change = next((change for change in changes if change), self.amendments.get(place_of(alert)))
        return f"event_{change}" if change else "late_evidence"
