"""The page of one alert, for desks: why the alert was raised, its evidence, its recipients and its history."""

from typing import Any

from dashboard.reading.alerts import alert_of
from dashboard.site import Asked, NotTheirs
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
    """
    Return the content of the page of one alert. Return None if no alert has this id.

    Raises:
        NotTheirs: the reader's account is for other areas, and the family is not open in an emergency. It is also
            raised if no alert has this id, because such a reader must not learn which alerts exist.
    """
    alert_id = asked.query["alert_id"]
    with asked.site.reader.snapshot() as snapshot:
        alert = alert_of(snapshot, asked.site.board.alerts(), alert_id)
        versions = snapshot.rows(_VERSIONS, [alert_id])
    if alert is None:
        if asked.is_desk:
            return None
        raise NotTheirs
    if not asked.may_see(alert):
        raise NotTheirs(alert)
    asked.alerts.append(alert)
    return {
        "title": alert.rule.replace("_", " "),
        "alert": alert,
        "statement": newest().get(alert.rule, {}).get("statement", ""),
        "versions": versions,
        "recipients": recipients(alert),
        "closing": closing(alert) if alert.closed_at else "",
    }
