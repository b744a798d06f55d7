"""The one function that is handed to `land`: judge what has just been stored."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

import duckdb

from expectations.engine import failures
from expectations.hourly import judge_hour
from expectations.landed import landed_events, observe_by_suite
from expectations.observations import Observation, frame
from expectations.results import Coordinates, ValidationResult
from streams.times import naive

__all__ = ["validate"]

_NAMES = {
    "presence": ("fields", "given"),
    "code": ("codes", "in_code_set"),
    "identifier": ("identifiers", "well_formed"),
    "authority_code": ("authority_codes", "well_formed"),
    "lsoa_code": ("lsoa_codes", "well_formed"),
}
"""By judged column, what all its fields together are called, and what is expected of each."""


def validate(lake: duckdb.DuckDBPyConnection, batch_from: datetime, batch_to: datetime) -> list[ValidationResult]:
    """
    Judge the events whose `landed_at` is from `batch_from` to `batch_to`, both included and aware.

    Row-level: the contract's demands and what each record says about itself.
    With the first batch of an hour also the hours before it: whether records agree with what was known (row-level),
    and volume, silence and mix against past weeks (batch-level).
    `lake` needs the catalog `landing`; read-only is enough.

    Raises:
        SuiteInvalid: Great Expectations could not judge an expectation.
    """
    since, until = naive(batch_from), naive(batch_to)
    return [*_judge_records(lake, since, until), *judge_hour(lake, until)]


def _judge_records(lake: duckdb.DuckDBPyConnection, since: datetime, until: datetime) -> list[ValidationResult]:
    batch = landed_events(lake, since, until)
    validated_at = naive(datetime.now(UTC))
    return [
        ValidationResult(
            validated_at=validated_at,
            level="row",
            success=not failed,
            failed=len(failed),
            batch_from=since,
            batch_to=until,
            failed_rows=tuple(failed),
            **parts,
        )
        for suite, seen in observe_by_suite(batch)
        for parts, failed in _judge_suite(suite, seen)
    ]


def _judge_suite(suite: str, seen: list[Observation]) -> list[tuple[dict, list[Coordinates]]]:
    """
    For each judged column one outcome if all its lines passed, otherwise one for each field that failed.

    An outcome is suite, expectation and rows checked, with the records that failed.
    """
    outcomes = []
    for column, entries in failures(suite, frame(seen)).items():
        if not entries:
            checked = _rows(one for one in seen if one.column == column)
            outcomes.append(({"suite": suite, "expectation": _name(column), "checked": checked}, []))
        for (subject, field), failed in _by_field([seen[entry] for entry in entries]).items():
            parts = {
                "suite": subject.replace("-", "_"),
                "expectation": _name(column, field),
                "checked": _rows(failed),
            }
            outcomes.append((parts, sorted({place for one in failed for place in one.coordinates()})))
    return outcomes


def _name(column: str, field: str | None = None) -> str:
    """The name of an expectation of one field, or of all the fields that a column judges."""
    if column not in _NAMES:
        return column
    fields, expected = _NAMES[column]
    return f"{field or fields}_{expected}"


def _by_field(failed: list[Observation]) -> dict[tuple[str, str], list[Observation]]:
    groups = defaultdict(list)
    for one in failed:
        groups[one.subject, one.field].append(one)
    return groups


def _rows(seen: Iterable[Observation]) -> int:
    """Rows that observations were made in, each slice of the batch counted once."""
    return sum({id(one.rows): len(one.rows) for one in seen}.values())
