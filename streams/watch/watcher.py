"""
The watcher's loop: poll, remember, judge, publish, and only then say so in a heartbeat.

A crash anywhere loses nothing: what no heartbeat covers is judged again, and the alerts topic tells what was said.
A heartbeat's cut is consistent: it is taken between batches, when all that was polled has been judged and written.
"""

import os
import socket
from collections import deque
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from time import monotonic

import msgspec
import structlog
from kafka import TopicPartition

from streams import names
from streams.contracts import Accepted, Rejected, admit
from streams.contracts.checks import arrived_at
from streams.contracts.decode import Reason, Unreadable
from streams.contracts.outputs import Alert, Heartbeat
from streams.errors import RecordsDeleted
from streams.kafka.client import partitions_of
from streams.kafka.heartbeat import last_heartbeat
from streams.kafka.reading import TolerantConsumer
from streams.route.router import Router
from streams.route.routes import read_routes
from streams.rules.engine import Engine
from streams.settings import Settings
from streams.watch.beginning import begin_reading, judged_before, wait_for_lander
from streams.watch.current import CurrentAlerts
from streams.watch.even_reader import EvenReader
from streams.watch.judge import Judge
from streams.watch.landed_alerts import read_landed_alerts
from streams.watch.leader import Leadership
from streams.watch.publish import Publisher, alert_of
from streams.watch.restating import Restatements
from streams.watch.restore import Offsets, load_lake, read_alerts, watch_consumer

__all__ = ["Watcher"]

log = structlog.get_logger()

_UNREAD_RECORDS = 500
"""Unreadable records that are reported at once, between two polls: about 100 ms."""
_REVIEW_EVENTS = 300
"""Events judged in one idle moment of the review after a start: about 30 ms."""
_FETCH_BYTES = 1024 * 1024
"""Of one partition at once; about 2,000 records, so that one fetch of all partitions is a batch of a backlog."""
_PAUSE_SECONDS = 0.05
"""Until the build is asked again whether it has said what it had to say."""


class Watcher:
    """One term as the leader: from the restored state until the stop, the loss of the lock or of the broker."""

    def __init__(self, settings: Settings, engine: Engine, leadership: Leadership) -> None:
        self._settings = settings
        self._leader = f"{socket.gethostname()}-{os.getpid()}"
        self._judge = Judge(engine, Router(settings.authority, read_routes()), settings.case_url)
        self._publisher = Publisher(settings, leadership.lock)
        self._current = CurrentAlerts(settings, self._judge.book, self._publisher)
        self._restatements = Restatements(settings, self._judge, leadership)
        self._consumer: TolerantConsumer = watch_consumer(
            settings, fetch_max_wait_ms=500, max_partition_fetch_bytes=_FETCH_BYTES
        )
        self._partitions = partitions_of(self._consumer, (*names.INPUT_TOPICS, names.ALERTS))
        self._topic_ids = self._consumer.topic_ids((*names.INPUT_TOPICS, names.ALERTS))
        self._reader = EvenReader(self._consumer, self._input_partitions())
        self._judged: Offsets = {}
        self._already_judged: Offsets = {}
        self._written: Offsets = {}
        self._lost_until: Offsets = {}
        self._cut: Heartbeat | None = None
        self._to_review: deque[str] = deque()
        self._unread: deque[Rejected] = deque()
        self._next_heartbeat = 0.0
        self.judged_records = 0
        self.published_alerts = 0

    def close(self) -> None:
        """Disconnect from Kafka."""
        self._consumer.close()
        self._publisher.close()

    def watch(self, stop: Callable[[], bool]) -> None:
        """
        Restore, catch up, then judge until `stop` says so, or the topics have changed and a new term must begin.

        Raises:
            LockTaken: the leader lock was lost.
            RecordsDeleted: Kafka has deleted records before they were read; a new term finds what the lake has of them.
        """
        self._restore()
        while not stop() and not self._has_other_topics():
            self._take(self._polled(self._patience_ms()))
            self._pass_deadlines()
            self._report_unread()
            self._review()
            self._restatements.say(self._hear, self._as_of, self._say)
            self._current.retire(_now())
            if not (self._restatements.are_due or self._unread):
                self._complete()
            self._beat()
        self._beat(last=True)

    def _has_other_topics(self) -> bool:
        """Whether partitions were added since the start of the term, or a topic was made again or has lost its end."""
        found = partitions_of(self._consumer, self._topic_ids)
        ids = self._consumer.topic_ids(self._topic_ids)
        again = [topic for topic, id_ in ids.items() if self._topic_ids[topic] != id_]
        cut_off = [place for place, at in self._judged.items() if self._reader.position(place) < at]
        if len(found) > len(self._partitions) or again or cut_off:
            log.warning("topics_changed", partitions=len(found), made_anew=again, without_their_end=cut_off)
            return True
        return False

    def _restore(self) -> None:
        started = monotonic()
        inputs = self._input_partitions()
        found = last_heartbeat(self._settings)
        if found is not None:
            heartbeat = found[0]
            self._cut = msgspec.structs.replace(heartbeat, leader=self._leader)
            self._already_judged = judged_before(self._consumer, heartbeat, inputs)
        self._written = read_alerts(self._settings, self._judge.book.record)
        lost = read_landed_alerts(self._settings, self._judge.book)
        self._current.restore(_now())
        wait_for_lander(self._settings, self._consumer, inputs, self._beat)
        offsets, unjudged = load_lake(self._settings, self._judge, self._already_judged, self._beat)
        self._judged = begin_reading(self._settings, self._consumer, offsets, inputs)
        self._seek()
        self._reader.start()
        # What was judged before may have deadlines, known to nobody now; what is judged from here on brings its own.
        before = {partition for partition, offset in self._already_judged.items() if offset}
        self._judge_and_publish(unjudged)
        if before:
            self._catch_up()
            self._to_review.extend(self._judge.history.families())
        log.info(
            "watch_restored",
            events=len(self._judge.history),
            alerts=len(self._judge.book),
            alerts_from_lake=lost,
            unjudged=len(unjudged),
            seconds=round(monotonic() - started, 2),
        )

    def _seek(self) -> None:
        self._consumer.assign(self._partitions)
        beginnings = self._consumer.beginning_offsets(self._partitions)
        self._lost_until = {place: beginnings[place] for place in self._judged}
        for partition, at in (beginnings | self._written | self._judged).items():
            self._consumer.seek(partition, at)

    def _polled(self, patience_ms: int) -> list:
        """
        The next records.

        Raises:
            RecordsDeleted: some of them are there no more, which may be in the lake.
        """
        records = self._reader.poll(patience_ms)
        for one in records:
            if _is_deleted(one) and one.offset >= self._lost_until.get((one.topic, one.partition), one.offset + 1):
                raise RecordsDeleted(f"{one.topic}/{one.partition} has lost {one.offset} before it was read here")
        return records

    def _catch_up(self) -> None:
        """Read what earlier watchers have judged and the lake does not have yet, so that the review sees it."""
        while any(self._judged[partition] < offset for partition, offset in self._already_judged.items()):
            self._take(self._polled(200))
            for partition in self._already_judged:
                self._judged[partition] = max(self._judged[partition], self._reader.position(partition))
            self._beat()

    def _input_partitions(self) -> list[TopicPartition]:
        return [partition for partition in self._partitions if partition.topic in names.INPUT_TOPICS]

    def _take(self, records: Collection) -> None:
        """Remember polled records, and judge those that no earlier watcher has judged."""
        new: list[Accepted] = []
        for record in records:
            partition = TopicPartition(record.topic, record.partition)
            if record.topic == names.ALERTS:
                # Our own, which changes nothing, or one that the build or reconciliation has published.
                if (alert := alert_of(record.value)) is not None:
                    self._current.record(alert)
                self._written[partition] = max(self._written.get(partition, 0), record.offset + 1)
                continue
            event = self._judge.remember(admit(record, self._settings.max_record_bytes))
            if record.offset >= self._already_judged.get(partition, 0) or _is_deleted(record):
                if isinstance(event, Accepted):
                    new.append(event)
                else:
                    self._unread.append(event.without_content())
            self._judged[partition] = record.offset + 1
        self._judge_and_publish(new)

    def _judge_and_publish(self, records: Collection[Accepted | Rejected]) -> None:
        if records:
            self._publish(self._judge.judge(records, self._as_of(), _now()))
            self.judged_records += len(records)

    def _report_unread(self) -> None:
        """Judge some unreadable records. Families come first: one partner's rubbish holds up no child's alert."""
        some = [self._unread.popleft() for _ in range(min(len(self._unread), _UNREAD_RECORDS))]
        self._judge_and_publish(some)

    def _pass_deadlines(self) -> None:
        due = self._judge.deadlines.next_due()
        as_of = self._as_of()
        if due is not None and due < as_of:
            self._publish(self._judge.due(as_of, _now()))

    def _review(self) -> None:
        """Judge some families again after a start, the most recent first: deadlines may have passed meanwhile."""
        families, weight = [], 0
        while self._to_review and weight < _REVIEW_EVENTS:
            families.append(self._to_review.popleft())
            weight += 1 + self._judge.history.weight(families[-1])
        if families:
            self._publish([self._judge.review(families, self._as_of(), _now())])
            if not self._to_review:
                log.info("families_reviewed")

    def _hear(self) -> None:
        """Take in what is on the alerts topic beyond what has been polled."""
        polled = {one: self._consumer.position(one) for one in self._partitions if one.topic == names.ALERTS}
        read_alerts(self._settings, self._current.record, polled)

    def _publish(self, chunks: Iterable[list[Alert]]) -> None:
        """Say what is the watcher's alone to say now."""
        self._say(map(self._restatements.put_off, chunks))

    def _say(self, chunks: Iterable[list[Alert]], publisher: Publisher | None = None) -> None:
        """Make versions durable, chunk by chunk, and remember them as said."""
        for alerts in chunks:
            if alerts:
                for number, offset in (publisher or self._publisher).alerts(alerts).items():
                    self._written[TopicPartition(names.ALERTS, number)] = offset
                for alert in alerts:
                    self._current.record(alert)
                self.published_alerts += len(alerts)
                log.info("alerts_published", versions=len(alerts), rules=sorted({alert.rule for alert in alerts}))
            self._beat()

    def _complete(self) -> None:
        """
        Everything polled has been judged and written: a new cut.

        Until the review is over, `as_of` stays where the last watcher left it: later deadlines are not all judged.
        """
        as_of = self._cut.as_of if self._to_review and self._cut else self._as_of()
        offsets: dict[str, list[int]] = {}
        for partition in self._partitions:
            offset = (self._judged | self._written).get(partition, 0)
            offsets.setdefault(partition.topic, []).append(offset)
        self._cut = Heartbeat(leader=self._leader, as_of=as_of, offsets=offsets, topic_ids=self._topic_ids)

    def _beat(self, *, last: bool = False) -> None:
        """Publish the last complete cut when a heartbeat is due."""
        if self._cut is not None and (last or monotonic() >= self._next_heartbeat):
            self._publisher.heartbeat(self._cut)
            self._next_heartbeat = monotonic() + self._settings.heartbeat_seconds

    def _as_of(self) -> datetime:
        """Up to when everything that arrived is known: now or, while there is a backlog, as far as it has been read."""
        read_until = self._reader.read_until()
        if read_until is None:
            return _now()
        # A sender's clock may run ahead, where the topic lets it say when a record came.
        known = min(arrived_at(read_until), _now())
        return max(known, self._cut.as_of) if self._cut else known

    def _patience_ms(self) -> int:
        """How long a poll may wait: until the next heartbeat or deadline, and not at all while something is left."""
        if self._to_review or self._unread:
            return 0
        patience = _PAUSE_SECONDS if self._restatements.are_due else self._next_heartbeat - monotonic()
        due = self._judge.deadlines.next_due()
        if due is not None:
            patience = min(patience, (due - _now()).total_seconds())
        return max(1, round(1000 * patience))


def _is_deleted(record: object) -> bool:
    return type(record) is Unreadable and record.reason is Reason.DELETED_UNREAD


def _now() -> datetime:
    return datetime.now(UTC)
