"""
Batches: one record that holds an array of events, as `application/cloudevents-batch+json`.

A batch cannot be stored as an event, because each offset has one row in the lake, and each record has one key. The
batch is kept in the quarantine with the reason `batch`. Each of its events is sent as a record of its own, and
validated like any other record. So an invalid event does not cause the valid events of its batch to be rejected.
"""

from collections.abc import Sequence

import msgspec

from streams.contracts.checks import UNPARSED, Reason, Refusal

__all__ = ["MAX_EVENTS", "PART_HEADER", "events_in", "recognised"]

PART_HEADER = "caf-part-of"
"""Header of a record that was made from an event of a batch. Its value is the batch's `topic/partition/offset`."""

MAX_EVENTS = 1_000
"""The largest number of events that a batch may hold."""

_EVENTS = msgspec.json.Decoder(list[msgspec.Raw])


def recognised(value: bytes, headers: Sequence[tuple[str, bytes | None]]) -> Refusal:
    """Return the refusal of a record whose value is an array. The reason is `batch`, or the error in the array."""
    if any(name == PART_HEADER for name, _ in headers or ()):
        return Refusal(Reason.NOT_JSON, allowed="one event; a batch holds events, not batches")
    try:
        events = events_in(value)
    except UNPARSED:
        return Refusal(Reason.NOT_JSON, allowed="JSON in UTF-8")
    if len(events) > MAX_EVENTS:
        return Refusal(Reason.TOO_LARGE, allowed=f"at most {MAX_EVENTS} events in a batch")
    return Refusal(Reason.BATCH, allowed="nothing is wrong: each of its events is sent on as a record")


def events_in(value: bytes) -> list[bytes]:
    """
    Return the events of an array, byte for byte.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError: the value is not a JSON array.
    """
    return [bytes(event) for event in _EVENTS.decode(value)]
