"""Facts of the simulated world with their ids, and the Kafka records made from them."""

from collections import Counter
from datetime import datetime
from typing import NamedTuple

import msgspec

from streams.contracts.envelope import Correction, Envelope, Withdrawal
from streams.contracts.event import Event
from streams.names import CASE_CHANGE, ESCALATION, REFERRAL

__all__ = ["Fact", "Ids", "Record", "amendment_type", "encode", "system_of"]

_SYSTEMS = {REFERRAL: "front-door", CASE_CHANGE: "case-system", ESCALATION: "partner-portal"}
_ENCODER = msgspec.json.Encoder()


class Fact(NamedTuple):
    """One event before it is sent."""

    at: datetime
    source: str
    id: str
    authority: str
    topic: str
    data: Event | Correction | Withdrawal
    key: str
    is_planted: bool = False

    @property
    def type(self) -> str:
        """The CloudEvents type of the fact."""
        return self.data.type if isinstance(self.data, Event) else amendment_type(self.topic, self.data)


class Record(NamedTuple):
    """A record as it is sent to its topic, and the time at which the simulated world sends it."""

    topic: str
    key: bytes
    value: bytes
    at: datetime
    story_id: str | None = None
    """
    The planted story that an unreadable record belongs to. The story cannot name the record's offset, because the
    offset is known only after sending.
    """


class Ids:
    """Makes ids from a kind, the world's tag and a number. No other world has the same ids."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self._numbers: Counter[str] = Counter()

    def retag(self, tag: str) -> None:
        """Continue with another tag, so that new ids never equal ids from another run of the same world."""
        self.tag = tag
        self._numbers.clear()

    def new(self, kind: str) -> str:
        """Make the next id of a kind, such as `F-1a2b3c-000017`."""
        self._numbers[kind] += 1
        return f"{kind}-{self.tag}-{self._numbers[kind]:06d}"


def system_of(slug: str, topic: str) -> str:
    """Return the CloudEvents source of an authority's events on a topic, such as `/wirral/front-door`."""
    return f"/{slug}/{_SYSTEMS[topic]}"


def amendment_type(topic: str, data: Correction | Withdrawal) -> str:
    """Return the type of a correction or a withdrawal on a topic."""
    return f"uk.{topic.removesuffix('.v1')}.{'corrected' if isinstance(data, Correction) else 'withdrawn'}.v1"


def encode(fact: Fact, *, backfill: bool, at: datetime | None = None) -> Record:
    """
    Make the record of a fact. If `at` is given, the record carries this time instead of the time at which the fact
    happened.
    """
    happened = at or fact.at
    envelope = Envelope(
        specversion="1.0",
        id=fact.id,
        source=fact.source,
        type=fact.type,
        time=happened,
        authority=fact.authority,
        data=msgspec.Raw(_ENCODER.encode(fact.data)),
        backfill=backfill,
    )
    return Record(fact.topic, fact.key.encode(), _ENCODER.encode(envelope), happened)
