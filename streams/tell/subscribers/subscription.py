"""
Receive alerts in a program, in three lines.

    from streams import subscribe

    for alert in subscribe("127.0.0.1:19092", login="subscriber.properties", group="duty-desk", severity="red"):
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
How many alerts to remember, so that repeats are dropped and later versions of an alert reach those who got
the alert.
"""

_POLL_MS = 500
_POLL_INTERVAL_MS = 900_000
"""
How long a subscriber's loop body may take for the records of one poll. After this time, Kafka gives the partitions to
another member.
"""
_POLL_RECORDS = 50
_SESSION_MS = 10_000
"""
How long Kafka waits before it gives a killed member's partitions to another member. A running member sends heartbeats
to Kafka while the loop body runs.
"""

_LOST = (CommitFailedError, IllegalGenerationError, RebalanceInProgressError, UnknownMemberIdError)

log = structlog.get_logger()


def subscribe(
    where: Settings | str | None = None,
    *,
    group: str,
    login: str = "",
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

    The position of the group is saved when the loop body has finished with a version. After a restart, the loop
    continues there. So each version is yielded at least once: after a crash, a `break`, or an exception in the loop
    body, the next start yields the same version again.

    Repeats are left out, and so are versions older than one that was already yielded. To recognise them after a
    restart, the loop first reads the records before the saved position again, without yielding them.

    Several processes with the same group share the work. Every group gets all versions.

    Args:
        where: settings, or the bootstrap servers `host:port[,host:port]`. None means the `CAF_*` environment variables.
        group: the name of the subscriber. The position is saved under this name.
        login: the file with the login, if `where` is bootstrap servers. The people who run the broker hand it out.
        severity, rule, area, recipient: one word or several. A recipient is a role or `role:id`.
        standing: if True, yield only open versions that match the filters. If False, also yield all later versions of
            an alert that was yielded.
        backfill: whether to yield alerts about history as well.
        test: whether to yield test alerts as well. They are about nobody.
        start: where a group without a saved position begins: with the next version (`next`) or with the oldest.
        until: a function that is called at least twice a second. If it returns true, the loop ends.

    Raises:
        SettingInvalid: a filter contains a word that no alert can match.
        BrokerUnavailable: no broker answers.
    """
    wanted = AlertFilter.of(severity=severity, rule=rule, area=area, recipient=recipient, backfill=backfill, test=test)
    selection = Selection(wanted, standing=standing, capacity=REMEMBERED)
    return _alerts(_settings(where, login), group, selection, start == "oldest", until)


def _settings(where: Settings | str | None, login: str) -> Settings:
    if isinstance(where, str):
        where = Settings(kafka=where, kafka_config=login)
    return (where or Settings.from_env()).acting_as("subscriber")


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
                # The reader has gone back to earlier records, so the records of this poll will come again.
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
    The position of the group in each partition that this member of the group holds.

    When this member gets other partitions, it first reads earlier records of all its partitions again. From these
    records, the selection learns which versions the group already got.
    """

    def __init__(self, reader: KafkaConsumer, from_oldest: bool) -> None:
        self._reader = reader
        self._from_oldest = from_oldest
        self._next: dict[TopicPartition, int] = {}
        self._topic_id = reader.topic_ids([names.ALERTS])
        self._first = 0
        """
        The number of partitions when this member started. A partition that is added later is read from its
        beginning.
        """
        self.lost = False
        reader.subscribe([names.ALERTS], listener=self)

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:  # noqa: ARG002
        """
        Remember that the partitions changed. The Kafka client calls this during a poll, when it must not ask the broker
        anything.
        """
        self.lost = True

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:  # noqa: ARG002
        """Remember that the partitions changed. The Kafka client calls this during a poll."""
        self.lost = True

    def rewind(self) -> bool:
        """
        If this member got other partitions or the topic was recreated, go back to earlier records and return
        True.
        """
        topic_id = self._reader.topic_ids([names.ALERTS]) or self._topic_id
        # The saved positions belong to the old generation of the topic. The group has not received any record of the
        # new generation.
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
        """Return True if the group has not received this record yet."""
        return offset >= self._next[partition]

    def save(self, partition: TopicPartition, offset: int) -> bool:
        """
        Save the group's position in a partition.

        Return False if another member has the partition now. That member yields the record again.
        """
        try:
            self._reader.commit({partition: OffsetAndMetadata(offset, "", -1)})
        except _LOST as error:
            log.warning("subscription_moved", partition=partition.partition, error=type(error).__name__)
            self.lost = True
            return False
        self._next[partition] = offset
        return True
