"""The function that `land` calls to validate the rows that it has just stored."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

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
"""
For each column, the two parts of an expectation's name: a word for all fields together, and what is expected of them.
"""


def validate(lake: duckdb.DuckDBPyConnection, batch_from: datetime, batch_to: datetime) -> list[ValidationResult]:
    """
    Validate the events whose `landed_at` is from `batch_from` to `batch_to`, both included. Both times have a zone.

    Each record is checked against the contract. Its fields must also fit each other.

    The first batch of an hour also validates the hours before it. Each record must fit the earlier records. The hours
    must also fit past weeks: the number of events, the longest time without an event, and the shares of codes.

    `lake` needs the catalog `landing`. Read-only access is enough.

    Raises:
        SuiteInvalid: Great Expectations could not validate an expectation.
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


def _judge_suite(suite: str, seen: list[Observation]) -> list[tuple[dict[str, Any], list[Coordinates]]]:
    """
    Validate the observations of a suite.

    A column that passed has one outcome. A column that failed has one outcome for each failed field. An outcome
    consists of the suite, the expectation, the number of rows checked, and the records that failed.
    """
    outcomes: list[tuple[dict[str, Any], list[Coordinates]]] = []
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
    """Return the name of an expectation about one field, or about all fields of a column."""
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
    """Count the rows behind the observations. Observations of the same rows are counted only once."""
    return sum({id(one.rows): len(one.rows) for one in seen}.values())
