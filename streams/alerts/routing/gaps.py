"""Finds alerts that would reach nobody: combinations of rule, severity, hours and facts about the family."""

from collections.abc import Iterable
from datetime import date
from itertools import product
from typing import NamedTuple

from streams.alerts.routing.router import recipients_of
from streams.alerts.routing.routes import Route, in_force
from streams.contracts.codesets import Severity
from streams.rules.answers import FamilyDesk

__all__ = ["Gap", "gaps"]


class Gap(NamedTuple):
    """A combination of rule, severity, hours, place and family for which the routes name no recipient."""

    authority_code: str
    rule: str
    severity: str
    hours: str
    place: str
    family: str


def gaps(routes: Iterable[Route], rules: Iterable[str], day: date) -> list[Gap]:
    """
    Return the combinations for which the routes in force on a day name no recipient.

    The combinations are listed for the default routes and for each authority that has routes of its own.
    """
    routes = list(routes)
    authorities = sorted({"*", *(route.authority_code for route in routes)})
    return [
        Gap(authority, rule, severity, hours, place, family)
        for authority in authorities
        for held in [in_force(routes, authority, day)]
        for rule, severity, hours in product(sorted(rules), Severity, ("working", "out"))
        for place, family, desk in _desks(authority)
        if not recipients_of(held, rule, severity, hours, desk)
    ]


def _desks(authority: str) -> Iterable[tuple[str, str, FamilyDesk]]:
    places = {"known": ("gateway", "area"), "unknown": (None, None)}
    families = {"closed": (None, []), "open": (None, ["service"]), "led": ("worker", ["service"])}
    for (place, where), (family, who) in product(places.items(), families.items()):
        yield place, family, FamilyDesk("family", authority, *where, *who)
