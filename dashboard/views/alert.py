"""The page of one alert, for the desk: why the alert was raised, its evidence, its recipients and its history."""

from typing import Any

from dashboard.site import Asked
from streams.alerts.landed import latest_alerts
from streams.rules.register import newest
from streams.tell.subscribers.view import closing, recipients

__all__ = ["view"]

_VERSIONS = """
    SELECT version, raised_at, severity, status, status_reason
    FROM landing.main.alerts
    WHERE alert_id = ?
    QUALIFY row_number() OVER (PARTITION BY version ORDER BY kafka_offset) = 1
    ORDER BY version
"""


def view(asked: Asked) -> dict[str, Any] | None:
    """Return the content of the page of one alert, and record who opened it. Return None if no alert has this id."""
    alert_id = asked.query["alert_id"]
    on_board = [alert for alert in asked.site.board.alerts() if alert.alert_id == alert_id]
    with asked.site.reader.snapshot() as snapshot:
        found = on_board or latest_alerts(snapshot.lake, [alert_id])
        versions = snapshot.rows(_VERSIONS, [alert_id])
    if not found:
        return None
    asked.site.door.note(asked.who.name, "opened", alert_id)
    alert = found[0]
    return {
        "title": alert.rule.replace("_", " "),
        "alert": alert,
        "statement": newest().get(alert.rule, {}).get("statement", ""),
        "versions": versions,
        "recipients": recipients(alert),
        "closing": closing(alert) if alert.closed_at else "",
    }
