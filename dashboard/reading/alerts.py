"""Finds alerts on the board and in the lake. Each of the two may be behind the other, so the newer version counts."""

from collections.abc import Iterable

from dashboard.reading.reader import Snapshot
from streams.alerts.landed import latest_alerts
from streams.contracts.outputs import Alert

__all__ = ["alert_of", "alerts_of_family"]

_OF_FAMILY = "SELECT DISTINCT alert_id FROM landing.main.alerts WHERE family_id = ? AND NOT test"


def alert_of(snapshot: Snapshot, board: Iterable[Alert], alert_id: str) -> Alert | None:
    """Return the newest version of an alert, or None if there is no such alert."""
    found = _newest(snapshot, [alert for alert in board if alert.alert_id == alert_id], [alert_id])
    return found[0] if found else None


def alerts_of_family(snapshot: Snapshot, board: Iterable[Alert], family_id: str) -> list[Alert]:
    """Return the newest version of each alert about a family, the newest alert first."""
    landed = [row["alert_id"] for row in snapshot.rows(_OF_FAMILY, [family_id])]
    found = _newest(snapshot, [alert for alert in board if alert.family_id == family_id], landed)
    return sorted(found, key=lambda alert: alert.raised_at, reverse=True)


def _newest(snapshot: Snapshot, on_board: list[Alert], landed: list[str]) -> list[Alert]:
    newest: dict[str, Alert] = {}
    for alert in [*on_board, *(latest_alerts(snapshot.lake, landed) if landed else [])]:
        known = newest.get(alert.alert_id)
        if known is None or known.version < alert.version:
            newest[alert.alert_id] = alert
    return list(newest.values())
