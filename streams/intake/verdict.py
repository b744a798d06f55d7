"""
Decide to which input topic a partner's record belongs, and whether the partner may say what the record says.

Only this question is decided here. Every other error is left to the contract, so that there is one place for it.
"""

from typing import NamedTuple

from streams import names
from streams.contracts.checks import Reason, Refusal
from streams.contracts.claims import Claims, claims, topic_of
from streams.contracts.escalation import AlertAcknowledged, AlertClosed, OpenedInEmergency
from streams.contracts.mark import OWN_HEADERS
from streams.contracts.record import Unreadable, record_bytes
from streams.kafka.partners import Partner
from streams.kafka.records import Readable

__all__ = ["MOST_KEY_BYTES", "Verdict", "verdict"]

MOST_KEY_BYTES = 256
"""
The longest key that is passed on. An id has at most 64 characters, which are at most 256 bytes in UTF-8.

To find the partition of a record, kafka-python needs almost 0.2 s for each megabyte of its key.
"""

_OF_THE_DESK = frozenset(struct.type for struct in (AlertAcknowledged, AlertClosed, OpenedInEmergency))
"""
What people at desks do. With such an event, a partner could hide an alert about a child, or claim that somebody had
opened a family without a right to it.
"""


class Verdict(NamedTuple):
    """The input topic of a record, and why the record is refused; None if it is passed on as it is."""

    topic: str
    refusal: Refusal | None


def verdict(record: Readable, partner: Partner, most_bytes: int) -> Verdict:
    """
    Decide about one record.

    A record with more than `most_bytes` is refused without reading it. It may be short while it is compressed, but to
    read it could take all the memory, and then nobody's records would be passed on. A record with a longer key than
    any id is refused as well.

    If the type of a record is unknown or cannot be read, the record goes to the escalation topic. The contract rejects
    it there, and it raises an alert, because it may be about a child.
    """
    if type(record) is Unreadable:
        return Verdict(names.ESCALATION, Refusal(record.reason, allowed=record.lacks))
    if record_bytes(record) > most_bytes:
        return Verdict(names.ESCALATION, Refusal(Reason.TOO_LARGE, allowed=f"at most {most_bytes} bytes"))
    claimed = claims(record.value, record.headers)
    topic = next((found for type_ in claimed.types if (found := topic_of(type_))), names.ESCALATION)
    if len(record.key or b"") > MOST_KEY_BYTES:
        return Verdict(topic, Refusal(Reason.TOO_LARGE, allowed=f"a key of at most {MOST_KEY_BYTES} bytes"))
    return Verdict(topic, _refusal(record, claimed, partner))


def _refusal(record: Readable, claimed: Claims, partner: Partner) -> Refusal | None:
    for path, source in claimed.sources:
        if source not in partner.sources:
            return Refusal(Reason.FORGED_SOURCE, path, f"a source of {partner.name}: {', '.join(partner.sources)}")
    if any(name.lower().startswith(OWN_HEADERS) for name, _ in record.headers):
        allowed = f"no header whose name begins with {OWN_HEADERS}; only the system's own parts add those"
        return Refusal(Reason.FORGED_SOURCE, allowed=allowed)
    if not _OF_THE_DESK.isdisjoint(claimed.types):
        allowed = "events of partners; only a desk acts on alerts, or opens families in an emergency"
        return Refusal(Reason.FORGED_SOURCE, "$.type", allowed)
    return None
