"""Steps between levels of need, and how many families are back after a step down or a closure."""

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
    """The figures of steps and cohorts."""
    given: dict[str, object] = {"authority": asked.authority}
    moves, cohorts = lake.rows(_MOVES, given), lake.rows(_COHORTS, given)
    if not asked.is_desk:
        moves, cohorts = hide(moves, ["moves"]), hide(cohorts, ["families", "back"], ["back_percent", "back"])
    return [_cohorts(cohorts), _moves(moves)]


def _cohorts(rows: list[Row]) -> Figure:
    named = [row | {"cohort": _WORDS[row["cohort"]]} for row in rows]
    return Figure(
        key="cohorts",
        title="Families that were back within 3, 6 and 12 months",
        unit="% of families stepped down, or closed, in months whose window is over",
        source="marts.analytics.mart_flow",
        columns=(
            Column("cohort", "Families"),
            Column("within_months", "Within months", "count"),
            Column("back_percent", "Back, %", "rate"),
            Column("back", "Back", "count"),
            Column("families", "Out of", "count"),
        ),
        rows=named,
        note="Back is a higher level, or a new referral. Deaths and transfers are left out.",
        empty="No month that is covered has its window behind it yet.",
    )


def _moves(rows: list[Row]) -> Figure:
    """A month that is not over is in the table, and would look like a fall in the chart."""
    named = [row | {"direction": _WORDS[row["direction"]]} for row in rows]
    whole = [row for row in named if row["is_over"]]
    return Figure(
        key="moves",
        title="Steps up and down between levels of need, month by month",
        unit="changes of a family's level",
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
