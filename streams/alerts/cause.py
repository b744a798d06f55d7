"""What an evaluation was made for, and what follows from it for the versions that it leads to."""

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
    What an evaluation was made for, `now`.

    `at` gives the arrival of the newest record by place.
    `amended` gives by `(source, id)` of an event whether it was corrected or withdrawn;
    `amendments` by place the newest change among the events that led to the evaluation.
    """

    at: Callable[[Place], datetime]
    now: datetime
    is_deadline: bool = False
    amended: Callable[[], Mapping[tuple[str, str], str]] = dict
    amendments: Mapping[Place, str] = field(default_factory=dict)

    def received_at(self, alert: Alert) -> datetime:
        """The arrival of the record that caused a version or, where time alone did, the latest moment that passed."""
        at = self.at(place_of(alert))
        if self.is_deadline and alert.status == AlertStatus.OPEN and alert.deadline is not None:
            passed = [moment for moment in (alert.anchored_at, alert.deadline) if moment < self.now]
            return max(passed, default=at)
        return at

    def why_gone(self, alert: Alert) -> str:
        """
        Why an evaluation no longer has an alert.

        A correction or withdrawal of its evidence, else of an event that led to the evaluation, else late evidence.
        """
        amended = self.amended()
        changes = [amended.get((item.source, item.id)) for item in alert.evidence]
        change = next((change for change in changes if change), self.amendments.get(place_of(alert)))
        return f"event_{change}" if change else "late_evidence"
