"""Finds the recipients of an alert, from the routes and from what is known about its family."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache

import msgspec

from streams.alerts.routing.places import gateways_of
from streams.alerts.routing.routes import Route, in_force
from streams.alerts.routing.working_hours import is_working_hours
from streams.contracts.codesets import AlertStatus, RecipientRole
from streams.contracts.outputs import Alert, Recipient
from streams.rules.answers import FamilyDesk
from streams.times import LONDON

__all__ = ["Router", "hours_of", "recipients_of"]

_ENDED = {AlertStatus.CLOSED, AlertStatus.CLEARED, AlertStatus.WITHDRAWN}
_TAKEN_ON = "acknowledged"
"""
The `status_reason` of a version which says that somebody has acknowledged the alert. Nobody else then needs to act.
"""
_WITHOUT_PLACE = {RecipientRole.LEAD_PROFESSIONAL, RecipientRole.SERVICE}
"""The roles whose recipients are not desks of an area or a gateway."""


class Router:
    """Applies the routes to alert versions, one after another."""

    def __init__(self, authority: str, routes: Iterable[Route]) -> None:
        """Prepare the routes. `authority` receives the alerts that are not about a known family."""
        self.authority = authority
        self._routes = tuple(routes)
        self._in_force = cache(lambda authority, day: in_force(self._routes, authority, day))

    def address(self, alert: Alert, desk: FamilyDesk | None, told: Iterable[Recipient]) -> Alert:
        """
        Return an alert version with its area and its recipients added.

        Whoever received a version also receives all later versions. But while the family's address is protected, no
        version names the desk of a place, not even a desk that received an earlier one. When an alert ends, or when
        somebody acknowledges it, nobody else is notified. Alerts from a backfill and test alerts have no recipients.

        Args:
            alert: a version that is raised now (`raised_at`).
            desk: the people who work with the family, as far as they are known.
            told: the recipients of the previous version.
        """
        if alert.backfill or alert.test:
            return alert
        desk = desk or FamilyDesk(alert.family_id, self.authority)
        told = self._nameable(told, desk)
        routes = self.routes_at(desk.authority_code, alert.raised_at)
        ends = told and (alert.status in _ENDED or alert.status_reason == _TAKEN_ON)
        hours = hours_of(alert.raised_at, desk.authority_code)
        recipients = told if ends else told | recipients_of(routes, alert.rule, alert.severity, hours, desk)
        version = routes[0].routing_version if routes else None
        return msgspec.structs.replace(alert, area=desk.area, recipients=sorted(recipients), routing_version=version)

    def has_moved(self, alert: Alert, desk: FamilyDesk | None) -> bool:
        """
        Return whether the latest version of an alert about a family shows a place that it must not show any more.

        An open alert shows the area in which the family lives now. An alert that has ended keeps the area in which it
        ended, so that a move does not lead to a version of every old alert. But if the family's area is not shown any
        more, no alert about the family shows an area.

        Args:
            alert: the latest version.
            desk: the people who work with the family now, as far as they are known.
        """
        if alert.backfill or alert.test:
            return False
        desk = desk or FamilyDesk(alert.family_id, self.authority)
        if alert.area != desk.area and (alert.status == AlertStatus.OPEN or desk.area is None):
            return True
        # The area alone may be unknown, while a gateway is known and a recipient.
        return desk.is_address_protected and not set(alert.recipients) <= set(
            self.address(alert, desk, alert.recipients).recipients
        )

    def _nameable(self, told: Iterable[Recipient], desk: FamilyDesk) -> set[Recipient]:
        """Return those recipients of the previous version whom a new version may name."""
        authorities = {desk.authority_code, self.authority}
        return {
            who for who in told if not desk.is_address_protected or who.role in _WITHOUT_PLACE or who.id in authorities
        }

    def routes_at(self, authority: str, moment: datetime) -> list[Route]:
        """Return the routes of an authority that are in force at a timezone-aware time."""
        return self._in_force(authority, moment.astimezone(LONDON).date())


def hours_of(moment: datetime, authority: str) -> str:
    """Return `working` if a timezone-aware time is in the authority's working hours, else `out`."""
    return "working" if is_working_hours(moment, authority) else "out"


def recipients_of(routes: Iterable[Route], rule: str, severity: str, hours: str, desk: FamilyDesk) -> set[Recipient]:
    """Return the recipients that the routes name for an alert about a family."""
    return {
        Recipient(RecipientRole(route.role), name)
        for route in routes
        if route.fits(rule, severity, hours) and _fits_family(route, desk)
        for name in _names(route.place, desk)
    }


def _fits_family(route: Route, desk: FamilyDesk) -> bool:
    has_lead = desk.lead_professional is not None
    holds = {"any": True, "open": bool(desk.service_ids), "lead": has_lead, "no_lead": not has_lead}
    return holds[route.family]


def _names(place: str, desk: FamilyDesk) -> Sequence[str]:
    """
    Return the desks or persons that a route names.

    If the family's desk is unknown or its address is protected, the authority's own desk is returned.
    """
    match place:
        case "area":
            return [desk.area or desk.authority_code]
        case "gateway":
            return [desk.gateway or desk.authority_code]
        case "every_gateway":
            return gateways_of(desk.authority_code) or [desk.authority_code]
        case "services":
            return desk.service_ids
        case "lead":
            return [desk.lead_professional] if desk.lead_professional else []
        case _:
            return [desk.authority_code]
