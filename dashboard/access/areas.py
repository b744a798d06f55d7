"""The areas to which an account of the desk can be limited."""

from collections.abc import Iterable

from dashboard.access.audience import desk_of
from dashboard.drawing.boundaries import area_names
from streams.contracts.outputs import Alert
from streams.errors import SettingInvalid
from streams.tell.subscribers.alert_filter import UNKNOWN_AREA

__all__ = ["all_areas", "area_of", "checked_desk"]


def all_areas(authority: str) -> list[str]:
    """Return the areas of an authority, and the word for alerts that show no area."""
    return [*area_names(authority), UNKNOWN_AREA]


def area_of(alert: Alert) -> str:
    """Return the area of an alert. If it is unknown, or hidden because the address is protected, it is `unknown`."""
    return alert.area or UNKNOWN_AREA


def checked_desk(areas: Iterable[str], authority: str) -> str:
    """
    Return the role of the desk of some areas of an authority.

    Raises:
        SettingInvalid: the authority has no such area.
    """
    given, allowed = set(areas), all_areas(authority)
    if strange := sorted(given.difference(allowed)):
        raise SettingInvalid(f"the area {strange[0]!r} is not one of {authority}; allowed: {', '.join(allowed)}")
    return desk_of(given)
