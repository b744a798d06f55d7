"""The routes: rows of `routes.csv` that give alerts to recipients. An authority may have routes of its own."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from streams.contracts.codesets import RecipientRole, Severity
from streams.errors import RouteInvalid
from streams.rules.compiled import DBT_PROJECT

__all__ = ["ROUTES_FILE", "Route", "in_force", "read_routes"]

ROUTES_FILE = DBT_PROJECT / "seeds" / "routes.csv"

_ALLOWED = {
    "severity": {"any", *Severity},
    "hours": {"any", "working", "out"},
    "family": {"any", "open", "lead", "no_lead"},
    "role": set(RecipientRole),
    "place": {"area", "gateway", "every_gateway", "services", "lead", "authority"},
}


@dataclass(frozen=True)
class Route:
    """
    A row of `routes.csv`, which gives one rule's alerts to one kind of recipient. The seed `routes` has a description
    of each column.
    """

    authority_code: str
    routing_version: str
    effective_from: date
    rule: str
    severity: str
    hours: str
    family: str
    role: str
    place: str

    def fits(self, rule: str, severity: str, hours: str) -> bool:
        """
        Return whether the route applies to alerts of this rule and severity that are raised in these hours.

        `hours` is `working` or `out`.
        """
        return self.rule == rule and self.severity in {"any", severity} and self.hours in {"any", hours}


def read_routes(path: Path = ROUTES_FILE) -> tuple[Route, ...]:
    """
    Return all routes of all versions.

    Raises:
        RouteInvalid: a column has a value that is not allowed in this column.
    """
    with path.open(newline="") as file:
        return tuple(_route(number, line) for number, line in enumerate(csv.DictReader(file), start=2))


def in_force(routes: Iterable[Route], authority: str, day: date) -> list[Route]:
    """Return an authority's routes in force on a day, or the default routes if it has none of its own yet."""
    routes = [route for route in routes if route.effective_from <= day]
    own = [route for route in routes if route.authority_code == authority]
    candidates = own or [route for route in routes if route.authority_code == "*"]
    newest = max(((route.effective_from, route.routing_version) for route in candidates), default=None)
    return [route for route in candidates if (route.effective_from, route.routing_version) == newest]


def _route(number: int, line: dict[str, str]) -> Route:
    for column, allowed in _ALLOWED.items():
        if line[column] not in allowed:
            raise RouteInvalid(
                f"line {number} of the routes has {column} {line[column]!r}; allowed: {', '.join(sorted(allowed))}"
            )
    values: dict[str, Any] = line | {"effective_from": date.fromisoformat(line["effective_from"])}
    return Route(**values)
