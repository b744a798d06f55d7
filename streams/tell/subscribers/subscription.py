"""
Alerts in three lines, for a program that acts on them.

    from streams import subscribe

    for alert in subscribe("localhost:19092", group="duty-desk", severity="red", area="birkenhead"):
        act(alert)
"""

from collections.abc import Callable, Iterator
from typing import Literal

import structlog
from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.errors import CommitFailedError, IllegalGenerationError, RebalanceInProgressError, UnknownMemberIdError

from streams import names
from streams.alerts.publisher import alert_of
from streams.contracts.outputs import Alert
from streams.kafka.client import consumer, partitions_of
from streams.kafka.records import Readable
from streams.settings import Settings
from streams.tell.subscribers.alert_filter import AlertFilter, Words
from streams.tell.subscribers.selection import Selection

__all__ = ["REMEMBERED", "subscribe"]

REMEMBERED = 100_000
"""Alerts that are remembered, in order to drop repeats and to follow up what was given."""

_POLL_MS = 500
_POLL_INTERVAL_MS = 900_000
"""How long a loop body may take with the records of one poll before another member of the group takes over."""
_POLL_RECORDS = 50
_SESSION_MS = 10_000
"""How long a member that was killed holds its partitions. A sign of life goes out beside the loop body."""

_LOST = (CommitFailedError, IllegalGenerationError, RebalanceInProgressError, UnknownMemberIdError)

log = structlog.get_logger()


def subscribe(
    where: Settings | str | None = None,
    *,
    group: str,
    severity: Words = (),
    rule: Words = (),
    area: Words = (),
    recipient: Words = (),
    standing: bool = False,
    backfill: bool = False,
    test: bool = False,
    start: Literal["next", "oldest"] = "next",
    until: Callable[[], bool] = lambda: False,
) -> Iterator[Alert]:
    """
    Versions of alerts, one after the other, for ever; it resumes where the group stopped.

    At least once: the place is saved when the loop body has finished with an alert.
    A crash, a `break` or an exception in the body gives that one again at the next start.
    Repeats on the topic and versions that a newer one has replaced are dropped; what was handled is known again after
    a restart, because the topic before the saved place is read again.
    Several processes with one group share the work; different groups each get everything.

    Args:
        where: settings, or the bootstrap servers `host:port[,host:port]`; without, the `CAF_*` variables.
        group: name of the subscriber; its place is saved under it.
        severity, rule, area, recipient: one or several; a recipient is a role or `role:id`.
        standing: only versions that are open and match; without, an alert that was given is followed to its end.
        backfill: also alerts raised from history.
        test: also tests of the path, about nobody.
        start: where a group begins that has no saved place: with what comes next, or with the oldest version.
        until: asked at least twice a second; true ends the loop.

    Raises:
        SettingInvalid: a filter that no alert can match.
        BrokerUnavailable: no broker answers.
    """
    wanted = AlertFilter.of(severity=severity, rule=rule, area=area, recipient=recipient, backfill=backfill, test=test)
    selection = Selection(wanted, standing=standing, capacity=REMEMBERED)
    return _alerts(_settings(where), group, selection, start == "oldest", until)


def _settings(where: Settings | str | None) -> Settings:
    if where is None:
        return Settings.from_env()
    return Settings(kafka=where) if isinstance(where, str) else where


def _alerts(
    settings: Settings, group: str, selection: Selection, from_oldest: bool, until: Callable[[], bool]
) -> Iterator[Alert]:
    reader = consumer(
        settings,
        group_id=group,
        max_poll_records=_POLL_RECORDS,
        max_poll_interval_ms=_POLL_INTERVAL_MS,
        session_timeout_ms=_SESSION_MS,
    )
    try:
        places = _Places(reader, from_oldest)
        while not until():
            polled = reader.poll(timeout_ms=_POLL_MS)
            if places.rewind():
                # What was read before the rewinding is read again.
                continue
            for partition, records in polled.items():
                yield from _batch(partition, records, selection, places, until)
                if places.lost or until():
                    break
    finally:
        reader.close(autocommit=False)


def _batch(
    partition: TopicPartition,
    records: list[Readable],
    selection: Selection,
    places: "_Places",
    until: Callable[[], bool],
) -> Iterator[Alert]:
    done = None
    for record in records:
        alert = alert_of(record.value)
        if alert is None:
            log.error("alert_unreadable", topic=record.topic, partition=record.partition, offset=record.offset)
        taken = alert is not None and selection.takes(alert)
        if places.is_new(partition, record.offset):
            if taken:
                yield alert
                if not places.save(partition, record.offset + 1) or until():
                    return
                done = None
            else:
                done = record.offset + 1
    if done is not None:
        places.save(partition, done)


class _Places(ConsumerRebalanceListener):
    """
    Where the group is in each partition that this member holds.

    When partitions were dealt out anew it goes back in all of them, so that the selection sees again what the group
    was given of them.
    """

    def __init__(self, reader: KafkaConsumer, from_oldest: bool) -> None:
        self._reader = reader
        self._from_oldest = from_oldest
        self._next: dict[TopicPartition, int] = {}
        self._topic_id = reader.topic_ids([names.ALERTS])
        self._first = 0
        """How many partitions the topic had when this member began; those after them are read from their beginning."""
        self.lost = False
        reader.subscribe([names.ALERTS], listener=self)

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:  # noqa: ARG002
        """Kafka's call within a poll, in which nothing else may be asked of the broker."""
        self.lost = True

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:  # noqa: ARG002
        """Kafka's call within a poll."""
        self.lost = True

    def rewind(self) -> bool:
        """Go back, if partitions were dealt out anew or the topic was made again; returns whether that is so."""
        topic_id = self._reader.topic_ids([names.ALERTS]) or self._topic_id
        # What was saved is of the topic before then: nothing of this one was given to the group.
        is_anew, self._topic_id = self._topic_id != topic_id, topic_id
        if not (self.lost or is_anew):
            return False
        self.lost = False
        held = sorted(self._reader.assignment())
        oldest, newest = self._reader.beginning_offsets(held), self._reader.end_offsets(held)
        self._first = self._first or len(partitions_of(self._reader, [names.ALERTS]))
        for partition in held:
            saved = None if is_anew else self._reader.committed(partition)
            if saved is None:
                is_added = is_anew or partition.partition >= self._first
                saved = oldest[partition] if self._from_oldest or is_added else newest[partition]
                log.info("subscription_begins", partition=partition.partition, offset=saved)
                self.save(partition, saved)
            self._next[partition] = saved
            self._reader.seek(partition, max(oldest[partition], saved - REMEMBERED // len(held)))
        return True

    def is_new(self, partition: TopicPartition, offset: int) -> bool:
        """Whether the group has not been given this record."""
        return offset >= self._next[partition]

    def save(self, partition: TopicPartition, offset: int) -> bool:
        """Save the place; false if another member has the partition now, which then gives the record again."""
        try:
            self._reader.commit({partition: OffsetAndMetadata(offset, "", -1)})
        except _LOST as error:
            log.warning("subscription_moved", partition=partition.partition, error=type(error).__name__)
            self.lost = True
            return False
        self._next[partition] = offset
        return True
