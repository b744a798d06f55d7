"""
The watcher's loop: read records, store and evaluate them in one transaction, send the alerts, and publish a heartbeat.

A crash at any point loses nothing and repeats nothing. A batch is stored together with its offsets, or not at all.
Alert versions that have been decided but not yet sent are in the outbox.
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
from streams.kafka.records import Readable
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
"""How many unreadable records are evaluated between two polls. This takes about 100 ms."""
_REVIEW_FAMILIES = 20
"""How many families are reviewed between two polls. This takes about 30 ms."""
_CATCH_UP_MS = 500
"""How many ms a poll may wait while the watcher stores records that another leader has evaluated."""
_LOOK_SECONDS = 1.0
"""
How often to look for added partitions and for alerts that ended long ago. The Kafka client learns of added partitions
every few seconds.
"""
_UNSENT_SECONDS = 1.0
"""Under load, how often the watcher waits until all versions are sent, so that the watermark can move."""
_SENDING_SECONDS = 0.005
"""How soon the watcher checks again whether all versions are sent."""
_PAUSE_SECONDS = 0.05
"""How soon the watcher tries again to get the lock that it needs for versions that were put off."""


class Watcher:
    """
    One term as the leader. A term ends when the caller stops it, or when the lock, the broker or the database is lost.

    How a term begins:

    1. The watcher ends the database sessions of all other watchers, makes its tables if they are missing, and adds one
       to the number of the term. After that, every transaction of a former leader fails (`State.begin_term`,
       `State.writing`).
    2. The watcher opens a publisher under the name of the leader lock. After that, the broker refuses a former leader's
       publisher.
    3. If the tables lack records, the watcher copies them from the lake. It finds the offset at which each partition
       continues (`begin_reading`), and stores these offsets.
    4. The watcher reads the alerts topic to its end. It stores the versions that its tables lack. If a version is on
       the topic, the watcher removes it from the outbox (`_hear`).
    5. The watcher evaluates the families and records that a large batch of the former leader left pending
       (`Batches.finish`).
    6. The last heartbeat says how far an earlier leader has evaluated. If the tables lack records that were evaluated,
       the watcher stores them without evaluating them again (`_catch_up`).
    7. All families are marked for review if the tables are new, if the rules have changed, or if step 3 or 6 has added
       events (`State.complete`).
    8. If the topic of current alerts has been recreated, the watcher publishes the current alerts there again.
    9. The watcher starts to send the outbox.

    How a batch is taken in:

    1. A poll returns records. The contract validates each record of the input topics. Records of the alerts topic are
       decoded.
    2. One transaction stores the events, evaluates the rules, and stores alert versions, deadlines and offsets. For a
       large batch, this transaction only lists the families and records to evaluate. The leader and the standbys
       evaluate them in further transactions, before the next batch is taken in (`Batches.take`).
    3. A thread sends the outbox while the next batch is evaluated. A version leaves the outbox only after the broker
       has acknowledged it (`Sender`, `Outbox`).

    When the watermark moves:

    1. The watermark moves at the end of a round of the loop, if all records that were taken in have been evaluated and
       all versions that were decided have been sent. It does not move while versions that were put off are waiting.
       It does move while unreadable records wait for their alerts, and the heartbeat then says so (`is_reporting`).
       Otherwise one sender's unreadable records could make everybody's figures minutes old.
    2. The watermark contains the next offset of each partition, and `as_of`. While families are being reviewed, `as_of`
       does not change.
    3. If batches follow each other without a break, the watcher stops once a second until all versions are sent. So the
       watermark moves under load as well.
    4. The watermark is published in a heartbeat every `heartbeat_seconds`, and once more at the end of the term.

    Raises:
        BrokerUnavailable: no broker answers.
        LakeUnavailable: PostgreSQL does not answer.
        LockTaken: the leader lock is lost.
    """

    def __init__(
        self, settings: Settings, rules: CompiledRules, leadership: Leadership, alive: Callable[[], None]
    ) -> None:
        """
        Begin a term.

        Args:
            alive: a function that is called with each heartbeat, to show that this watcher makes progress.
        """
        self._settings, self._leadership, self._alive = settings, leadership, alive
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
        self._watermark = Watermark(
            self._publisher, found and found[0], self._settings.heartbeat_seconds, alive=self._alive
        )
        self._batches = Batches(self._state, self._alerting, self._between)
        self._reading = self._closing.enter_context(closing(Reading(self._settings)))

    @property
    def published_alerts(self) -> int:
        """Number of alert versions that were sent."""
        return self._outbox.sent

    def close(self) -> None:
        """Disconnect from Kafka and PostgreSQL."""
        self._closing.close()

    def watch(self, stop: Callable[[], bool]) -> None:
        """
        Read and evaluate records until `stop` returns true, or until the topics have changed. Then a new term must
        begin.

        Raises:
            LockTaken: the leader lock was lost.
            RecordsDeleted: Kafka deleted records before they were read. A new term copies these records from the lake,
                if they have landed.
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
        self._sender.wait(self._watermark.say)
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
        Store records that another leader has already evaluated, but that these tables lack.

        The watcher does not evaluate these records batch by batch. If it had read only some of the records that caused
        an alert, it would withdraw the alert.
        """
        evaluated = {
            place: min(end, self._watermark.evaluated(place)) for place, end in self._reading.input_ends().items()
        }
        while self._reading.is_before(evaluated) and not self._reading.is_over:
            self._take(self._reading.poll(_CATCH_UP_MS), self._alerting.keep)
            self._watermark.say()

    def _restore_current(self) -> None:
        """If the topic of current alerts has been recreated, publish all current alerts there again."""
        ids = self._reading.consumer.topic_ids([names.ALERTS_CURRENT])
        place = TopicPartition(names.ALERTS_CURRENT, 0)
        _, known = self._state.known().get(place, (0, ""))
        if known != ids[names.ALERTS_CURRENT]:
            self._outbox.say_standing(self._watermark.say)
            with self._state.writing():
                self._state.begin_at({place: 0}, ids)

    def _sees_other_partitions(self) -> bool:
        """
        Once a second, look for added partitions, and remove alerts that ended long ago from the topic of current
        alerts. Return whether partitions were added.
        """
        if monotonic() < self._looks_at:
            return False
        self._looks_at = monotonic() + _LOOK_SECONDS
        self._outbox.retire(_now())
        return self._reading.has_other_partitions()

    def _take(self, records: Collection[Readable], evaluate: Evaluate) -> None:
        """Validate polled records, and take them in as one batch."""
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
        """
        Send the decided versions and show that the watcher is alive. This is called between two parts of a
        large batch.
        """
        self._sender.wake()
        self._watermark.say()

    def _judge_now(self, records: Sequence[Accepted | Rejected]) -> None:
        self._alerting.evaluate(records, self._as_of(), _now())

    def _report_unread(self) -> None:
        """
        Evaluate some unreadable records.

        They come after the families, so that a partner's unreadable records do not delay an alert about a child.
        """
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
        """
        After an upgrade, evaluate some of the families that must be reviewed. Families with the newest events come
        first.
        """
        if self._is_reviewing:
            with self._state.writing():
                self._is_reviewing = self._alerting.review(_REVIEW_FAMILIES, self._as_of(), _now())
            self._send()

    def _restate(self) -> None:
        """Publish the versions that were put off. If the build holds the lock that this needs, try again later."""
        if not self._is_put_off:
            return
        with self._leadership.holding(LockKey.RESTATING) as lock:
            if lock is not None:
                self._restate_holding(lock)

    def _restate_holding(self, lock: HeldLock) -> None:
        self._sender.wait(self._watermark.say)  # all later versions are sent under this lock
        with closing(Publisher(self._settings, lock)) as publisher:
            self._hear()
            with self._state.writing():
                self._alerting.restate(self._as_of(), _now())
            self._is_put_off = False
            self._reading.note_written(self._outbox.send(publisher))
        self._send()

    def _hear(self) -> None:
        """Read the alerts topic to its end, and store the versions that are new."""
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
        """Ask the sender to send the decided versions. Find out when the next deadline passes."""
        self._due, has_put_off = self._state.agenda.next_due()
        self._is_put_off = self._is_put_off or has_put_off
        self._sender.wake()
        self._watermark.say()

    def _is_sent(self) -> bool:
        """
        Return whether all decided versions have been sent. If they have been waiting for a second, first wait until
        they are sent.
        """
        written = self._sender.settled()
        if written is None and monotonic() > self._sent_at + _UNSENT_SECONDS:
            self._sender.wait(self._watermark.say)
            written = self._sender.settled()
        if written is None:
            return False
        self._reading.note_written(written)
        self._sent_at = monotonic()
        return True

    def _complete(self) -> None:
        """
        Move the watermark, if all polled records have been evaluated and all decided versions have been sent.

        While families are being reviewed, `as_of` keeps its value from the last heartbeat, because some later deadlines
        might not have been evaluated yet.
        """
        if not self._is_sent() or self._is_put_off:
            return
        as_of = (self._is_reviewing and self._watermark.as_of) or self._as_of()
        reading = self._reading
        offsets = {one: reading.offsets[one] for one in reading.partitions}
        self._watermark.move(as_of, offsets, reading.topic_ids, is_reporting=self._has_more)

    def _as_of(self) -> datetime:
        """
        Return the time up to which all records have been read.

        Without a backlog, this is the present time. During a backlog, it is the arrival time up to which all partitions
        have been read.
        """
        read_until = self._reading.read_until()
        if read_until is None:
            return _now()
        # If senders set the arrival times of a topic's records, a sender's clock may be ahead.
        known = min(arrived_at(read_until), _now())
        return max(known, self._watermark.as_of or known)

    def _patience_ms(self) -> int:
        """
        Return how long a poll may wait, in ms. A poll waits at most until the next heartbeat or deadline.

        It does not wait at all while there are unreadable records to report or families to review.
        """
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
