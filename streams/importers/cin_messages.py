"""Facts of a census file as CloudEvents. Their ids do not depend on when or where the file is read."""

from datetime import UTC, datetime, time

import msgspec

from streams.contracts import Correction, Envelope, Withdrawal
from streams.contracts.codesets import WithdrawalReason
from streams.importers.cin_events import Fact
from streams.importers.cin_file import Header

__all__ = ["Message", "Root", "Statement", "corrected", "recorded", "source", "statement", "withdrawn"]


class Message(msgspec.Struct, frozen=True):
    """A message to send: the topic, the Kafka key and the event as JSON."""

    topic: str
    key: bytes
    value: bytes
    type: str


class Root(msgspec.Struct, frozen=True):
    """
    The event that sent a fact first: its id, topic and Kafka key.

    Nothing else is known about a fact that a return no longer contains.
    """

    root_id: str
    topic: str
    key: str


class Statement(Root, frozen=True):
    """A fact as a return contains it, with the event that sent it first (its root)."""

    type: str
    moment: datetime
    data: bytes
    """The fact as JSON."""

    def is_of(self, header: Header) -> bool:
        """Whether it happened in the collection year of the file. No earlier return can then have contained it."""
        return self.moment.date() >= header.first_day


def source(header: Header) -> str:
    """Return the CloudEvents source of all events from an authority's census."""
    return f"/cin-census/{header.authority.ids_gss}"


def statement(fact: Fact, child_key: str) -> Statement:
    """Turn a child's fact into the statement that a return makes."""
    event = fact.event
    data, key = msgspec.json.encode(event), event.key
    assert key is not None  # a census fact always has a family or a person
    return Statement(f"{child_key}/{fact.name}", event.topic, key, event.type, fact.moment, data)


def recorded(told: Statement, header: Header) -> Message:
    """
    Make the event of a fact in the first return of its year. The same file always gives the same bytes.

    An earlier year's file contained what happened before the collection's first day. Such a fact is therefore sent as
    a correction of that earlier event, so that the latest year counts. The correction is valid even if the earlier
    file was never imported.
    """
    if not told.is_of(header):
        return corrected(told, header)
    value = _encode(told.root_id, told.type, told.moment, header, told.data)
    return Message(told.topic, told.key.encode(), value, told.type)


def corrected(told: Statement, header: Header, submission: str = "") -> Message:
    """
    Make the event that replaces a fact by the version in this year's return. The fact may also be new.

    All amendments from one year have the same time. When times are equal, the amendment with the greater id counts,
    and a later `submission` has a greater id.
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
    """Make the event that withdraws a fact that the year's return contained before."""
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
