"""Facts of a census file as CloudEvents, with ids that do not depend on when or where the file is read."""

from datetime import UTC, datetime, time

import msgspec

from streams.contracts import Correction, Envelope
from streams.contracts.codesets import WithdrawalReason
from streams.importers.cin_events import Fact
from streams.importers.cin_file import Header

__all__ = ["Message", "message", "source"]


class Message(msgspec.Struct, frozen=True):
    """What is sent: the topic, the Kafka key and the event as JSON."""

    topic: str
    key: bytes
    value: bytes
    type: str


def source(header: Header) -> str:
    """The CloudEvents source of everything that an authority's census tells."""
    return f"/cin-census/{header.authority}"


def message(fact: Fact, child_key: str, header: Header, *, is_resubmission: bool = False) -> Message:
    """
    The event of a fact, the same bytes for the same file.

    What happened before the collection's first day has been told by an earlier year's file: it is sent as the
    correction of that event (which stands also when the earlier file was never imported), so the latest year counts.
    A resubmission tells everything anew: every fact is such a correction, and the file extracted last counts.
    """
    fact_id = f"{child_key}/{fact.name}"
    topic, key = fact.event.topic, fact.event.key.encode()
    if fact.day >= header.first_day and not is_resubmission:
        type_ = fact.event.type
        return Message(topic, key, _encode(fact_id, type_, fact.moment, header, fact.event), type_)
    correction = Correction(
        root_source=source(header),
        root_id=fact_id,
        withdrawal_reason=WithdrawalReason.MORE_ACCURATE,
        replaced_type=fact.event.type,
        replaced_time=fact.moment,
        replacement=msgspec.Raw(msgspec.json.encode(fact.event)),
    )
    type_ = f"uk.{topic.removesuffix('.v1')}.corrected.v1"
    told = datetime.combine(header.reference_date, time(), UTC)
    # Both corrections of a year have one time; of two ids the longer one, a resubmission's, then counts.
    extracted = f"/{header.extracted}" if is_resubmission else ""
    return Message(topic, key, _encode(f"{fact_id}/{header.year}{extracted}", type_, told, header, correction), type_)


def _encode(id_: str, type_: str, moment: datetime, header: Header, data: msgspec.Struct) -> bytes:
    return msgspec.json.encode(
        Envelope(
            specversion="1.0",
            id=id_,
            source=source(header),
            type=type_,
            time=moment,
            authority=header.authority,
            data=msgspec.Raw(msgspec.json.encode(data)),
            backfill=True,
        )
    )
