"""
What a record says about its sender, read in the same way as the contract reads it, but without validating the rest.

A record may be wrong in other ways and be accepted later, for example by a newer version of the contract. So its source
is read even if the contract rejects the record now.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from streams import names
from streams.contracts.batches import events_in
from streams.contracts.checks import UNPARSED, Reason, Refusal, readable
from streams.contracts.forms import with_whole_characters
from streams.contracts.mend import Members, members_of
from streams.contracts.modes import structured, with_data

__all__ = ["Claims", "claims", "topic_of"]

_SOURCE_HEADER = "ce_source"
_NULL = msgspec.Raw(b"null")


class Claims(NamedTuple):
    """
    What the events of a record claim.

    `sources` holds each source for which the record speaks, with its path. If an event corrects or withdraws another
    one, the source of that other event is included. `types` holds the types of all events, and those that corrections
    put in their place, in order.
    """

    sources: list[tuple[str, str]]
    types: list[str]


def claims(value: bytes | None, headers: Sequence[tuple[str, bytes | None]]) -> Claims:
    """
    Return what a record claims. What cannot be read is left out; the contract cannot read it either.

    The header `ce_source` always counts, even in a record whose value names a source as well.
    """
    found = Claims([], [])
    for name, content in headers:
        if name.lower() == _SOURCE_HEADER:
            found.sources.append(("$.source", (content or b"").decode(errors="replace")))
    for event in _events(value or b"", headers):
        data = _object(event.get("data", _NULL))
        for path, raw in (("$.source", event.get("source")), ("$.data.root_source", data.get("root_source"))):
            if (source := _text(raw)) is not None:
                found.sources.append((path, source))
        found.types.extend(filter(None, (_text(event.get("type")), _text(data.get("replaced_type")))))
    return found


def topic_of(type_: str) -> str | None:
    """Return the input topic to which an event type belongs; None if its name begins like no type of the contract."""
    for topic in names.INPUT_TOPICS:
        if type_.startswith(f"uk.{topic.removesuffix('v1')}"):
            return topic
    return None


def _events(value: bytes, headers: Sequence[tuple[str, bytes | None]]) -> Iterator[Members]:
    try:
        value = structured(value, headers)
        readable(value)
        bodies = events_in(value) if value[:1] == b"[" else [value]
    except (Refusal, *UNPARSED):
        return
    for body in bodies:
        try:
            event = members_of(with_whole_characters(body), "$", Reason.ENVELOPE)
        except Refusal:
            continue
        try:
            yield with_data(event)
        except Refusal:
            yield event


def _object(raw: msgspec.Raw) -> Members:
    try:
        return members_of(raw, "$.data", Reason.SCHEMA)
    except Refusal:
        return {}


def _text(raw: msgspec.Raw | None) -> str | None:
    try:
        return None if raw is None else msgspec.json.decode(raw, type=str)
    except UNPARSED:
        return None
