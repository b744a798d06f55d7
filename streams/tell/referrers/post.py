"""
Write letters to referrers as soon as the decisions about their referrals have landed.

All letters are kept on their own topic, so that no letter is written twice after a restart. If a decision arrived
before the very first start, no letter is written about it.
"""

from collections.abc import Callable, Collection
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import structlog
from kafka import KafkaProducer

from streams import names
from streams.contracts import Accepted, Rejected, decode
from streams.contracts.output_envelope import Output, decode_output, encode_output
from streams.contracts.outputs import FEEDBACK_TYPE, Feedback
from streams.contracts.referral import ReferralDecided, ReferralSubmitted
from streams.kafka.client import producer
from streams.kafka.drain import whole
from streams.kafka.sending import TIMEOUT_SECONDS, confirm
from streams.kafka.topics import ensure_topics
from streams.lake.family_events import family_events
from streams.lake.sign import sign_of_life
from streams.rules.answers import DecidedReferral
from streams.rules.compiled import compiled_rules
from streams.rules.engine import Engine
from streams.settings import Settings
from streams.tell.cursor import Cursor
from streams.tell.referrers.letter import letter_id, letter_of, same_referrer, says_the_same
from streams.times import stops_after

__all__ = ["Posted", "post"]

log = structlog.get_logger()

SOURCE = "/caf/feedback"
"""The CloudEvents source of the letters."""

_DECIDING = ReferralSubmitted, ReferralDecided


@dataclass
class Posted:
    """How many records this process has read, and how many letters it has written."""

    records: int = 0
    letters: int = 0


def post(
    settings: Settings,
    *,
    until: Callable[[], bool] = lambda: False,
    for_seconds: float | None = None,
    once: bool = False,
    patience_seconds: float = 10,
) -> Posted:
    """
    Write letters as decisions arrive.

    Args:
        once: stop when all records that were on the topic at the start have been handled.
        patience_seconds: how long to wait for the lake before checking again whether to stop.

    Raises:
        BrokerUnavailable: no broker answers at the start.
        PlaceLost: Kafka has forgotten which decisions were answered.
        RulesInvalid: dbt cannot compile the models.
    """
    is_over = stops_after(for_seconds, until)
    with ExitStack() as stack:
        sign = stack.enter_context(sign_of_life(settings, "feedback"))

        def stop() -> bool:
            sign.turn()
            return is_over()

        ensure_topics(settings, (names.REFERRAL, names.FEEDBACK))
        settings = settings.acting_as("share")
        office = stack.enter_context(closing(_Office(settings, patience_seconds)))
        cursor = Cursor(settings, names.REFERRAL, names.FEEDBACK_GROUP, writes=names.FEEDBACK)
        stack.callback(cursor.close)
        ends = cursor.ends()
        while not stop() and not (once and cursor.is_past(ends)):
            if not office.answer([decode(record) for record in cursor.read()], stop):
                break
            cursor.done()
        return office.posted


class _Office:
    """Knows all letters that have been written, and writes the new ones."""

    def __init__(self, settings: Settings, patience_seconds: float) -> None:
        self._settings = settings
        self._patience_seconds = patience_seconds
        self._engine = Engine(compiled_rules(settings))
        self._producer: KafkaProducer = producer(settings, linger_ms=0)
        self._written = _written(settings)
        self.posted = Posted()

    def close(self) -> None:
        self._producer.close(timeout=TIMEOUT_SECONDS)
        self._engine.close()

    def answer(self, records: Collection[Accepted | Rejected], stop: Callable[[], bool]) -> bool:
        """
        Wait until the lake has these records, and then write the letters that follow from them.

        Return False if the process was told to stop while it waited.
        """
        events = [record for record in records if isinstance(record, Accepted) and _may_decide(record)]
        self.posted.records += len(records)
        families = {event.key for event in events}
        landed = None
        while families and (landed := self._landed(families)) is None:
            log.warning("lake_behind", waiting_for=len(families))
            if stop():
                return False
        if landed is not None:
            named = {(event.key, event.fact.referral_id) for event in events if isinstance(event.fact, _DECIDING)}
            self._write(landed, named)
        return True

    def _landed(self, families: Collection[str]) -> pa.Table | None:
        return family_events(self._settings, families, [names.REFERRAL], self._patience_seconds)

    def _write(self, events: pa.Table, named: Collection[tuple[str, str]]) -> None:
        """
        Write letters about the referrals in `named`, and new versions of earlier letters that are no longer
        right.
        """
        new = []
        for referral in self._engine.decided_referrals(events, datetime.now(UTC)):
            before = self._before(referral)
            letter = letter_of(referral, before)
            if letter is None or (before is None and (referral.family_id, referral.referral_id) not in named):
                continue
            if before is None or not says_the_same(before, letter):
                new.append(letter)
        self._send(new)
        self._written |= {_id(letter): letter for letter in new}
        self.posted.letters += len(new)
        if new:
            log.info("letters_written", letters=len(new))

    def _before(self, referral: DecidedReferral) -> Feedback | None:
        """
        Return the latest letter about the referral.

        Old letters have no id. They are found by the referral's id, and must have gone to the same referrer.
        """
        found = self._written.get(letter_id(referral.family_id, referral.referral_id))
        if found is None:
            old = self._written.get(referral.referral_id)
            found = old if old is not None and same_referrer(old, referral) else None
        return found

    def _send(self, letters: Collection[Feedback]) -> None:
        sent = []
        for letter in letters:
            identity = f"{letter.letter_id}/{letter.version}"
            value = encode_output(FEEDBACK_TYPE, source=SOURCE, identity=identity, time=datetime.now(UTC), data=letter)
            sent.append(self._producer.send(names.FEEDBACK, key=_id(letter).encode(), value=value))
        confirm(self._producer, sent)


def _may_decide(event: Accepted) -> bool:
    """Return True if the event can change what a letter says. Events from history change no letter."""
    if event.envelope.backfill:
        return False
    return event.fact is None or isinstance(event.fact, _DECIDING)


def _written(settings: Settings) -> dict[str, Feedback]:
    """
    Read the latest version of each letter. Return the letters by id.

    Old letters have no id. Each of them is returned under the id of its referral.
    """
    outputs = map(decode_output, whole(settings, [names.FEEDBACK], max_poll_records=5_000))
    data = (output.data for output in outputs if isinstance(output, Output))
    return {_id(letter): letter for letter in data if isinstance(letter, Feedback)}


def _id(letter: Feedback) -> str:
    return letter.letter_id or letter.referral_id
