"""Figures about the last hour and day, compared with past weeks. Without enough history, a figure has no value."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import duckdb
import msgspec
import pyarrow as pa

from expectations.days import hours
from expectations.volume import FEWEST_WEEKS, WEEKS, Past, Volumes, past
from streams.contracts import event_types
from streams.contracts.constraints import constraint
from streams.lake.one_row import one_row

__all__ = ["Metric", "measure"]

_FEWEST_NOW = 30
_FEWEST_BEFORE = 100
_DAY = timedelta(days=1)
_ANY = "any"


@dataclass(frozen=True)
class Metric:
    """
    A figure, and the number of rows that it was calculated from.

    If there are too few rows to calculate it, `value` is None, and `lacks` says what is needed.
    """

    value: float | None
    rows: int
    lacks: str = ""


def measure(lake: duckdb.DuckDBPyConnection, end: datetime) -> dict[str, Metric]:
    """
    Calculate the figures that the suite `hour` validates. `end` is the end of the hour (UTC without a zone).

    Backfilled events are left out.
    """
    codes, before = _codes(lake, end), past(lake, end)
    return {
        "volume_deviation": _volume_deviation(before),
        "silence_ratio": _silence_ratio(lake, before, end),
        "source_mix_shift": _mix_shift(codes["source_code"]),
        "level_mix_shift": _mix_shift(codes["level"]),
        "consent_drop": _consent_drop(codes["consent"]),
        "new_code_share": _new_code_share(codes),
        "unopened_closure_share": _unopened_closure_share(lake, end),
    }


def _volume_deviation(before: Past) -> Metric:
    """
    Calculate how much the number of events in this hour differs from the number in similar hours of past weeks.

    The unit is the standard deviation of the similar hours.
    """
    now, deviation = before.volumes.get(before.now.starts_at, Volumes()).events, before.deviation()
    return Metric(deviation, now, "" if deviation is not None else f"{FEWEST_WEEKS} similar past hours")


def _silence_ratio(lake: duckdb.DuckDBPyConnection, before: Past, end: datetime) -> Metric:
    """
    Divide the length of the silence since the last event by the length of the longest silence in past weeks.

    The length of a silence is not measured in hours, but in events: the number that would usually have arrived in that
    time.
    """
    if before.events < _FEWEST_BEFORE or before.known_since > end - timedelta(weeks=FEWEST_WEEKS):
        return Metric(None, before.events, f"{FEWEST_WEEKS} weeks with {_FEWEST_BEFORE} events")
    return Metric(before.silence(lake), before.events)


class _Code(NamedTuple):
    """How often a code was used in the last day and in the weeks before, and its usual share on similar days."""

    now: int
    before: int
    usual_share: float


Codes = dict[str, _Code]


def _codes(lake: duckdb.DuckDBPyConnection, end: datetime) -> dict[str, Codes]:
    """
    Count how often each code of each field was used.

    A day is compared with days of the same kind, because fewer agencies work on bank holidays.
    """
    fields = _coded_fields()
    texts = ", ".join(f'"{name}"::VARCHAR AS "{name}"' for name in fields)
    since = end - timedelta(weeks=WEEKS)
    kinds = [(hour.starts_at, hour.kind) for hour in hours(since, end)]
    lake.register("kinds", pa.table(dict(zip(("starts_at", "kind"), zip(*kinds, strict=True), strict=True))))
    lines = lake.execute(
        f"WITH lines AS (SELECT received_at, kind, {texts} FROM landing.main.events "
        "INNER JOIN kinds ON starts_at = date_trunc('hour', received_at) "
        "WHERE NOT is_backfill AND change = 'recorded' AND received_at >= $since AND received_at < $end) "
        "SELECT field, kind, code, count(*) FILTER (received_at >= $day), count(*) FILTER (received_at < $day) "
        f"FROM (UNPIVOT lines ON {', '.join(fields)} INTO NAME field VALUE code) GROUP BY ALL",
        {"since": since, "end": end, "day": end - _DAY},
    ).fetchall()
    lake.unregister("kinds")
    return {name: _shares([line for field, *line in lines if field == name]) for name in fields}


def _shares(lines: list[list[Any]]) -> Codes:
    """
    Add up the uses of each code. Each line has four values: the kind of day, the code, its uses in the last day, and
    its uses before.
    """
    counts: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for kind, code, now, before in lines:
        # If past weeks have too few records on days of this kind, the last day is compared with all days. So each code
        # is counted both for its kind of day and for all days.
        for of in (kind, _ANY):
            counts[of][code][0] += now
            counts[of][code][1] += before
    totals = {kind: [sum(column) for column in zip(*codes.values(), strict=True)] for kind, codes in counts.items()}
    usual: dict[str, float] = defaultdict(float)
    for kind, (now, before) in totals.items():
        by = kind if before >= _FEWEST_BEFORE else _ANY
        if kind != _ANY and now and totals[by][1]:
            for code, (_, times) in counts[by].items():
                usual[code] += now / totals[_ANY][0] * times / totals[by][1]
    return {code: _Code(now, before, usual[code]) for code, (now, before) in counts[_ANY].items()}


def _coded_fields() -> list[str]:
    """Return the fields with a single code from a closed list. Fields that contain several codes are left out."""
    fields = {field.name: field for struct in event_types().values() for field in msgspec.structs.fields(struct)}
    listed = {"agency_kinds", "disabilities", "factors", "information_kinds", "participants"}
    return [name for name, field in fields.items() if constraint(field).values and name not in listed]


def _totals(codes: Codes) -> tuple[int, int]:
    return sum(code.now for code in codes.values()), sum(code.before for code in codes.values())


def _lacking(now: int, before: int) -> Metric | None:
    if now >= _FEWEST_NOW and before >= _FEWEST_BEFORE:
        return None
    return Metric(None, now, f"{_FEWEST_NOW} events in the last day, {_FEWEST_BEFORE} before")


def _mix_shift(codes: Codes) -> Metric:
    """
    Calculate what share of records would need another code for all codes to have their usual shares.

    This is half the sum of the differences between the present and the usual share of each code.
    """
    now, before = _totals(codes)
    return _lacking(now, before) or Metric(
        sum(abs(code.now / now - code.usual_share) for code in codes.values()) / 2, now
    )


def _consent_drop(codes: Codes) -> Metric:
    """Calculate by how much the share of referrals without an answer to the consent question has grown."""
    now, before = _totals(codes)
    missing = codes.get("not_recorded", _Code(0, 0, 0.0))
    return _lacking(now, before) or Metric(missing.now / now - missing.usual_share, now)


def _new_code_share(codes: dict[str, Codes]) -> Metric:
    """Calculate the share of the last day's codes that were never used in past weeks. Each use of a code counts."""
    totals = [_totals(field) for field in codes.values()]
    now, before = sum(now for now, _ in totals), sum(before for _, before in totals)
    new = sum(code.now for field in codes.values() for code in field.values() if not code.before)
    return _lacking(now, before) or Metric(new / now, now)


def _unopened_closure_share(lake: duckdb.DuckDBPyConnection, end: datetime) -> Metric:
    """Calculate the share of the last day's closures that close a case without a record of its opening."""
    closures, unopened = one_row(
        lake.execute(
            "SELECT count(*), count(*) FILTER (case_id NOT IN "
            "(SELECT case_id FROM landing.main.events WHERE fact = 'case-opened' AND case_id IS NOT NULL)) "
            "FROM landing.main.events WHERE fact = 'case-closed' AND NOT is_backfill "
            "AND received_at >= $day AND received_at < $end",
            {"day": end - _DAY, "end": end},
        )
    )
    if closures < _FEWEST_NOW:
        return Metric(None, closures, f"{_FEWEST_NOW} closures in the last day")
    return Metric(unopened / closures, closures)
