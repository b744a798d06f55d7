"""Records of every kind in which every identifier and every text contains a mark, rejected records included."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from streams import names
from streams.contracts.describe import describe
from streams.contracts.event import Event, event_types, fact_name

__all__ = ["MARK", "Planted", "planted_records"]

MARK = "zqplant"
OF_CASE_CHANGE = "uk.caf.case-change"
WRONG_DAY = f"{MARK}-day"

Planted = tuple[str, bytes | None, bytes | None, list[tuple[str, bytes]]]
"""A record: topic, key, value and headers."""


def planted_records() -> Iterator[Planted]:
    """
    Yield an accepted record of each event type, corrections and withdrawals, and records with each kind of fault.

    Every field that may hold any text holds a mark: ids, notes, sources, unknown fields, keys, headers.
    """
    for number, struct in enumerate(event_types().values()):
        yield _record(struct.topic, _event(struct.type, _data(struct), number), _data(struct))
        for name in struct.__struct_fields__:
            wrong = _data(struct) | {name: {"wrong": f"{MARK}-wrong"}}
            yield _record(struct.topic, _event(struct.type, wrong, f"{number}-{name}"), _data(struct))
    yield from _amendments()
    yield from _faults()


def _amendments() -> Iterator[Planted]:
    root = {"root_source": f"/{MARK}/system", "root_id": f"{MARK}-0", "withdrawal_reason": "recorded_in_error"}
    for struct in event_types().values():
        replaced = {"replaced_type": struct.type, "replaced_time": _now(3), "replacement": _data(struct)}
        group = struct.type.rsplit(".", 2)[0]
        yield _record(struct.topic, _event(f"{group}.corrected.v1", root | replaced, struct.type), _data(struct))
    yield _record(
        names.CASE_CHANGE,
        _event(f"{OF_CASE_CHANGE}.withdrawn.v1", root | {"family_id": f"F-{MARK}"}, "withdrawn"),
        {"family_id": f"F-{MARK}"},
    )


def _faults() -> Iterator[Planted]:
    struct = next(iter(event_types(names.REFERRAL).values()))
    good = _event(struct.type, _data(struct), "fault")
    key, value = f"F-{MARK}".encode(), json.dumps(good).encode()
    headers = [(f"{MARK}-header", MARK.encode())]
    yield names.REFERRAL, key, f"{MARK} is not JSON".encode(), headers
    yield names.REFERRAL, key, b"\xff\xfe" + MARK.encode(), headers
    yield names.REFERRAL, key, None, headers
    yield names.REFERRAL, f"{MARK}-other-key".encode(), value, headers
    yield names.REFERRAL, key, json.dumps([good, good | {"id": f"{MARK}-of-batch"}]).encode(), headers
    yield names.REFERRAL, key, value + MARK.encode() * 100_000, headers
    for changed in (
        {"type": f"uk.caf.referral.{MARK}.v1"},
        {"time": f"{MARK}"},
        {"authority": f"{MARK}"},
        {"specversion": MARK},
        {"datacontenttype": f"{MARK}/{MARK}"},
        {"data": MARK},
        {"source": f"{MARK}" * 50},
        {"id": ""},
    ):
        yield names.REFERRAL, key, json.dumps(good | changed).encode(), headers
    for topic in (names.ALERTS, names.FEEDBACK, names.SHARING_DECISION, names.DEAD_LETTER, names.HEARTBEAT):
        yield topic, key, json.dumps({MARK: MARK}).encode(), headers


def _record(topic: str, event: dict[str, Any], data: dict[str, Any]) -> Planted:
    key = data.get("family_id") or data.get("person_id") or data.get("alert_id")
    return topic, str(key).encode(), json.dumps(event).encode(), [(f"{MARK}-header", MARK.encode())]


def _event(type_: str, data: dict[str, Any], number: object) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"{MARK}-{number}",
        "source": f"/{MARK}/system",
        "type": type_,
        "time": _now(2),
        "authority": "E08000015",
        "data": data | {"remarks": f"{MARK} remark of a worker"},
        f"x{MARK}": MARK,
    }


def _now(hours: int) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat()


def _data(struct: type[Event]) -> dict[str, Any]:
    """Return data for an event, with a mark in each field that may hold any text."""
    data = {field.name: _value(field) for field in msgspec.structs.fields(struct)}
    if fact_name(struct.type) == "address-changed":
        del data["person_id"]
    return data


def _value(field: msgspec.structs.FieldInfo) -> Any:
    described = describe(field)
    schema = msgspec.json.schema(field.type)
    schema = next((one for one in schema.get("anyOf", ()) if one != {"type": "null"}), schema)
    kind = schema.get("items", schema)
    is_free = kind.get("type") == "string" and "format" not in kind and "maxLength" in kind and not described.codes
    if not is_free:
        return described.example
    text = (
        f"F-{MARK}" if field.name in {"family_id", "release_family_id", "marker_families"} else f"{field.name}-{MARK}"
    )
    return [text] if "items" in schema else text
