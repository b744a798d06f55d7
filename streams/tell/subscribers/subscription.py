"""
Receive alerts in a program, in three lines.

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
"""
The number of alerts to remember.

The remembered alerts are needed to drop repeats, and to give later versions of alerts already given.
"""

_POLL_MS = 500
_POLL_INTERVAL_MS = 900_000
"""How long the loop body may take for the records of one poll. After that, another member of the group takes over."""
_POLL_RECORDS = 50
_SESSION_MS = 10_000
"""How long a killed member keeps its partitions. A running member sends signs of life while the loop body runs."""

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
    Yield versions of alerts, one after another, for ever.

    After a restart, the loop continues at the group's saved position.

    Each version is given at least once. The version's position is saved when the loop body has finished with that
    version. After a crash, a `break` or an exception in the body, the next start gives the same version again. Repeats
    are dropped, and so are versions that a newer one has replaced. After a restart, the loop first reads the records
    before the saved position again, so that it knows which versions were given. Several processes with the same group
    share the work. Each group gets every version.

    Args:
        where: settings, or the bootstrap servers `host:port[,host:port]`. None means the `CAF_*` environment variables.
        group: the name of the subscriber. The subscriber's position is saved under this name.
        severity, rule, area, recipient: one word, or several. A recipient is a role or `role:id`.
        standing: if True, give only versions that are open and match. If False, also give all later versions of each
            given alert.
        backfill: also give alerts raised from history.
        test: also give test alerts, which are about nobody.
        start: where a group without a saved position begins: with the next version, or with the oldest.
        until: a function that is called at least twice a second. If it returns true, the loop ends.

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
                # The records that this poll returned are read again, because the position was moved back.
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
        taken = alert if alert is not None and selection.takes(alert) else None
        if places.is_new(partition, record.offset):
            if taken is not None:
                yield taken
                if not places.save(partition, record.offset + 1) or until():
                    return
                done = None
            else:
                done = record.offset + 1
    if done is not None:
        places.save(partition, done)


class _Places(ConsumerRebalanceListener):
    """
    The position of the group in each partition that this member holds.

    When Kafka assigns partitions again, this member moves back in all its partitions. So the selection reads again
    which versions the group was given from these partitions.
    """

    def __init__(self, reader: KafkaConsumer, from_oldest: bool) -> None:
        self._reader = reader
        self._from_oldest = from_oldest
        self._next: dict[TopicPartition, int] = {}
        self._topic_id = reader.topic_ids([names.ALERTS])
        self._first = 0
        """The number of partitions when this member started. Partitions added later are read from their beginning."""
        self.lost = False
        reader.subscribe([names.ALERTS], listener=self)

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:  # noqa: ARG002
        """Called by the Kafka client during a poll. This method must not send requests to the broker."""
        self.lost = True

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:  # noqa: ARG002
        """Called by the Kafka client during a poll."""
        self.lost = True

    def rewind(self) -> bool:
        """If partitions were assigned again or the topic was recreated, move back and return True."""
        topic_id = self._reader.topic_ids([names.ALERTS]) or self._topic_id
        # Saved positions belong to the old generation of the topic. The group was not given any record of the new
        # generation.
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
        """Return True if the group has not been given this record."""
        return offset >= self._next[partition]

    def save(self, partition: TopicPartition, offset: int) -> bool:
        """
        Save the position.

        Return False if another member has the partition now. The other member then gives the record again.
        """
        try:
            self._reader.commit({partition: OffsetAndMetadata(offset, "", -1)})
        except _LOST as error:
            log.warning("subscription_moved", partition=partition.partition, error=type(error).__name__)
            self.lost = True
            return False
        self._next[partition] = offset
        return True
