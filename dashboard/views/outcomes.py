"""The page Outcomes: what gets better for families, which adults take part, and which needs are found but not met."""

from dashboard.drawing import charts
from dashboard.drawing.figures import Column, Figure
from dashboard.drawing.figures_page import figures_page
from dashboard.drawing.withheld import hide
from dashboard.reading.reader import Row, Snapshot
from dashboard.site import Asked

__all__ = ["view"]

_SCORES = """
    SELECT outcome_framework, outcome_number, outcome_name AS outcome,
           sum(followed)::BIGINT AS followed, sum(measured_twice)::BIGINT AS measured_twice,
           sum(better)::BIGINT AS better, sum(worse)::BIGINT AS worse,
           100 * sum(better) / nullif(sum(measured_twice), 0) AS better_percent,
           sum(measured_after_closure)::BIGINT AS measured_after_closure, sum(sustained)::BIGINT AS sustained
    FROM marts.analytics.mart_outcomes
    WHERE authority_code = $authority
    GROUP BY outcome_framework, outcome_number, outcome_name
    ORDER BY outcome_framework, outcome_number
"""
_ENGAGED = """
    SELECT adult_role, sum(meetings)::BIGINT AS meetings, sum(took_part)::BIGINT AS took_part,
           100 * sum(took_part) / sum(meetings) AS took_part_percent
    FROM marts.analytics.mart_engagement
    WHERE authority_code = $authority
    GROUP BY adult_role
    ORDER BY took_part_percent DESC
"""
_REACHED = """
    SELECT adult_role, sum(families)::BIGINT AS families, sum(without_meeting)::BIGINT AS without_meeting,
           sum(took_part)::BIGINT AS took_part, sum(never_took_part)::BIGINT AS never_took_part,
           100 * sum(took_part) / sum(families) AS took_part_percent
    FROM marts.analytics.mart_adults_reached
    WHERE authority_code = $authority
    GROUP BY adult_role
    ORDER BY took_part_percent DESC
"""
_UNMET = """
    SELECT ward_name,
           coalesce(sum(occurrences) FILTER (kind = 'declined'), 0)::BIGINT AS declined,
           coalesce(sum(occurrences) FILTER (kind = 'waiting_beyond_target'), 0)::BIGINT AS waiting_beyond_target,
           coalesce(sum(occurrences) FILTER (kind = 'repeat_no_further_action'), 0)::BIGINT AS repeat_no_further_action,
           coalesce(sum(occurrences) FILTER (kind = 'level_4_for_access'), 0)::BIGINT AS level_4_for_access
    FROM marts.analytics.mart_unmet_need
    WHERE authority_code = $authority
    GROUP BY ward_name
    ORDER BY declined DESC, ward_name
"""
_KINDS = ("declined", "waiting_beyond_target", "repeat_no_further_action", "level_4_for_access")
_REACH = ("families", "without_meeting", "took_part", "never_took_part")
_SCORED = ("followed", "measured_twice", "better", "worse", "measured_after_closure", "sustained")


def _figures(asked: Asked, lake: Snapshot) -> list[Figure]:
    given: dict[str, object] = {"authority": asked.authority}
    scores, engaged = lake.rows(_SCORES, given), lake.rows(_ENGAGED, given)
    reached, unmet = lake.rows(_REACHED, given), lake.rows(_UNMET, given)
    if not asked.is_desk:
        scores = hide(scores, _SCORED, ["better_percent", *_SCORED])
        engaged = hide(engaged, ["meetings", "took_part"], ["took_part_percent", "took_part"])
        reached = hide(reached, _REACH, ["took_part_percent", *_REACH])
        unmet = hide(unmet, _KINDS)
    return [_scorecard(scores), _engagement(engaged), _reached(reached), _unmet(unmet)]


def _scorecard(rows: list[Row]) -> Figure:
    return Figure(
        key="scorecard",
        title="Outcomes that are better than at the start",
        unit="% of families or children that were scored at the start and again later",
        source="marts.analytics.mart_outcomes",
        columns=(
            Column("outcome", "Outcome"),
            Column("better_percent", "Better, %", "rate"),
            Column("better", "Better", "count"),
            Column("worse", "Worse", "count"),
            Column("measured_twice", "Scored twice", "count"),
            Column("followed", "Scored", "count"),
            Column("sustained", "Sustained", "count"),
            Column("measured_after_closure", "Scored again after closure", "count"),
        ),
        rows=rows,
        chart=charts.bars(rows, x="better_percent", y="outcome", x_title="% better") if rows else "",
        note="Sustained means that the score six months after closure is no lower than at closure.",
    )


def _engagement(rows: list[Row]) -> Figure:
    return Figure(
        key="engagement",
        title="Adults who take part in meetings about their family",
        unit="% of meetings about families that have such an adult in the household",
        source="marts.analytics.mart_engagement",
        columns=(
            Column("adult_role", "Adult"),
            Column("took_part_percent", "Took part, %", "rate"),
            Column("took_part", "Meetings where one took part", "count"),
            Column("meetings", "Meetings", "count"),
        ),
        rows=rows,
        chart=charts.bars(rows, x="took_part_percent", y="adult_role", x_title="% of meetings") if rows else "",
    )


def _reached(rows: list[Row]) -> Figure:
    return Figure(
        key="reached",
        title="Families where such an adult ever took part in a meeting",
        unit="% of families open to a service that had such an adult in the household while they were open",
        source="marts.analytics.mart_adults_reached",
        columns=(
            Column("adult_role", "Adult"),
            Column("took_part_percent", "Took part, %", "rate"),
            Column("took_part", "Families where one took part", "count"),
            Column("never_took_part", "Families where none took part", "count"),
            Column("without_meeting", "Families without any meeting", "count"),
            Column("families", "Families", "count"),
        ),
        rows=rows,
        chart=charts.bars(rows, x="took_part_percent", y="adult_role", x_title="% of families") if rows else "",
        note="Families that were opened recently might not have had their first meeting yet.",
    )


def _unmet(rows: list[Row]) -> Figure:
    return Figure(
        key="unmet",
        title="Need that was seen but not met, by ward",
        unit="how often each happened. The columns count different things and do not add up",
        source="marts.analytics.mart_unmet_need",
        columns=(
            Column("ward_name", "Ward"),
            Column("declined", "Service declined", "count"),
            Column("waiting_beyond_target", "Waiting beyond target", "count"),
            Column("repeat_no_further_action", "No further action again", "count"),
            Column("level_4_for_access", "Level raised to 4 only to get a service", "count"),
        ),
        rows=rows,
    )


view = figures_page(
    "Whether families are better off than at the start, which adults take part in meetings, and which need is not met.",
    _figures,
)
"""The content of the page Outcomes."""
