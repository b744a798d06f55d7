"""
Turn facts of a census file into CloudEvents. The ids of the events do not depend on when or where the file is
read.
"""

from datetime import UTC, datetime, time

import msgspec

from streams.contracts import Correction, Envelope, Withdrawal
from streams.contracts.codesets import WithdrawalReason
from streams.importers.cin_facts import Fact
from streams.importers.cin_file import Header

__all__ = ["Message", "Root", "Statement", "corrected", "recorded", "source", "statement", "withdrawn"]


class Message(msgspec.Struct, frozen=True):
    """A message to send: its topic, its Kafka key, the event as JSON, and the event's type."""

    topic: str
    key: bytes
    value: bytes
    type: str


class Root(msgspec.Struct, frozen=True):
    """
    The event that first sent a fact: its id, topic and Kafka key.

    If a return leaves out a fact, this is all that is known about the fact.
    """

    root_id: str
    topic: str
    key: str


class Statement(Root, frozen=True):
    """A fact as it is in a return: its content, and the event that first sent the fact (its root)."""

    type: str
    moment: datetime
    data: bytes
    """The fact's content as JSON."""

    def is_of(self, header: Header) -> bool:
        """
        Whether the fact happened on or after the first day of the file's collection year. If so, no earlier return can
        contain the fact.
        """
        return self.moment.date() >= header.first_day


def source(header: Header) -> str:
    """Return the CloudEvents source of all events from an authority's census."""
    return f"/cin-census/{header.authority.ids_gss}"


def statement(fact: Fact, child_key: str) -> Statement:
    """Turn a child's fact into a `Statement`."""
    event = fact.event
    data, key = msgspec.json.encode(event), event.key
    assert key is not None  # a census fact always has a family or a person as its key
    return Statement(f"{child_key}/{fact.name}", event.topic, key, event.type, fact.moment, data)


def recorded(told: Statement, header: Header) -> Message:
    """
    Make the event for a fact in the first return of a year. The same file always results in the same bytes.

    If a fact happened before the collection's first day, an earlier year's file contained it as well. So the fact is
    sent as a correction of the event from that earlier file, and the latest year counts. The correction is valid even
    if the earlier file was never imported.
    """
    if not told.is_of(header):
        return corrected(told, header)
    value = _encode(told.root_id, told.type, told.moment, header, told.data)
    return Message(told.topic, told.key.encode(), value, told.type)


def corrected(told: Statement, header: Header, submission: str = "") -> Message:
    """
    Make the event that brings a fact in line with this year's return. The fact may also be new.

    All amendments from one year have the same time. Among amendments with the same time, the one with the greatest id
    counts. Amendments from a later `submission` have greater ids.
    """
    correction = Correction(
        root_source=source(header),
        root_id=told.root_id,
        withdrawal_reason=WithdrawalReason.MORE_ACCURATE,
        replaced_type=told.type,
        replaced_time=told.moment,
        replacement=msgspec.Raw(told.data),
    )
    return _amendment("corrected", told, correction, header, submission)


def withdrawn(told: Root, header: Header, submission: str) -> Message:
    """Make the event that withdraws a fact. The fact was in an earlier submission of the same year's return."""
    is_person = "/person/" in told.root_id
    withdrawal = Withdrawal(
        root_source=source(header),
        root_id=told.root_id,
        withdrawal_reason=WithdrawalReason.RECORDED_IN_ERROR,
        family_id=None if is_person else told.key,
        person_id=told.key if is_person else None,
    )
    return _amendment("withdrawn", told, withdrawal, header, submission)


def _amendment(change: str, told: Root, data: msgspec.Struct, header: Header, submission: str) -> Message:
    type_ = f"uk.{told.topic.removesuffix('.v1')}.{change}.v1"
    said = datetime.combine(header.reference_date, time(), UTC)
    id_ = "/".join(filter(None, (told.root_id, str(header.year), submission)))
    return Message(told.topic, told.key.encode(), _encode(id_, type_, said, header, msgspec.json.encode(data)), type_)


def _encode(id_: str, type_: str, moment: datetime, header: Header, data: bytes) -> bytes:
    return msgspec.json.encode(
        Envelope(
            specversion="1.0",
            id=id_,
            source=source(header),
            type=type_,
            time=moment,
            authority=header.authority.gss_code,
            data=msgspec.Raw(data),
            backfill=True,
        )
    )
