"""The reason for an evaluation. The new alert versions take their times and their reasons from it."""

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
    The reason for an evaluation.

    Attributes:
        at: returns the time that caused the evaluation of a family or record: the arrival time of its newest record, or
            a deadline that has passed.
        now: the time of the evaluation.
        is_deadline: True if no event has arrived, and the evaluation takes place only because time has passed.
        amended: returns `corrected` or `withdrawn` for each event that was changed, by `(source, id)`.
        amendments: the newest change (`corrected` or `withdrawn`) among the events that led to the evaluation, by
            family or record.
    """

    at: Callable[[Place], datetime]
    now: datetime
    is_deadline: bool = False
    amended: Callable[[], Mapping[tuple[str, str], str]] = dict
    amendments: Mapping[Place, str] = field(default_factory=dict)

    def received_at(self, alert: Alert) -> datetime:
        """
        Return the arrival time of the record that caused a version.

        If no record caused the version, because only time has passed, return the alert's deadline or the time of its
        anchor, whichever passed last.
        """
        at = self.at(place_of(alert))
        if self.is_deadline and alert.status == AlertStatus.OPEN and alert.deadline is not None:
            passed = [moment for moment in (alert.anchored_at, alert.deadline) if moment < self.now]
            return max(passed, default=at)
        return at

    def why_gone(self, alert: Alert) -> str:
        """
        Return the reason why an evaluation no longer finds an alert.

        The reason is that an event in the alert's evidence was corrected or withdrawn. If none was, the reason is that
        an event that led to the evaluation was corrected or withdrawn. Otherwise, the reason is late evidence.
        """
        amended = self.amended()
        changes = [amended.get((item.source, item.id)) for item in alert.evidence]
        change = next((change for change in changes if change), self.amendments.get(place_of(alert)))
        return f"event_{change}" if change else "late_evidence"
