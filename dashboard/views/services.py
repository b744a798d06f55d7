"""The services that the families of a place asked for and got, compared with the larger place around it."""

from dataclasses import replace

from dashboard.drawing import charts
from dashboard.drawing.figures import Column, Figure
from dashboard.drawing.withheld import hide_parts
from dashboard.reading.geography import Tree
from dashboard.reading.reader import Row, Snapshot
from dashboard.site import Asked

__all__ = ["hidden", "services"]

_SERVICES = """
    SELECT area_level, area_code, service_kind, services, requested, started, waiting, waiting_beyond_target, declined,
           cancelled, families_served
    FROM marts.analytics.mart_local_services
    WHERE authority_code = $authority
    ORDER BY ALL
"""
_STATES = {"started": "Started", "waiting": "Waiting", "declined": "Declined"}
_PARTS = (*_STATES, "cancelled", "waiting_beyond_target", "families_served")
_AROUND = ("families_served", "waiting")


def services(asked: Asked, lake: Snapshot, places: Tree, place: str) -> Figure:
    """Make the figure of a place. An LSOA gets the figure of its ward, because services are not counted for LSOAs."""
    ward = next(iter(places.wards_of(place))) if place in places.lsoas else place
    rows = lake.rows(_SERVICES, {"authority": asked.authority})
    if not asked.is_desk:
        rows = _hidden(rows, places)
    own = sorted((row for row in rows if row["area_code"] == (ward or asked.authority)), key=_most_asked)
    around = places.above(ward)[-1:]
    beside = {
        row["service_kind"]: row for row in rows if around and row["area_code"] == (around[0][0] or asked.authority)
    }
    name = places.names.get(ward, places.authority_name)
    figure = _figure(name, around[0][1] if around else "", [row | _of(beside, row["service_kind"]) for row in own])
    return figure if asked.is_desk else replace(figure, note=f"{figure.note} The chart leaves out hidden counts.")


def _most_asked(row: Row) -> tuple[int, str]:
    asked = row["requested"]
    return -asked if isinstance(asked, int) else 0, row["service_kind"]


def _of(beside: dict[str, Row], kind: str) -> Row:
    return {f"around_{key}": beside[kind][key] if kind in beside else None for key in _AROUND}


def _hidden(rows: list[Row], places: Tree) -> list[Row]:
    """
    Hide small counts.

    The counts of wards add up to their area, and the counts of areas add up to the authority. So other counts may have
    to be hidden as well.
    """
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        above = places.area_of(row["area_code"]) if row["area_level"] == "ward" else ""
        groups.setdefault((row["area_level"], above, row["service_kind"]), []).append(row)
    return [row for group in groups.values() for row in hidden(group)]


def hidden(group: list[Row]) -> list[Row]:
    """
    Hide small counts of one service, for readers other than the desk.

    The rows are places that together make up a larger place.
    """
    found = hide_parts(group, "requested")
    for count in _PARTS:
        # The outcomes add up to the requests. So if one outcome is hidden, the number of requests must be hidden as
        # well.
        found = hide_parts(found, count, ["requested"])
    return found


def _figure(name: str, around: str, rows: list[Row]) -> Figure:
    by_state = [
        {"service_kind": row["service_kind"], "state": says, "requests": row[state]}
        for row in rows
        for state, says in _STATES.items()
    ]
    beside = (
        (
            Column("around_families_served", f"Families served, {around}", "count"),
            Column("around_waiting", f"Waiting, {around}", "count"),
        )
        if around
        else ()
    )
    return Figure(
        key="services",
        title=f"Services that families asked for, by kind, {name}",
        unit="requests in the last twelve months, by what happened to them",
        source="marts.analytics.mart_local_services",
        columns=(
            Column("service_kind", "Kind of service"),
            Column("families_served", "Families served", "count"),
            Column("requested", "Requested", "count"),
            Column("started", "Started", "count"),
            Column("waiting", "Waiting", "count"),
            Column("waiting_beyond_target", "Waiting beyond target", "count"),
            Column("declined", "Declined", "count"),
            Column("services", "Different services", "count"),
            *beside,
        ),
        rows=rows,
        chart=charts.bars(by_state, x="requests", y="service_kind", x_title="requests", colour="state") if rows else "",
        note="Requests are counted where families live. The records do not say where a service is.",
        empty="There is no figure. Either no family here asked for a service in the last twelve months, or the "
        "records are not complete for that time.",
    )
