"""
Batches: one record that holds an array of events, as `application/cloudevents-batch+json`.

An offset has one row, a record one key; so a batch is only an envelope. It is quarantined as `batch`, and each event in
it is sent on as a record of its own, to be judged like any other: a bad one does not take the good ones with it.
"""

from collections.abc import Sequence

import msgspec

from streams.contracts.checks import UNPARSED, Reason, Refusal

__all__ = ["MAX_EVENTS", "PART_HEADER", "events_in", "recognised"]

PART_HEADER = "caf-part-of"
"""Header of an event that was sent on: `topic/partition/offset` of its batch."""

MAX_EVENTS = 1_000
"""Most events that a batch may hold."""

_EVENTS = msgspec.json.Decoder(list[msgspec.Raw])


def recognised(value: bytes, headers: Sequence[tuple[str, bytes | None]]) -> Refusal:
    """What a record is refused for whose value is an array: as a batch if it is one, otherwise for what is wrong."""
    if any(name == PART_HEADER for name, _ in headers or ()):
        return Refusal(Reason.NOT_JSON, allowed="one event; a batch holds events, not batches")
    try:
        events = events_in(value)
    except UNPARSED:
        return Refusal(Reason.NOT_JSON, allowed="JSON in UTF-8")
    if len(events) > MAX_EVENTS:
        return Refusal(Reason.TOO_LARGE, allowed=f"at most {MAX_EVENTS} events in a batch")
    return Refusal(Reason.BATCH, allowed="nothing is wrong: its events are sent on as records of their own")


def events_in(value: bytes) -> list[bytes]:
    """
    The events of an array, byte for byte.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError: it is no JSON array.
    """
    return [bytes(event) for event in _EVENTS.decode(value)]
