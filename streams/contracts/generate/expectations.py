"""Great Expectations suites from the contract: one for the envelope columns, and one for the events of each topic."""

import json
from typing import Any

import msgspec

from streams import names
from streams.contracts.codesets import WithdrawalReason
from streams.contracts.constraints import constraint
from streams.contracts.envelope import Envelope
from streams.contracts.event import event_types, fact_name
from streams.contracts.fields import IDENTIFIER_PATTERN, SUBJECT_PATTERN
from streams.contracts.landing import landing_tables

__all__ = ["expectation_suites"]


def expectation_suites() -> dict[str, str]:
    """Return the JSON text of each suite, by its name."""
    suites = {"envelope": _envelope()}
    for topic in names.INPUT_TOPICS:
        suites[topic.removeprefix("caf.").removesuffix(".v1").replace("-", "_")] = _topic(topic)
    return {name: json.dumps({"name": name, "expectations": found}, indent=2) + "\n" for name, found in suites.items()}


def _envelope() -> list[dict[str, Any]]:
    columns = landing_tables()["events"].columns
    facts = map(fact_name, event_types())
    authority = next(field for field in msgspec.structs.fields(Envelope) if field.name == "authority")
    pattern = constraint(authority).pattern
    assert pattern is not None, "the contract gives the form of a council's code"
    return [
        _given([f"envelope.{name}" for name, column in columns.items() if column.required]),
        _in_set(
            "code",
            [
                *(f"topic={topic}" for topic in names.INPUT_TOPICS),
                *(f"change={change}" for change in ("recorded", "corrected", "withdrawn")),
                *(f"fact={fact}" for fact in facts),
                *(f"amendment_reason={reason}" for reason in WithdrawalReason),
            ],
        ),
        _matching("authority_code", pattern),
    ]


def _topic(topic: str) -> list[dict[str, Any]]:
    structs = event_types(topic).values()
    demands = [(struct, field, constraint(field)) for struct in structs for field in msgspec.structs.fields(struct)]
    codes = {f"{field.name}={value}": None for _, field, demand in demands for value in demand.values}
    patterns = {field.name: demand.pattern for _, field, demand in demands if demand.pattern}
    places = {
        name: pattern for name, pattern in patterns.items() if pattern not in {IDENTIFIER_PATTERN, SUBJECT_PATTERN}
    }
    return [
        _given([f"{fact_name(struct.type)}.{field.name}" for struct, field, demand in demands if demand.required]),
        _in_set("code", list(codes)),
        _matching("identifier", IDENTIFIER_PATTERN),
        *(_matching(name, pattern) for name, pattern in places.items()),
    ]


def _given(fields: list[str]) -> dict[str, Any]:
    """
    Return the expectation that these fields are given in each row.

    Great Expectations checks a table of observations. In this table, `presence` must be `given` for each of these
    fields, and not `missing`.
    """
    return _in_set("presence", ["given"]) | {"meta": {"required": fields}}


def _in_set(column: str, values: list[str]) -> dict[str, Any]:
    return {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": column, "value_set": values}}


def _matching(column: str, pattern: str) -> dict[str, Any]:
    return {"type": "expect_column_values_to_match_regex", "kwargs": {"column": column, "regex": pattern}}
