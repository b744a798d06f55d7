"""How many alerts a day each desk should expect with the routes in force, and how many each desk has received."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import NamedTuple

import duckdb

from streams.alerts.routing.router import recipients_of
from streams.alerts.routing.routes import Route
from streams.contracts.outputs import Recipient
from streams.rules.answers import FamilyDesk
from streams.rules.expected import Expected
from streams.rules.seeds import seed_rows

__all__ = ["CAME_DAYS", "Load", "came", "expected_load"]

CAME_DAYS = 28
"""The number of days, up to now, for which `came` counts alerts."""

_SERVICE, _LEAD = "each open service", "each lead professional"
_GROUPED = {"service": _SERVICE, "lead_professional": _LEAD}
"""The kinds of recipients that are shown under one name, because there are too many to show each of them."""

Load = dict[tuple[Recipient, str], float]
"""Alerts per day, by recipient and rule."""

_CAME = f"""
    WITH routed AS (
        SELECT alert_id, rule, raised_at, unnest(recipients) AS who
        FROM landing.main.alerts
        WHERE NOT backfill AND NOT test
    ),
    told AS (
        SELECT alert_id, rule, who, min(raised_at) AS told_at FROM routed GROUP BY ALL
    ),
    watched AS (
        SELECT least({CAME_DAYS}, date_diff('second', min(raised_at), now()::TIMESTAMP) / 86400) AS days FROM routed
    )
    SELECT who.role, who.id, rule, count(*) / any_value(days)
    FROM told CROSS JOIN watched
    WHERE told_at >= now()::TIMESTAMP - INTERVAL {CAME_DAYS} DAY AND days > 0
    GROUP BY ALL
"""


class _Place(NamedTuple):
    gateway: str | None
    area: str | None


def expected_load(
    routes: Iterable[Route], expected: Mapping[str, Expected], severities: Mapping[str, str], authority: str
) -> Load:
    """
    Return how many alerts a day each recipient should expect from each rule.

    A rule's alerts are divided by severity, by hours and by what is known about the family, as if these three did not
    depend on each other. The alerts are divided among areas by the number of children. Then the routes are applied as
    for a real alert.

    Args:
        routes: the routes in force for the authority.
        expected: the expected number and the shares of each rule's alerts.
        severities: the severity of each rule in the register. Alerts that are not red have this severity, or amber if
            this severity is red.
        authority: the authority's GSS code.
    """
    routes = list(routes)
    load: Load = defaultdict(float)
    for rule, one in expected.items():
        rest = "amber" if severities[rule] == "red" else severities[rule]
        hours = _either(one.out_of_hours, "out", "working")
        kinds = product(_either(one.red, "red", rest), hours, _families(one), _places(authority))
        for (severity, red), (hour, out), (family, known), (place, children) in kinds:
            desk = FamilyDesk("family", authority, *place, *family)
            for who in recipients_of(routes, rule, severity, hour, desk):
                load[who, rule] += one.a_day(children) * red * out * known
    return {key: a_day for key, a_day in load.items() if a_day}


def came(lake: duckdb.DuckDBPyConnection) -> Load:
    """
    Return how many alerts a day each recipient received in the last 28 days. Test alerts and backfills do not count.

    If the first alert is less than 28 days old, the number is per day since that alert.
    """
    load: Load = defaultdict(float)
    for role, name, rule, a_day in lake.execute(_CAME).fetchall():
        load[Recipient(role, _GROUPED.get(role, name)), rule] += a_day
    return dict(load)


def _either(share: float, name: str, other: str) -> list[tuple[str, float]]:
    return [(name, share), (other, 1 - share)]


def _families(one: Expected) -> list[tuple[tuple[str | None, list[str]], float]]:
    """
    Return each combination of lead professional and open service that a family may have, with its probability.

    Families with a lead professional are assumed to be open, as far as the number of open families allows.
    """
    led = min(one.open, one.lead)
    return [
        ((_LEAD, [_SERVICE]), led),
        ((None, [_SERVICE]), one.open - led),
        ((_LEAD, []), one.lead - led),
        ((None, []), 1 - max(one.open, one.lead)),
    ]


def _places(authority: str) -> Iterator[tuple[_Place, float]]:
    """Yield each area with its gateway, and the number of children who live in the area."""
    children: dict[str, float] = defaultdict(float)
    names: dict[str, str] = {}
    for line in seed_rows("geography"):
        if line["la_code"] == authority:
            names[line["constituency_code"]] = line["constituency_name"].lower().replace(" ", "_")
            children[line["constituency_code"]] += float(line["children_0_17_estimate"])
    gateways = {line["area_code"]: line["gateway"] for line in seed_rows("gateways")}
    for code, many in children.items():
        yield _Place(gateways.get(code), names[code]), many
