"""Figures of the last hour and day against past weeks; without enough history there is no figure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import fmean, pvariance
from zoneinfo import ZoneInfo

import duckdb
import msgspec

from streams.contracts import event_types
from streams.contracts.constraints import constraint
from streams.names import TIME_ZONE

__all__ = ["Metric", "measure"]

_WEEKS = 8
_FEWEST_WEEKS = 4
_FEWEST_NOW = 30
_FEWEST_BEFORE = 100
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Metric:
    """A figure, the rows it was made from, and what lacked if there is none."""

    value: float | None
    rows: int
    lacks: str = ""


def measure(lake: duckdb.DuckDBPyConnection, end: datetime) -> dict[str, Metric]:
    """The figures of the suite `hour` for the hour that ended at `end` (UTC without a zone); history is left out."""
    codes = _codes(lake, end)
    return {
        "volume_deviation": _volume_deviation(lake, end),
        "silence_ratio": _silence_ratio(lake, end),
        "source_mix_shift": _mix_shift(codes["source_code"]),
        "level_mix_shift": _mix_shift(codes["level"]),
        "consent_drop": _consent_drop(codes["consent"]),
        "new_code_share": _new_code_share(codes),
        "unopened_closure_share": _unopened_closure_share(lake, end),
    }


def _volume_deviation(lake: duckdb.DuckDBPyConnection, end: datetime) -> Metric:
    """Standard deviations between the events of the hour and those of the same local hour in past weeks."""
    ends = [_weeks_before(end, weeks) for weeks in range(_WEEKS + 1)]
    counts = [
        lake.execute(
            "SELECT count(*), (SELECT min(received_at) FROM landing.main.events WHERE NOT is_backfill) < $start "
            "FROM landing.main.events WHERE NOT is_backfill AND received_at >= $start AND received_at < $end",
            {"start": moment - timedelta(hours=1), "end": moment},
        ).fetchone()
        for moment in ends
    ]
    now, past = counts[0][0], [count for count, is_known in counts[1:] if is_known]
    if len(past) < _FEWEST_WEEKS:
        return Metric(None, now, f"{len(past)} of {_FEWEST_WEEKS} past weeks")
    spread = max(fmean(past), pvariance(past), 1.0) ** 0.5
    return Metric((now - fmean(past)) / spread, now)


def _weeks_before(moment: datetime, weeks: int) -> datetime:
    """The same hour by the clock on the wall, weeks ago."""
    local = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(TIME_ZONE))
    return (local - timedelta(weeks=weeks)).astimezone(UTC).replace(tzinfo=None)


def _silence_ratio(lake: duckdb.DuckDBPyConnection, end: datetime) -> Metric:
    """Time since the last event, against the longest time without one in past weeks."""
    rows, first, last, longest = lake.execute(
        "WITH arrivals AS (SELECT received_at, received_at - lag(received_at) OVER (ORDER BY received_at) AS silence "
        "FROM landing.main.events WHERE NOT is_backfill AND received_at >= $since AND received_at < $end) "
        "SELECT count(*), min(received_at), max(received_at), max(silence) FROM arrivals",
        {"since": end - timedelta(weeks=_WEEKS), "end": end},
    ).fetchone()
    if rows < _FEWEST_BEFORE or first > end - timedelta(weeks=_FEWEST_WEEKS):
        return Metric(None, rows, f"{_FEWEST_WEEKS} weeks with {_FEWEST_BEFORE} events")
    return Metric((end - last) / max(longest, timedelta(minutes=1)), rows)


Codes = dict[str, tuple[int, int]]
"""How often each code of a field was used in the last day, and in the weeks before it."""


def _codes(lake: duckdb.DuckDBPyConnection, end: datetime) -> dict[str, Codes]:
    fields = _coded_fields()
    texts = ", ".join(f'"{name}"::VARCHAR AS "{name}"' for name in fields)
    lines = lake.execute(
        f"WITH lines AS (SELECT received_at, {texts} FROM landing.main.events "
        "WHERE NOT is_backfill AND change = 'recorded' AND received_at >= $since AND received_at < $end) "
        "SELECT field, code, count(*) FILTER (received_at >= $day), count(*) FILTER (received_at < $day) "
        f"FROM (UNPIVOT lines ON {', '.join(fields)} INTO NAME field VALUE code) GROUP BY ALL",
        {"since": end - timedelta(weeks=_WEEKS), "end": end, "day": end - _DAY},
    ).fetchall()
    found: dict[str, Codes] = {name: {} for name in fields}
    for field, code, now, before in lines:
        found[field][code] = (now, before)
    return found


def _coded_fields() -> list[str]:
    """Fields with a closed list; lists of codes are left out."""
    fields = {field.name: field for struct in event_types().values() for field in msgspec.structs.fields(struct)}
    listed = {"agency_kinds", "disabilities", "factors", "information_kinds", "participants"}
    return [name for name, field in fields.items() if constraint(field).values and name not in listed]


def _totals(codes: Codes) -> tuple[int, int]:
    return sum(now for now, _ in codes.values()), sum(before for _, before in codes.values())


def _lacking(now: int, before: int) -> Metric | None:
    if now >= _FEWEST_NOW and before >= _FEWEST_BEFORE:
        return None
    return Metric(None, now, f"{_FEWEST_NOW} events in the last day, {_FEWEST_BEFORE} before")


def _mix_shift(codes: Codes) -> Metric:
    """Half the sum of differences between the two mixes: the share that moved to another code."""
    now, before = _totals(codes)
    return _lacking(now, before) or Metric(sum(abs(a / now - b / before) for a, b in codes.values()) / 2, now)


def _consent_drop(codes: Codes) -> Metric:
    """How much the share of referrals with an answer to the consent question has fallen."""
    now, before = _totals(codes)
    missing_now, missing_before = codes.get("not_recorded", (0, 0))
    return _lacking(now, before) or Metric(missing_now / now - missing_before / before, now)


def _new_code_share(codes: dict[str, Codes]) -> Metric:
    """Share of the last day's codes that past weeks never used."""
    totals = [_totals(field) for field in codes.values()]
    now, before = sum(now for now, _ in totals), sum(before for _, before in totals)
    new = sum(now for field in codes.values() for now, before in field.values() if not before)
    return _lacking(now, before) or Metric(new / now, now)


def _unopened_closure_share(lake: duckdb.DuckDBPyConnection, end: datetime) -> Metric:
    """Share of the last day's closures whose case was never opened."""
    closures, unopened = lake.execute(
        "SELECT count(*), count(*) FILTER (case_id NOT IN "
        "(SELECT case_id FROM landing.main.events WHERE fact = 'case-opened' AND case_id IS NOT NULL)) "
        "FROM landing.main.events WHERE fact = 'case-closed' AND NOT is_backfill "
        "AND received_at >= $day AND received_at < $end",
        {"day": end - _DAY, "end": end},
    ).fetchone()
    if closures < _FEWEST_NOW:
        return Metric(None, closures, f"{_FEWEST_NOW} closures in the last day")
    return Metric(unopened / closures, closures)
