"""Events and records for tests, most of them made from changed examples of events."""

import json
from types import SimpleNamespace

from streams.contracts import Accepted, Event, Rejected, decode
from streams.contracts.generate.examples import event_example

__all__ = ["CONTACT", "arrived", "changed", "contact", "record"]

CONTACT = {"contact_id": "C-1", "family_id": "F-1", "source_code": "6"}
"""The data of a contact."""


def contact(data: dict | None = None, **envelope: object) -> dict:
    """A plain contact about the family `F-1`, with some data or attributes replaced."""
    return {
        "specversion": "1.0",
        "id": "e-1",
        "source": "/wirral/front-door",
        "type": "uk.caf.referral.contact-recorded.v1",
        "time": "2026-03-02T09:15:00Z",
        "authority": "E08000015",
        "data": CONTACT | (data or {}),
    } | envelope


def changed(struct: type[Event], data: dict | None = None, **envelope: object) -> dict:
    """The example of an event with some data or attributes replaced."""
    event = event_example(struct)
    return event | {"data": event["data"] | (data or {})} | envelope


def record(topic: str, value: bytes, key: str | None, headers: tuple = ()) -> SimpleNamespace:
    """A Kafka record."""
    return SimpleNamespace(
        topic=topic,
        partition=0,
        offset=7,
        timestamp=1_772_442_900_000,
        key=key and key.encode(),
        value=value,
        headers=headers,
    )


def arrived(struct: type[Event], data: dict | None = None, **envelope: object) -> Accepted | Rejected:
    """The decoded example of an event with some data or attributes replaced, under the example's key."""
    event = changed(struct, data, **envelope)
    example = event_example(struct)["data"]
    key = next(example[name] for name in struct.key_fields if name in example)
    return decode(record(struct.topic, json.dumps(event).encode(), key))
