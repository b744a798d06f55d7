"""Make records that no partner should send: random, damaged or hostile ones. A few valid records are among them."""

import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

from streams import names
from streams.bench.alert_load import Load

__all__ = ["LARGE_BYTES", "BadRecord", "BadRecords"]

LARGE_BYTES = 5_000_000
"""Length of a large record in bytes. The record is very short when compressed."""

_ONE_LARGE_IN = 2_000
_SOUND_EVENTS = 24_000
_TEXTS = (
    b'"\\ud800"',
    b'"\\u0000"',
    b'"\xff\xfe"',
    b'"\xed\xa0\x80"',
    b"1e400",
    b"-" + b"9" * 400,
    b"NaN",
    b"[" * 70 + b"]" * 70,
    b'"9999-12-31T23:59:59-23:59"',
    b'"0001-01-01T00:00:00+23:59"',
    b'"2026-02-30T00:00:00Z"',
    b"1772442900",
    b"null",
    b"true",
    b"{}",
    b'"\xf0\x9f\x91\xbe\xe2\x80\xae"',
)
"""Texts that replace a value in an event. Each text is JSON, or almost JSON."""


class BadRecord(NamedTuple):
    """A record to send. If `is_large` is true, the record fits into a batch only if the batch is compressed."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    is_large: bool = False


class BadRecords:
    """A seeded stream of records. Most records are valid events that were damaged."""

    def __init__(self, seed: int, authority: str) -> None:
        self._chance = random.Random(seed)
        self._sound = Load(_SOUND_EVENTS, authority, seed).history()
        self._authority, self._seed, self._taken = authority, seed, 0
        self._kinds: tuple[tuple[Callable[[], BadRecord], int], ...] = (
            (self._random, 25),
            (self._flipped, 25),
            (self._cut, 10),
            (self._replaced, 20),
            (self._of_another, 5),
            (self._empty, 5),
            (self._with_headers, 4),
            (self._as_it_is, 6),
        )

    def take(self, count: int) -> Iterator[BadRecord]:
        """Yield the next `count` records. A few of them are large."""
        makers, weights = zip(*self._kinds, strict=True)
        for make in self._chance.choices(makers, weights, k=count):
            self._taken += 1
            yield self._large() if self._taken % _ONE_LARGE_IN == _ONE_LARGE_IN // 4 else make()

    def _event(self) -> tuple[str, bytes, bytes]:
        if (event := next(self._sound, None)) is None:
            self._seed += 1_000_000
            self._sound = Load(_SOUND_EVENTS, self._authority, self._seed).history()
            event = next(self._sound)
        return event

    def _random(self) -> BadRecord:
        topic = self._chance.choice(names.INPUT_TOPICS)
        return BadRecord(topic, self._bytes(20), self._bytes(self._chance.choice((1, 30, 300))), [])

    def _flipped(self) -> BadRecord:
        topic, key, value = self._event()
        spoilt = bytearray(value)
        for _ in range(self._chance.choice((1, 3, 30))):
            spoilt[self._chance.randrange(len(spoilt))] = self._chance.randrange(256)
        return BadRecord(topic, key, bytes(spoilt), [])

    def _cut(self) -> BadRecord:
        topic, key, value = self._event()
        at = self._chance.randrange(len(value))
        return BadRecord(topic, key, value[:at] + value[self._chance.randrange(at, len(value)) :], [])

    def _replaced(self) -> BadRecord:
        """Replace the value of one JSON member. The new value may also damage the rest of the event."""
        topic, key, value = self._event()
        members = value.split(b":")
        at = self._chance.randrange(1, len(members))
        end = members[at].find(b",")
        members[at] = self._chance.choice(_TEXTS) + (members[at][end:] if end >= 0 else b"}")
        return BadRecord(topic, key, b":".join(members), [])

    def _of_another(self) -> BadRecord:
        _, key, value = self._event()
        return BadRecord(self._chance.choice(names.INPUT_TOPICS), self._chance.choice((key, b"F-0", None)), value, [])

    def _empty(self) -> BadRecord:
        topic, key, _ = self._event()
        return BadRecord(
            topic, self._chance.choice((key, None, b"")), self._chance.choice((None, b"", b" ", b"null")), []
        )

    def _with_headers(self) -> BadRecord:
        topic, key, value = self._event()
        count = 3_000 if self._chance.random() < 0.01 else 5
        headers = [(f"h{number}", self._chance.choice((None, b"", b"\xff"))) for number in range(count)]
        return BadRecord(topic, key, value + b"}", [*headers, ("caf-replay-of", self._bytes(8)), ("", b"")])

    def _as_it_is(self) -> BadRecord:
        return BadRecord(*self._event(), [])

    def _large(self) -> BadRecord:
        return BadRecord(self._chance.choice(names.INPUT_TOPICS), b"F-0", b"0" * LARGE_BYTES, [], is_large=True)

    def _bytes(self, longest: int) -> bytes:
        return self._chance.randbytes(self._chance.randrange(longest + 1))
