"""
JSON Schemas (draft 2020-12) of whole messages. Each schema covers the CloudEvents envelope and its data.

In messages to the system, `null` means that an optional field is not given. `x-read-as` is the value that replaces a
wrong value, or a required value that is not given.
"""

from inspect import cleandoc
from typing import Any

import msgspec

from streams import names
from streams.contracts import codesets
from streams.contracts.audit import AUDIT_TYPE, AuditEntry
from streams.contracts.codesets import Code
from streams.contracts.envelope import Correction, Envelope, Withdrawal
from streams.contracts.event import Event, event_types
from streams.contracts.generate.examples import amendment_example, event_example, output_example
from streams.contracts.mend import Tolerant
from streams.contracts.outputs import (
    ALERT_TYPE,
    DEAD_LETTER_TYPE,
    FEEDBACK_TYPE,
    HEARTBEAT_TYPE,
    PARTNER_NOTICE_TYPE,
    SHARING_DECISION_TYPE,
    Alert,
    DeadLetter,
    Feedback,
    Heartbeat,
    PartnerNotice,
    SharingDecision,
)

__all__ = ["OUTPUTS", "amendment_type", "message_schemas"]

OUTPUTS: dict[str, tuple[str, type[msgspec.Struct]]] = {
    ALERT_TYPE: (names.ALERTS, Alert),
    FEEDBACK_TYPE: (names.FEEDBACK, Feedback),
    PARTNER_NOTICE_TYPE: (names.PARTNER_TOPICS["school"], PartnerNotice),
    SHARING_DECISION_TYPE: (names.SHARING_DECISION, SharingDecision),
    DEAD_LETTER_TYPE: (names.DEAD_LETTER, DeadLetter),
    HEARTBEAT_TYPE: (names.HEARTBEAT, Heartbeat),
    AUDIT_TYPE: (names.AUDIT, AuditEntry),
}
"""Topic and struct of each message that the system itself writes, by type. One partner topic stands for all of them."""

_WRITTEN = frozenset(struct for _, struct in OUTPUTS.values())
_REF = "#/$defs/{name}"


def message_schemas() -> dict[str, dict[str, Any]]:
    """Return the schema of every message, by its CloudEvents type."""
    schemas = {type_: _event(struct) for type_, struct in event_types().items()}
    for topic in names.INPUT_TOPICS:
        schemas[amendment_type(topic, "corrected")] = _correction(topic)
        schemas[amendment_type(topic, "withdrawn")] = _withdrawal(topic)
    for type_, (_, struct) in OUTPUTS.items():
        schemas[type_] = _message(type_, struct, output_example(struct, type_), _definitions(struct))
    return schemas


def amendment_type(topic: str, change: str) -> str:
    """Return the event type of a topic's corrections or withdrawals."""
    return f"uk.{topic.removesuffix('.v1')}.{change}.v1"


def _event(struct: type[Event]) -> dict[str, Any]:
    definitions = _sent(struct)
    if not any(field.required for field in msgspec.structs.fields(struct) if field.name in struct.key_fields):
        definitions[struct.__name__]["oneOf"] = [_given(name) for name in struct.key_fields]
    return _message(struct.type, struct, event_example(struct), definitions)


def _correction(topic: str) -> dict[str, Any]:
    structs = event_types(topic)
    definitions = _sent(Correction, *structs.values())
    data = definitions["Correction"]
    data["properties"]["replaced_type"]["enum"] = list(structs)
    data["allOf"] = [
        {
            "if": {"properties": {"replaced_type": {"const": type_}}},
            "then": {"properties": {"replacement": {"$ref": _REF.format(name=struct.__name__)}}},
        }
        for type_, struct in structs.items()
    ]
    data["properties"]["replacement"] = {"type": "object", "description": "The data of the event, in full."}
    type_ = amendment_type(topic, "corrected")
    return _message(type_, Correction, amendment_example(Correction, type_, _first(topic)), definitions)


def _withdrawal(topic: str) -> dict[str, Any]:
    definitions = _sent(Withdrawal)
    definitions["Withdrawal"]["anyOf"] = [_given(name) for name in ("family_id", "person_id", "alert_id")]
    type_ = amendment_type(topic, "withdrawn")
    return _message(type_, Withdrawal, amendment_example(Withdrawal, type_, _first(topic)), definitions)


def _first(topic: str) -> type[Event]:
    return next(iter(event_types(topic).values()))


def _given(name: str) -> dict[str, Any]:
    return {"required": [name], "properties": {name: {"type": "string"}}}


def _message(
    type_: str, struct: type[msgspec.Struct], example: dict[str, Any], definitions: dict[str, Any]
) -> dict[str, Any]:
    """
    Return the schema of an envelope whose data are a struct. Members that the schema does not name are allowed and
    kept.
    """
    envelope = (_definitions if struct in _WRITTEN else _sent)(Envelope)["Envelope"]
    properties = envelope["properties"] | {
        "type": {"const": type_, "description": envelope["properties"]["type"]["description"]},
        "data": {"$ref": _REF.format(name=struct.__name__)},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:caf:{type_}",
        "title": type_,
        "description": cleandoc(struct.__doc__ or ""),
        "type": "object",
        "properties": properties,
        "required": envelope["required"],
        "examples": [example],
        "$defs": definitions,
    }


def _sent(*structs: type[Tolerant]) -> dict[str, Any]:
    """Return the schemas of structs that other systems send, and of all types in them."""
    definitions = _definitions(*structs)
    for struct in structs:
        for name, schema in definitions[struct.__name__]["properties"].items():
            if schema.get("default") is not None:
                default = schema.pop("default")
                given = dict(schema)
                schema.clear()
                schema |= {"anyOf": [given, {"type": "null"}], "default": default}
            if name in struct.otherwise:
                schema["x-read-as"] = struct.otherwise[name]
    return definitions


def _definitions(*structs: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the schemas of structs and of all types in them. The schema of a code set says what each code means."""
    _, components = msgspec.json.schema_components(structs, ref_template=_REF)
    return {name: _coded(name) if _is_code(name) else schema for name, schema in components.items()}


def _is_code(name: str) -> bool:
    return name in codesets.__all__ and name != "CODE_SETS_VERSION"


def _coded(name: str) -> dict[str, Any]:
    codes: type[Code] = getattr(codesets, name)
    return {
        "title": name,
        "description": cleandoc(codes.__doc__ or ""),
        "type": "string",
        "oneOf": [{"const": code.value, "description": code.meaning} for code in codes],
    }
