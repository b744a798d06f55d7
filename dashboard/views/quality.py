"""The page Data quality: which records arrived, what was wrong with them, and what was built from them."""

from dashboard.drawing import charts
from dashboard.drawing.figures import Column, Figure
from dashboard.drawing.figures_page import figures_page
from dashboard.reading.reader import Row, Snapshot
from dashboard.site import Asked

__all__ = ["view"]

_BY_SOURCE = """
    SELECT event_source, sum(records) FILTER (measure = 'events') AS events,
           sum(records) FILTER (measure = 'late') AS late,
           sum(records) FILTER (measure = 'duplicates') AS duplicates,
           sum(records) FILTER (measure = 'corrected') AS corrected,
           sum(records) FILTER (measure = 'withdrawn') AS withdrawn,
           sum(records) FILTER (measure = 'reused_id') AS reused_ids,
           sum(records) FILTER (measure IN ('ambiguous', 'names_nothing')) AS without_effect
    FROM marts.analytics.mart_data_quality
    WHERE event_source <> 'unknown'
    GROUP BY event_source
    ORDER BY events DESC NULLS LAST
    LIMIT 30
"""
_REJECTED = """
    SELECT detail AS reason,
           sum(records) FILTER (topic = 'caf.referral.v1') AS referral,
           sum(records) FILTER (topic = 'caf.case-change.v1') AS case_change,
           sum(records) FILTER (topic = 'caf.escalation.v1') AS escalation,
           max(received_on) AS last_on
    FROM marts.analytics.mart_data_quality
    WHERE measure = 'rejected'
    GROUP BY detail
    ORDER BY sum(records) DESC, reason
"""
_WRONG = """
    SELECT event_source, detail AS field, sum(records) AS records, max(received_on) AS last_on,
           CASE measure WHEN 'left_out' THEN 'a wrong value; left out, or the safest value used'
                        WHEN 'unmapped' THEN 'a place that is not on the map'
                        ELSE 'an impossible date' END AS what
    FROM marts.analytics.mart_data_quality
    WHERE measure IN ('left_out', 'unmapped', 'impossible_date')
    GROUP BY ALL
    ORDER BY records DESC, event_source, field, what
    LIMIT 30
"""
_FLAGGED = """
    SELECT detail AS expectation, event_source, sum(records) AS records, max(received_on) AS last_on
    FROM marts.analytics.mart_data_quality
    WHERE measure = 'failed_expectation'
    GROUP BY ALL
    ORDER BY records DESC
    LIMIT 30
"""
_ARRIVED = """
    SELECT received_on, measure, sum(records) AS records
    FROM marts.analytics.mart_data_quality
    WHERE measure IN ('late', 'duplicates', 'corrected', 'withdrawn', 'rejected')
      AND received_on > (SELECT max(received_on) - 60 FROM marts.analytics.mart_data_quality)
    GROUP BY ALL
    ORDER BY received_on, measure
"""
_RESTATED = """
    SELECT restated_at, area_name, area_level, period_start, title, value_from, value_to,
           array_to_string(causes, ', ') AS causes
    FROM marts.analytics.mart_restatements AS restated
    JOIN marts.analytics.dim_measure
        ON dim_measure.model = 'mart_locality_need'
        AND dim_measure.measure = restated.measure
    WHERE authority_code = $authority
    ORDER BY restated_at DESC, area_level, area_name, title
    LIMIT 30
"""
_BUILDS = """
    SELECT finished_at, as_of, rows, date_diff('millisecond', started_at, finished_at) / 1000 AS seconds,
           CASE WHEN ok THEN 'built' ELSE 'failed: ' || array_to_string(failed, ', ') END AS outcome
    FROM marts.run.builds
    ORDER BY started_at DESC
    LIMIT 12
"""


def _figures(asked: Asked, snapshot: Snapshot) -> list[Figure]:
    return [
        _rejected(snapshot.rows(_REJECTED)),
        _by_source(snapshot.rows(_BY_SOURCE)),
        _wrong(snapshot.rows(_WRONG)),
        _by_day(snapshot.rows(_ARRIVED)),
        _flagged(snapshot.rows(_FLAGGED)),
        _restated(snapshot.rows(_RESTATED, {"authority": asked.authority}), asked.is_desk),
        _builds(snapshot.rows(_BUILDS)),
    ]


def _rejected(rows: list[Row]) -> Figure:
    return Figure(
        key="rejected",
        title="What was rejected, and why",
        unit="records, since records began",
        source="marts.analytics.mart_data_quality",
        columns=(
            Column("reason", "Reason"),
            Column("referral", "Referral topic", "count"),
            Column("case_change", "Case changes", "count"),
            Column("escalation", "Escalations", "count"),
            Column("last_on", "Last on", "day"),
        ),
        rows=rows,
        note="Every rejected record is kept whole in the quarantine. Engineers list them with './caf quarantine', and "
        "send them again with './caf replay'.",
        empty="No record has been rejected.",
    )


def _by_source(rows: list[Row]) -> Figure:
    return Figure(
        key="sources",
        title="What each source sent, and how much came late, came twice or was changed",
        unit="accepted records, since records began",
        source="marts.analytics.mart_data_quality",
        columns=(
            Column("event_source", "Source"),
            Column("events", "Records", "count"),
            Column("late", "More than a day late", "count"),
            Column("duplicates", "Copies", "count"),
            Column("corrected", "Corrected", "count"),
            Column("withdrawn", "Withdrawn", "count"),
            Column("reused_ids", "Ids used twice", "count"),
            Column("without_effect", "Amendments without effect", "count"),
        ),
        rows=rows,
        note="If a source used an id twice, both events count. A correction or withdrawal has no effect if it names "
        "several events, or no event that has arrived under its key. docs/send.md explains what an id should be.",
    )


def _wrong(rows: list[Row]) -> Figure:
    return Figure(
        key="wrong",
        title="What was wrong in records that were accepted",
        unit="records, since records began",
        source="marts.analytics.mart_data_quality",
        columns=(
            Column("event_source", "Source"),
            Column("field", "Field"),
            Column("what", "What was wrong"),
            Column("records", "Records", "count"),
            Column("last_on", "Last on", "day"),
        ),
        rows=rows,
        note="The records are kept as they were sent. './caf quarantine left-out' lists what is allowed.",
        empty="Nothing was wrong.",
    )


def _by_day(rows: list[Row]) -> Figure:
    return Figure(
        key="days",
        title="Late, copied, corrected, withdrawn and rejected records by day of arrival",
        unit="records a day, over the sixty days up to the latest record",
        source="marts.analytics.mart_data_quality",
        columns=(
            Column("received_on", "Day", "day"),
            Column("measure", "What happened"),
            Column("records", "Records", "count"),
        ),
        rows=rows,
        chart=charts.bars(rows, x="records", y="received_on", x_title="records", colour="measure", upright=True)
        if len({row["received_on"] for row in rows}) > 1
        else "",
    )


def _flagged(rows: list[Row]) -> Figure:
    return Figure(
        key="flagged",
        title="Stored records that failed a check",
        unit="records, since records began",
        source="marts.analytics.mart_data_quality",
        columns=(
            Column("expectation", "Check (expectation)"),
            Column("event_source", "Source"),
            Column("records", "Records", "count"),
            Column("last_on", "Last on", "day"),
        ),
        rows=rows,
        empty="No stored record has failed a check.",
    )


def _restated(rows: list[Row], is_desk: bool) -> Figure:
    """
    Show the figures that have changed since they were first built. Only the desk sees by how much, because the
    difference may be one child.
    """
    much = (Column("value_from", "From", "number"), Column("value_to", "To", "number")) if is_desk else ()
    return Figure(
        key="restated",
        title="Figures for past months that have changed since they were first shown, latest first",
        unit="in the unit of each measure. Times are in UTC",
        source="marts.analytics.mart_restatements",
        columns=(
            Column("restated_at", "Changed", "moment"),
            Column("area_name", "Place"),
            Column("title", "Measure"),
            Column("period_start", "Month", "month"),
            *much,
            Column("causes", "Why"),
        ),
        rows=rows,
        empty="No figure for a past month has changed.",
    )


def _builds(rows: list[Row]) -> Figure:
    return Figure(
        key="builds",
        title="The last twelve builds of the figures",
        unit="one line for each build. Times are in UTC",
        source="marts.run.builds",
        columns=(
            Column("finished_at", "Finished", "moment"),
            Column("as_of", "Figures as of", "moment"),
            Column("rows", "Records built", "count"),
            Column("seconds", "Seconds", "number"),
            Column("outcome", "Outcome"),
        ),
        rows=rows,
    )


view = figures_page(
    "Every record that arrives is either used, or kept with the reason why it cannot be used. "
    "This page counts everything that is left out of a figure.",
    _figures,
)
"""The content of the page Data quality."""
