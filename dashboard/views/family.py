"""
The page of one family, for desks: its alerts. Here, the desk of an area opens a family of another area in an emergency.

The desk of an area sees the alerts in its own areas. While a family is open in an emergency, it sees all alerts of the
family.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec

from dashboard.reading.alerts import alerts_of_family
from dashboard.site import Asked
from streams.contracts.codesets import EmergencyReason
from streams.contracts.fields import FamilyId
from streams.tell.subscribers.times import due

__all__ = ["blank", "form", "view"]


def view(asked: Asked) -> dict[str, Any] | None:
    """Return the content of the page of a family. Return None if the address contains no valid id of a family."""
    family_id = asked.query.get("family_id", "")
    if not family_id:
        return blank(asked)
    try:
        msgspec.convert(family_id, FamilyId)
    except msgspec.ValidationError:
        return None
    with asked.site.reader.snapshot() as snapshot:
        found = alerts_of_family(snapshot, asked.site.board.alerts(), family_id)
    alerts = [alert for alert in found if asked.may_see(alert)]
    asked.alerts.extend(alerts)
    asked.families.append(family_id)
    until = asked.opened.get(family_id)
    return blank(asked, family_id=family_id) | {
        "title": f"Family {family_id}",
        "family_id": family_id,
        "alerts": alerts,
        "open_until": datetime.fromtimestamp(until, UTC) if until else None,
    }


def blank(asked: Asked, *, problem: str = "", family_id: str = "", alert_id: str = "") -> dict[str, Any]:
    """Return the content of the page before a family is chosen, or after a choice that led to a problem."""
    return {
        "title": "Family",
        "family_id": "",
        "alerts": [],
        "open_until": None,
        "due": due,
        "form": form(asked, problem=problem, family_id=family_id, alert_id=alert_id),
        "figures": [],
    }


def form(asked: Asked, *, problem: str = "", family_id: str = "", alert_id: str = "") -> dict[str, Any]:
    """Return the values of the form with which a family is chosen: by its id, or by the id of an alert about it."""
    return {
        "token": asked.token,
        "with_reason": not asked.is_desk,
        "reasons": [(str(one), one.meaning) for one in EmergencyReason],
        "minutes": f"{asked.site.settings.emergency_minutes:g}",
        "problem": problem,
        "family_id": family_id,
        "alert_id": alert_id,
    }
