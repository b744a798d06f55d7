"""Facts of a census file as CloudEvents, with ids that do not depend on when or where the file is read."""

from datetime import UTC, datetime, time

import msgspec

from streams.contracts import Correction, Envelope, Withdrawal
from streams.contracts.codesets import WithdrawalReason
from streams.importers.cin_events import Fact
from streams.importers.cin_file import Header

__all__ = ["Message", "Statement", "corrected", "recorded", "source", "statement", "withdrawn"]


class Message(msgspec.Struct, frozen=True):
    """What is sent: the topic, the Kafka key and the event as JSON."""

    topic: str
    key: bytes
    value: bytes
    type: str


class Statement(msgspec.Struct, frozen=True):
    """
    A fact as a return tells it, under the id of the event that tells it first (its root).

    Of one that is told no more only the root, its topic and its key are known.
    """

    root_id: str
    topic: str
    key: str
    type: str | None
    moment: datetime | None
    data: bytes | None
    """The fact as JSON."""

    def is_of(self, header: Header) -> bool:
        """Whether it happened in the collection year of the file, so that no earlier return can have told it."""
        return self.moment.date() >= header.first_day


def source(header: Header) -> str:
    """The CloudEvents source of everything that an authority's census tells."""
    return f"/cin-census/{header.authority.ids_gss}"


def statement(fact: Fact, child_key: str) -> Statement:
    """A child's fact as it is told."""
    event = fact.event
    data = msgspec.json.encode(event)
    return Statement(f"{child_key}/{fact.name}", event.topic, event.key, event.type, fact.moment, data)


def recorded(told: Statement, header: Header) -> Message:
    """
    The event of a return that is the first of its year, the same bytes for the same file.

    What happened before the collection's first day has been told by an earlier year's file: it is sent as the
    correction of that event (which stands also when the earlier file was never imported), so the latest year counts.
    """
    if not told.is_of(header):
        return corrected(told, header)
    value = _encode(told.root_id, told.type, told.moment, header, told.data)
    return Message(told.topic, told.key.encode(), value, told.type)


def corrected(told: Statement, header: Header, submission: str = "") -> Message:
    """
    What the return of a year says instead of what was said before, whether or not anything was.

    All that is said for a year has one time; of two ids the greater one, a later `submission`'s, counts.
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


def withdrawn(told: Statement, header: Header, submission: str) -> Message:
    """That a fact which the year's return said before did not happen."""
    is_person = "/person/" in told.root_id
    withdrawal = Withdrawal(
        root_source=source(header),
        root_id=told.root_id,
        withdrawal_reason=WithdrawalReason.RECORDED_IN_ERROR,
        family_id=None if is_person else told.key,
        person_id=told.key if is_person else None,
    )
    return _amendment("withdrawn", told, withdrawal, header, submission)


def _amendment(change: str, told: Statement, data: msgspec.Struct, header: Header, submission: str) -> Message:
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
