"""Checks that need history. They run once an hour: the first batch that lands after the end of an hour starts them."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from expectations.engine import failures, suite
from expectations.metrics import Metric, measure
from expectations.results import Coordinates, ValidationResult
from streams.lake.one_row import one_row
from streams.times import naive

__all__ = ["frames", "judge_hour"]

_HISTORY = (Path(__file__).parent / "history.sql").read_text()


def judge_hour(lake: duckdb.DuckDBPyConnection, now: datetime) -> list[ValidationResult]:
    """
    Validate the records that landed since the last validated hour. Only full hours before `now` are validated.

    `now` is in UTC without a zone. If all of these records have already been validated, or if nothing has landed yet,
    there are no results.
    """
    end = now.replace(minute=0, second=0, microsecond=0)
    judged_to, landed_from = one_row(
        lake.execute(
            "SELECT (SELECT max(batch_to) FROM landing.main.validations WHERE suite = 'hour'), "
            "(SELECT min(landed_at) FROM landing.main.events WHERE landed_at < $end)",
            {"end": end},
        )
    )
    start = judged_to or landed_from
    if start is None or start >= end:
        return []
    validated_at = naive(datetime.now(UTC))
    result = partial(ValidationResult, validated_at=validated_at, batch_from=start, batch_to=end)
    return [*_judge_history(lake, result), *_judge_metrics(measure(lake, end), result)]


def frames(lake: duckdb.DuckDBPyConnection, now: datetime) -> dict[str, pd.DataFrame]:
    """Return the frames for the two suites. They cover the 24 hours up to the last full hour before `now`."""
    end = now.replace(minute=0, second=0, microsecond=0)
    verdicts = _verdicts(lake, end - timedelta(days=1), end)
    return {"history": _history_frame(verdicts), "hour": _metric_frame(measure(lake, end))}


def _judge_history(lake: duckdb.DuckDBPyConnection, result: partial[ValidationResult]) -> list[ValidationResult]:
    """Compare each record of the range with all records that landed before the end of the range (row-level)."""
    verdicts = _verdicts(lake, result.keywords["batch_from"], result.keywords["batch_to"])
    results = []
    for name, entries in failures("history", _history_frame(verdicts)).items() if verdicts else ():
        places = tuple(place for entry in entries for place in verdicts[entry][3] or ())
        checked = sum(records for of, _, records, _ in verdicts if of == name)
        results.append(
            result(
                suite="history",
                expectation=name,
                level="row",
                success=not entries,
                checked=checked,
                failed=len(places),
                failed_rows=places,
            )
        )
    return results


def _judge_metrics(metrics: dict[str, Metric], result: partial[ValidationResult]) -> list[ValidationResult]:
    """
    Validate the figures of the hour (batch-level).

    If there is too little history for a figure, the figure is not validated, and a note says so.
    """
    frame = _metric_frame(metrics)
    failed = failures("hour", frame) if len(frame.columns) > 1 else {}
    limits = {expectation.column: expectation for expectation in suite("hour").expectations}
    return [
        result(
            suite="hour",
            expectation=name,
            level="batch",
            success=not failed[name] if name in failed else None,
            checked=metric.rows,
            failed=metric.rows if failed.get(name) else 0,
            note=_note(metric, limits[name]),
        )
        for name, metric in metrics.items()
    ]


Verdicts = list[tuple[str, bool, int, list[Coordinates] | None]]
"""
For each expectation and result: its name, whether the records passed, how many records there are, and which of them
failed.
"""


def _verdicts(lake: duckdb.DuckDBPyConnection, since: datetime, until: datetime) -> Verdicts:
    return lake.execute(_HISTORY, {"since": since, "until": until}).fetchall()


def _history_frame(verdicts: Verdicts) -> pd.DataFrame:
    columns = {name: [verdict if name == of else None for of, verdict, *_ in verdicts] for name, *_ in verdicts}
    return pd.DataFrame({"entry": range(len(verdicts)), **columns}, dtype=object)


def _metric_frame(metrics: dict[str, Metric]) -> pd.DataFrame:
    known = {name: [metric.value] for name, metric in metrics.items() if metric.value is not None}
    return pd.DataFrame({"entry": [0], **known})


def _note(metric: Metric, limit: Any) -> str:
    if metric.value is None:
        return f"not validated; needed: {metric.lacks}"
    lowest = "" if limit.min_value is None else f"at least {limit.min_value:g}, "
    return f"{metric.value:.2f}; expected {lowest}at most {limit.max_value:g}"
