"""
Record which pages and alerts a reader sees, before the page is sent.

An open page loads its content again whenever something changes, which can be every second. Such a request is recorded
only if the same session did not ask for the same address in the last quarter of an hour, or if the page shows an alert
for which this is so. The address counts with everything that a reader can choose in it, because each choice shows
something else. So a reader who sends other requests in the same form hides nothing that was not recorded before.
"""

import threading
import time
from collections.abc import Sequence

from dashboard.access.login import Who, actor
from streams.audit.entries import about_alerts, entries
from streams.audit.recorder import Recorder
from streams.contracts.codesets import AuditAction, AuditOutcome
from streams.contracts.escalation import OpenedInEmergency
from streams.contracts.outputs import Alert

__all__ = ["Seen"]

_SECONDS = 900.0
_MOST = 100_000


class Seen:
    """Records what readers see. Readers who are not logged in see only what is published, which is not recorded."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._lock = threading.Lock()
        self._at: dict[tuple[str, str], float] = {}
        """When it was last recorded that a session saw an alert at an address, or what else is there."""

    def page(
        self,
        who: Who,
        page: str,
        alerts: list[Alert],
        families: Sequence[str] = (),
        *,
        request: str,
        again: bool = False,
    ) -> None:
        """
        Record that a reader sees a page, the alerts on it, and the families that it is about even without an alert.

        Args:
            request: stands for the reader's session and the address that was asked for.
            again: whether an open page loads itself again. What a person asks for is always recorded.

        Raises:
            AuditUnavailable: it cannot be recorded, so the page must not be shown.
        """
        if not who.name:
            return
        shown = self._new(request, alerts) if again else alerts
        if again and not shown and self._is_known(request, ""):
            return
        about = about_alerts(shown)
        action = AuditAction.ALERTS_SEEN if shown else AuditAction.PAGE_OPENED
        about = about | {"family_ids": [*families, *about["family_ids"]]}
        self._recorder.record(entries(actor(who), action, page, about))
        with self._lock:
            if len(self._at) > _MOST:
                self._at.clear()
            for seen in ("", *(alert.alert_id for alert in shown)):
                self._at[request, seen] = time.monotonic()

    def table(self, who: Who, table: str) -> None:
        """
        Record that a reader downloads a table.

        Raises:
            AuditUnavailable: it cannot be recorded.
        """
        if who.name:
            self._recorder.record(entries(actor(who), AuditAction.TABLE_DOWNLOADED, table))

    def refused(self, who: Who, page: str, alerts: Sequence[Alert] = ()) -> None:
        """
        Record that a reader asked for a page, or for alerts, that this reader may not see.

        Raises:
            AuditUnavailable: it cannot be recorded.
        """
        about = about_alerts(alerts)
        told = entries(actor(who), AuditAction.PAGE_OPENED, page, about, AuditOutcome.REFUSED)
        self._recorder.record(told)

    def opened(
        self,
        who: Who,
        opening: OpenedInEmergency | None,
        alert: Alert | None,
        outcome: AuditOutcome = AuditOutcome.ALLOWED,
    ) -> None:
        """
        Record that a reader opens a family in an emergency, why, and from which alert; or that this was refused.

        Raises:
            AuditUnavailable: it cannot be recorded, so the family must not be opened.
        """
        about = about_alerts([alert] if alert else [])
        families = [opening.family_id] if opening else about["family_ids"]
        reason = str(opening.emergency_reason) if opening else None
        told = entries(actor(who), AuditAction.FAMILY_OPENED, reason, about | {"family_ids": families}, outcome)
        self._recorder.record(told)

    def _new(self, request: str, alerts: list[Alert]) -> list[Alert]:
        return [alert for alert in alerts if not self._is_known(request, alert.alert_id)]

    def _is_known(self, request: str, alert_id: str) -> bool:
        return time.monotonic() - self._at.get((request, alert_id), float("-inf")) < _SECONDS
