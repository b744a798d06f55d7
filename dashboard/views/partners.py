"""The page Partners: how many requests wait for each kind of service, and for how long."""

from dashboard.drawing import charts
from dashboard.drawing.figures import Column, Figure
from dashboard.drawing.figures_page import figures_page
from dashboard.drawing.withheld import hide
from dashboard.reading.reader import Row, Snapshot
from dashboard.site import Asked

__all__ = ["hidden", "view"]

_SOURCE = "marts.analytics.mart_partner"
_BY_KIND = """
    SELECT service_kind, max(target_days) AS target_days, sum(requested)::BIGINT AS requested,
           sum(started)::BIGINT AS started, sum(declined)::BIGINT AS declined,
           sum(declined_no_capacity)::BIGINT AS declined_no_capacity, sum(waiting)::BIGINT AS waiting,
           sum(waiting_beyond_target)::BIGINT AS waiting_beyond_target, max(longest_wait_days) AS longest_wait_days
    FROM marts.analytics.mart_partner
    WHERE authority_code = $authority
    GROUP BY service_kind
    ORDER BY waiting_beyond_target DESC, service_kind
"""
_COUNTS = ("requested", "started", "declined", "declined_no_capacity", "waiting", "waiting_beyond_target")


def hidden(rows: list[Row]) -> list[Row]:
    """
    Hide small counts, for readers other than the desk.

    A request is started, declined, cancelled or waits. So if one of these counts is hidden, the number of requests must
    be hidden as well.
    """
    return hide(rows, _COUNTS, ["longest_wait_days", "requested"])


def _figures(asked: Asked, lake: Snapshot) -> list[Figure]:
    rows = lake.rows(_BY_KIND, {"authority": asked.authority})
    return [_waiting(rows if asked.is_desk else hidden(rows))]


def _waiting(rows: list[Row]) -> Figure:
    return Figure(
        key="waiting",
        title="Requests that have waited longer than the target, by kind of service",
        unit="requests",
        source=_SOURCE,
        columns=(
            Column("service_kind", "Kind of service"),
            Column("target_days", "Target, days", "count"),
            Column("waiting_beyond_target", "Waiting beyond target", "count"),
            Column("waiting", "Waiting", "count"),
            Column("longest_wait_days", "Longest wait, days", "count"),
            Column("requested", "Requested so far", "count"),
            Column("started", "Started", "count"),
            Column("declined", "Declined", "count"),
            Column("declined_no_capacity", "Declined because there was no capacity", "count"),
        ),
        rows=rows,
        chart=charts.bars(rows, x="waiting_beyond_target", y="service_kind", x_title="requests") if rows else "",
    )


view = figures_page(
    "How many requests wait for each kind of service, and for how long. The targets are this authority's own, from its "
    "practice profile.",
    _figures,
)
"""The content of the page Partners."""
