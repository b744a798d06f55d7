"""
The watcher's loop: poll, judge and keep in one transaction, send, and say so in a heartbeat.

A crash anywhere loses nothing and repeats nothing: a batch is kept with its offsets or not at all, and what was decided
but not sent is in the outbox.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from time import monotonic

import structlog
from kafka import TopicPartition

from streams import names
from streams.alerts.publisher import Publisher, alert_of
from streams.alerts.routing.router import Router
from streams.alerts.routing.routes import read_routes
from streams.contracts import Accepted, Rejected, admit
from streams.contracts.checks import arrived_at
from streams.contracts.outputs import Alert
from streams.kafka.drain import is_past
from streams.kafka.heartbeat import last_heartbeat
from streams.lake.advisory import HeldLock
from streams.lake.lock_keys import LockKey
from streams.rules.compiled import CompiledRules
from streams.rules.postgres.engine import PostgresEngine
from streams.settings import Settings
from streams.watch.alerting import Alerting
from streams.watch.batches import Batches, Evaluate
from streams.watch.beginning import begin_reading
from streams.watch.consumer import watch_consumer
from streams.watch.leader import Leadership
from streams.watch.outbox import Outbox
from streams.watch.reading import Reading
from streams.watch.sender import Sender
from streams.watch.state.state import State, open_session
from streams.watch.state.tables import event_columns
from streams.watch.watermark import Watermark

__all__ = ["Watcher"]

log = structlog.get_logger()

_UNREAD_RECORDS = 500
"""Unreadable records that are reported at once, between two polls: about 100 ms."""
_REVIEW_FAMILIES = 20
"""Families that are looked at again in one idle moment: about 30 ms."""
_CATCH_UP_MS = 500
"""How long to wait for the next records of those that another leader has judged."""
_LOOK_SECONDS = 1.0
"""Between two looks at the partitions, which the client asks for every few seconds, and at alerts that have ended."""
_UNSENT_SECONDS = 1.0
"""How long the next batch may be judged before all is sent, so that there is a cut."""
_SENDING_SECONDS = 0.005
"""Until it is asked again whether all is sent."""
_PAUSE_SECONDS = 0.05
"""Until the build is asked again whether it has said what it had to say."""


class Watcher:
    """
    One term as the leader: until the stop, the loss of the lock, of the broker or of the database.

    Raises:
        BrokerUnavailable: no broker answers.
        LakeUnavailable: PostgreSQL does not answer.
        LockTaken: the leader lock is lost.
    """

    def __init__(self, settings: Settings, rules: CompiledRules, leadership: Leadership) -> None:
        self._settings, self._leadership = settings, leadership
        self._closing = ExitStack()
        try:
            self._open(rules)
        except BaseException:
            self.close()
            raise
        self._due: datetime | None = None
        self._has_more = self._is_reviewing = True
        self._is_put_off = False
        self._looks_at = self._sent_at = monotonic()
        self.evaluated_records = 0

    def _open(self, rules: CompiledRules) -> None:
        """Connect to PostgreSQL and to Kafka."""
        session = self._closing.enter_context(closing(open_session(self._settings, leads=True)))
        engine = PostgresEngine(rules, session)
        self._state = State(session, event_columns(engine.columns_read), engine.crowd_limits, rules.checksum)
        self._state.begin_term()
        self._publisher = self._closing.enter_context(closing(Publisher(self._settings, self._leadership.lock)))
        beside = self._closing.enter_context(closing(open_session(self._settings, leads=True)))
        kept = timedelta(days=self._settings.ended_alert_days)
        self._outbox = Outbox(self._state.beside(beside), self._publisher, kept)
        self._sender = self._closing.enter_context(closing(Sender(self._outbox.send)))
        router = Router(self._settings.authority, read_routes())
        self._alerting = Alerting(engine, self._state, router, self._settings.case_url)
        found = last_heartbeat(self._settings)
        self._watermark = Watermark(self._publisher, found and found[0], self._settings.heartbeat_seconds)
        self._batches = Batches(self._state, self._alerting, self._between)
        self._reading = self._closing.enter_context(closing(Reading(self._settings)))

    @property
    def published_alerts(self) -> int:
        """Versions that were sent."""
        return self._outbox.sent

    def close(self) -> None:
        """Disconnect from Kafka and PostgreSQL."""
        self._closing.close()

    def watch(self, stop: Callable[[], bool]) -> None:
        """
        Judge until `stop` says so, or the topics have changed and a new term must begin.

        Raises:
            LockTaken: the leader lock was lost.
            RecordsDeleted: Kafka has deleted records before they were read; a new term finds what the lake has of them.
        """
        self._start()
        while not stop() and not self._reading.is_over and not self._sees_other_partitions():
            self._take(self._reading.poll(self._patience_ms()), self._judge_now)
            self._pass_deadlines()
            self._report_unread()
            self._review()
            self._restate()
            self._complete()
            self._watermark.say()
        self._sender.wait()
        self._complete()
        self._watermark.say(now=True)

    def _start(self) -> None:
        began = monotonic()
        reading = self._reading
        reading.consumer.assign(reading.partitions)
        reading.seek(
            begin_reading(self._settings, reading.consumer, self._state, reading.partitions, self._watermark.say)
        )
        with self._state.writing():
            self._state.begin_at(reading.offsets, reading.topic_ids)
        self._hear()
        self._batches.finish()
        reading.start()
        self._catch_up()
        if reading.is_over:
            return
        self._state.complete()
        self._state.drop_next()
        self._restore_current()
        self._send()
        log.info("watch_started", partitions=len(reading.partitions), seconds=round(monotonic() - began, 2))

    def _catch_up(self) -> None:
        """
        Keep what another leader has judged and these tables do not have yet.

        Judged one batch after another, its alerts would be taken back until their last cause has been read.
        """
        evaluated = {
            place: min(end, self._watermark.evaluated(place)) for place, end in self._reading.input_ends().items()
        }
        while self._reading.is_before(evaluated) and not self._reading.is_over:
            self._take(self._reading.poll(_CATCH_UP_MS), self._alerting.keep)
            self._watermark.say()

    def _restore_current(self) -> None:
        """Say once more which alerts stand, if the topic of those is not the one on which that was said."""
        ids = self._reading.consumer.topic_ids([names.ALERTS_CURRENT])
        place = TopicPartition(names.ALERTS_CURRENT, 0)
        _, known = self._state.known().get(place, (0, ""))
        if known != ids[names.ALERTS_CURRENT]:
            self._outbox.say_standing(self._watermark.say)
            with self._state.writing():
                self._state.begin_at({place: 0}, ids)

    def _sees_other_partitions(self) -> bool:
        """Look for added partitions, and for alerts that have ended, if it is time: not between any two batches."""
        if monotonic() < self._looks_at:
            return False
        self._looks_at = monotonic() + _LOOK_SECONDS
        self._outbox.retire(_now())
        return self._reading.has_other_partitions()

    def _take(self, records: Collection, evaluate: Evaluate) -> None:
        """Judge polled records."""
        if not records:
            return
        evaluated: list[Accepted | Rejected] = []
        heard: list[Alert] = []
        offsets: dict[TopicPartition, int] = {}
        for record in records:
            offsets[TopicPartition(record.topic, record.partition)] = record.offset + 1
            if record.topic != names.ALERTS:
                evaluated.append(admit(record, self._settings.max_record_bytes))
            elif (alert := alert_of(record.value)) is not None:
                heard.append(alert)
        self._has_more |= self._batches.take(evaluated, heard, offsets, evaluate)
        self._reading.note_taken(offsets)
        self.evaluated_records += len(evaluated)
        self._send()

    def _between(self) -> None:
        """Between two parts of a large batch: send what is decided, and show that the watcher is alive."""
        self._sender.wake()
        self._watermark.say()

    def _judge_now(self, records: Sequence[Accepted | Rejected]) -> None:
        self._alerting.evaluate(records, self._as_of(), _now())

    def _report_unread(self) -> None:
        """Judge some unreadable records. Families come first: one partner's rubbish holds up no child's alert."""
        if self._has_more:
            with self._state.writing():
                self._has_more = self._alerting.report(_UNREAD_RECORDS, self._as_of(), _now())
            self._send()

    def _pass_deadlines(self) -> None:
        as_of = self._as_of()
        if self._due is not None and self._due < as_of:
            with self._state.writing():
                self._alerting.due(as_of, _now())
            self._send()

    def _review(self) -> None:
        """Judge some families again after an upgrade, the most recent first."""
        if self._is_reviewing:
            with self._state.writing():
                self._is_reviewing = self._alerting.review(_REVIEW_FAMILIES, self._as_of(), _now())
            self._send()

    def _restate(self) -> None:
        """Say what was put off until the build says nothing; at another time if it is speaking."""
        if not self._is_put_off:
            return
        with self._leadership.holding(LockKey.RESTATING) as lock:
            if lock is not None:
                self._restate_holding(lock)

    def _restate_holding(self, lock: HeldLock) -> None:
        self._sender.wait()  # what is sent from here on is sent by the holder of this lock
        with closing(Publisher(self._settings, lock)) as publisher:
            self._hear()
            with self._state.writing():
                self._alerting.restate(self._as_of(), _now())
            self._is_put_off = False
            self._reading.note_written(self._outbox.send(publisher))
        self._send()

    def _hear(self) -> None:
        """Take in what is on the alerts topic beyond what has been polled."""
        partitions = self._reading.of(names.ALERTS)
        with closing(watch_consumer(self._settings, max_poll_records=5_000)) as reader:
            reader.assign(partitions)
            for partition in partitions:
                reader.seek(partition, self._reading.offsets[partition])
            ends = reader.end_offsets(partitions)
            while not is_past(reader, ends):
                for partition, records in reader.poll(timeout_ms=500).items():
                    with self._state.writing():
                        self._alerting.hear([one for record in records if (one := alert_of(record.value)) is not None])
                        self._state.advance({partition: records[-1].offset + 1})
                    self._reading.note_taken({partition: records[-1].offset + 1})
                self._watermark.say()

    def _send(self) -> None:
        """Have what was decided sent, and note when the next deadline is."""
        self._due, has_put_off = self._state.agenda.next_due()
        self._is_put_off = self._is_put_off or has_put_off
        self._sender.wake()
        self._watermark.say()

    def _is_sent(self) -> bool:
        """Whether what was decided is sent; if there always is something, it is waited for once in a while."""
        written = self._sender.settled()
        if written is None and monotonic() > self._sent_at + _UNSENT_SECONDS:
            self._sender.wait()
            written = self._sender.settled()
        if written is None:
            return False
        self._reading.note_written(written)
        self._sent_at = monotonic()
        return True

    def _complete(self) -> None:
        """
        Everything polled has been judged and sent: a new cut.

        Until the review is over, `as_of` stays where the last watcher left it: later deadlines are not all judged.
        """
        if not self._is_sent() or self._has_more or self._is_put_off:
            return
        as_of = (self._is_reviewing and self._watermark.as_of) or self._as_of()
        reading = self._reading
        self._watermark.move(as_of, {one: reading.offsets[one] for one in reading.partitions}, reading.topic_ids)

    def _as_of(self) -> datetime:
        """Up to when everything that arrived is known: now or, while there is a backlog, as far as it has been read."""
        read_until = self._reading.read_until()
        if read_until is None:
            return _now()
        # A sender's clock may run ahead, where the topic lets it say when a record came.
        known = min(arrived_at(read_until), _now())
        return max(known, self._watermark.as_of or known)

    def _patience_ms(self) -> int:
        """How long a poll may wait: until the next heartbeat or deadline, and not at all while something is left."""
        if self._is_reviewing or self._has_more:
            return 0
        patience = _PAUSE_SECONDS if self._is_put_off else self._watermark.seconds_left()
        if self._sender.is_busy:
            patience = min(patience, _SENDING_SECONDS)
        if self._due is not None:
            patience = min(patience, (self._due - _now()).total_seconds())
        return max(1, round(1000 * patience))


def _now() -> datetime:
    return datetime.now(UTC)
