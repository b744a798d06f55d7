"""Explains why an alert was sent to its recipients, using the version of the routes that the alert names."""

from collections.abc import Iterable
from dataclasses import dataclass

from streams.alerts.routing.router import hours_of
from streams.alerts.routing.routes import Route
from streams.alerts.routing.working_hours import profile_authority
from streams.contracts.outputs import Alert, Recipient

__all__ = ["Explanation", "explain"]


@dataclass(frozen=True)
class Explanation:
    """
    A route that fits an alert, and the recipients whom the route adds to the alert.

    There are no recipients if the family does not match the route.
    """

    route: Route
    recipients: list[Recipient]


def explain(routes: Iterable[Route], alert: Alert) -> tuple[list[Explanation], list[Recipient]]:
    """
    Return the routes that fit the alert, and the recipients that no route explains.

    If no route explains a recipient, the recipient received an earlier version of the alert. Only routes of the alert's
    own routing version count.
    """
    hours = hours_of(alert.raised_at, profile_authority(alert.profile_version))
    fitting = [
        route
        for route in routes
        if route.routing_version == alert.routing_version and route.fits(alert.rule, alert.severity, hours)
    ]
    told = [Explanation(route, [who for who in alert.recipients if who.role == route.role]) for route in fitting]
    explained = {route.role for route in fitting}
    return told, [who for who in alert.recipients if who.role not in explained]
