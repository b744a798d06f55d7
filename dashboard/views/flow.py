"""Steps between levels of need, and how many families came back after a step-down or a closure."""

from dashboard.drawing import charts
from dashboard.drawing.figures import Column, Figure
from dashboard.drawing.withheld import hide
from dashboard.reading.reader import Row, Snapshot
from dashboard.site import Asked

__all__ = ["flow"]

_MOVES = """
    SELECT month_starts_on, direction, sum(moves)::BIGINT AS moves,
           month_starts_on < date_trunc('month', (SELECT max(as_of) FROM marts.run.as_of)) AS is_over
    FROM marts.analytics.mart_level_moves
    WHERE authority_code = $authority
    GROUP BY month_starts_on, direction
    ORDER BY month_starts_on, direction
"""
_COHORTS = """
    SELECT cohort, within_months, sum(families)::BIGINT AS families, sum(back)::BIGINT AS back,
           100 * sum(back) / sum(families) AS back_percent
    FROM marts.analytics.mart_flow
    WHERE authority_code = $authority AND is_complete
    GROUP BY cohort, within_months
    ORDER BY cohort, within_months
"""
_WORDS = {"stepped_down": "Stepped down", "closed": "Closed", "up": "Stepped up", "down": "Stepped down"}


def flow(asked: Asked, lake: Snapshot) -> list[Figure]:
    """Make the figures about steps between levels, and about families that came back."""
    given: dict[str, object] = {"authority": asked.authority}
    moves, cohorts = lake.rows(_MOVES, given), lake.rows(_COHORTS, given)
    if not asked.is_desk:
        moves, cohorts = hide(moves, ["moves"]), hide(cohorts, ["families", "back"], ["back_percent", "back"])
    return [_cohorts(cohorts), _moves(moves)]


def _cohorts(rows: list[Row]) -> Figure:
    named = [row | {"cohort": _WORDS[row["cohort"]]} for row in rows]
    return Figure(
        key="cohorts",
        title="Families that came back within 3, 6 and 12 months",
        unit="% of families that stepped down, or were closed, at least 3, 6 or 12 months ago",
        source="marts.analytics.mart_flow",
        columns=(
            Column("cohort", "Families"),
            Column("within_months", "Within (months)", "count"),
            Column("back_percent", "Came back, %", "rate"),
            Column("back", "Came back", "count"),
            Column("families", "Out of", "count"),
        ),
        rows=named,
        note="A family came back if it moved to a higher level or had a new referral. Deaths and transfers are left "
        "out. A month is included only when 3, 6 or 12 months have passed since then.",
        empty="There is no figure yet. It needs a month with complete records that is at least 3 months ago.",
    )


def _moves(rows: list[Row]) -> Figure:
    """
    Show the steps by month.

    The current month is in the table but not in the chart, where it would look like a decrease.
    """
    named = [row | {"direction": _WORDS[row["direction"]]} for row in rows]
    whole = [row for row in named if row["is_over"]]
    return Figure(
        key="moves",
        title="Steps up and down between levels of need, by month",
        unit="times that a family's level changed",
        source="marts.analytics.mart_level_moves",
        columns=(
            Column("month_starts_on", "Month", "month"),
            Column("direction", "Step"),
            Column("moves", "Changes", "count"),
        ),
        rows=named,
        chart=charts.lines(whole, x="month_starts_on", y="moves", y_title="changes", series="direction")
        if whole
        else "",
    )
