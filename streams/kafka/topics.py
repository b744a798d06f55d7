"""
Define the partitions, retention and compaction of every topic, and compare the broker's topics with this definition.

The broker's topics can differ from the definition, because a person or a platform's tool may have created them. If a
difference would break a guarantee, the topics are refused.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigFilterType, ConfigResource, ConfigResourceType
from kafka.errors import (
    ClusterAuthorizationFailedError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
)

from streams import names
from streams.errors import TopicsUnfit
from streams.kafka.client import admin
from streams.kafka.partners import partners_if_valid
from streams.settings import Settings

__all__ = ["OFFSETS_TOPIC", "Difference", "differences", "ensure_topics", "refuse_differences", "topic_configs"]

OFFSETS_TOPIC = "__consumer_offsets"
"""Kafka's own topic of committed offsets."""
_OFFSET_RETENTION = "offsets.retention.minutes"
_INIT = "'./caf init' creates it"
_DAY_MS = 86_400_000
_ONE_NUMBER = (*names.INPUT_TOPICS, names.ALERTS)
"""Topics on which a family must have the same partition number."""
_STAMPED = frozenset({*_ONE_NUMBER, names.HEARTBEAT})
"""Topics on which decisions depend on the arrival times of records."""


@dataclass(frozen=True)
class Difference:
    """
    A way in which a topic differs from `topic_configs`, and what to do about it.

    `breaks` says whether the difference breaks a guarantee.
    """

    topic: str
    what: str
    breaks: bool

    def __str__(self) -> str:
        return f"topic {self.topic} {self.what}"


def topic_configs(settings: Settings) -> dict[str, dict[str, Any]]:
    """
    Return every topic with its number of partitions and its configuration.

    The broker's clock sets the arrival time (`LogAppendTime`), so a sender cannot choose the time at which its record
    arrived. Input topics and the alerts topic have the same number of partitions, so a family has the same partition
    number on all of them. An inbound topic has one partition, so all records of a partner keep their order.
    If the table of partners is not valid, the inbound topics are left out, so that all other parts go on.
    """
    retained = {"retention.ms": str(settings.retention_days * _DAY_MS), "message.timestamp.type": "LogAppendTime"}
    kept = {"retention.ms": "-1", "message.timestamp.type": "LogAppendTime"}
    compacted = {"cleanup.policy": "compact", "message.timestamp.type": "LogAppendTime"}
    # A dead letter holds the original record in base64. So a dead letter may be longer than any record of another
    # topic.
    letters = kept | {"max.message.bytes": str(8 * settings.max_record_bytes)}
    return {
        **{topic: {"num_partitions": settings.partitions, "configs": retained} for topic in names.INPUT_TOPICS},
        **{one.topic: {"num_partitions": 1, "configs": retained} for one in partners_if_valid(settings) or ()},
        names.ALERTS: {"num_partitions": settings.partitions, "configs": kept},
        names.ALERTS_CURRENT: {"num_partitions": settings.partitions, "configs": compacted},
        **{topic: {"num_partitions": 1, "configs": retained} for topic in names.PARTNER_TOPICS.values()},
        names.SHARING_DECISION: {"num_partitions": 1, "configs": retained},
        names.FEEDBACK: {"num_partitions": settings.partitions, "configs": kept},
        names.DEAD_LETTER: {"num_partitions": 1, "configs": letters},
        names.NOTIFY_DEAD_LETTER: {"num_partitions": 1, "configs": kept},
        names.AUDIT: {"num_partitions": 1, "configs": kept},
        names.AUDIT_CHECKPOINTS: {"num_partitions": 1, "configs": kept},
        names.HEARTBEAT: {"num_partitions": 1, "configs": retained | {"retention.ms": str(_DAY_MS)}},
    }


def ensure_topics(settings: Settings, topics: Collection[str] | None = None) -> list[str]:
    """
    Create the missing topics and leave existing topics as they are.

    Args:
        topics: the topics that the caller uses; None for all topics.

    Returns:
        The names of the created topics.

    Raises:
        BrokerUnavailable: no broker answers.
        TopicsUnfit: a topic is missing, and the login may not create it.
    """
    client = admin(settings)
    try:
        existing = set(client.list_topics())
        missing = {name: config for name, config in _wanted(settings, topics).items() if name not in existing}
        for name, config in missing.items():
            try:
                client.create_topics({name: config | {"replication_factor": settings.replication}})
            except TopicAlreadyExistsError:
                continue
            except (TopicAuthorizationFailedError, ClusterAuthorizationFailedError):
                raise TopicsUnfit(f"topic {name} is missing, and this login may not create it: {_INIT}") from None
        client.wait_for_topics(list(missing))
        return sorted(missing)
    finally:
        client.close()


def differences(settings: Settings, topics: Collection[str] | None = None) -> list[Difference]:
    """
    Compare the broker's topics with `topic_configs`. Differences that break a guarantee come first.

    Args:
        topics: the topics that the caller uses; None for all topics, and for how long the broker keeps offsets.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    with closing(admin(settings)) as client:
        existing = set(client.list_topics())
        wanted = _wanted(settings, topics)
        kept_minutes = _offset_minutes(client) if topics is None else []
        found = {one["name"]: one for one in client.describe_topics(sorted(existing & wanted.keys()))}
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in found]
        described = client.describe_configs(resources, config_filter=ConfigFilterType.ALL)["topic"] if found else {}
    configs = {topic: {name: one["value"] for name, one in described.get(topic, {}).items()} for topic in found}
    partitions = {topic: one["partitions"] for topic, one in found.items()}
    all_found = [
        *(Difference(topic, f"is missing: {_INIT}", True) for topic in wanted.keys() - existing),
        *_offsets(settings, kept_minutes),
        *_partitions(wanted, {topic: len(parts) for topic, parts in partitions.items()}),
        *(one for topic in found for one in _replicas(settings, topic, partitions[topic], configs[topic])),
        *(one for topic in found for one in _configs(topic, wanted[topic]["configs"], configs[topic])),
    ]
    return sorted(all_found, key=lambda one: (not one.breaks, one.topic, one.what))


def refuse_differences(settings: Settings, topics: Collection[str] | None = None) -> None:
    """
    Check that the topics keep every guarantee.

    Args:
        topics: the topics that the caller uses; None for all topics.

    Raises:
        BrokerUnavailable: no broker answers.
        TopicsUnfit: a topic breaks a guarantee; the message names each difference and what to do.
    """
    broken = [str(one) for one in differences(settings, topics) if one.breaks]
    if broken:
        raise TopicsUnfit("; ".join(broken))


def _wanted(settings: Settings, topics: Collection[str] | None) -> dict[str, dict[str, Any]]:
    return {name: one for name, one in topic_configs(settings).items() if topics is None or name in topics}


def _offset_minutes(client: KafkaAdminClient) -> list[int]:
    """Return for how long each broker keeps committed offsets. A broker that does not show this is left out."""
    brokers = [str(one["broker_id"]) for one in client.describe_cluster()["brokers"] if not one.get("is_fenced")]
    resources = [ConfigResource(ConfigResourceType.BROKER, broker, [_OFFSET_RETENTION]) for broker in brokers]
    shown = client.describe_configs(resources, config_filter=ConfigFilterType.ALL)["broker"].values() if brokers else []
    return [int(one[_OFFSET_RETENTION]["value"]) for one in shown if _OFFSET_RETENTION in one]


def _offsets(settings: Settings, kept_minutes: list[int]) -> Iterator[Difference]:
    kept, should = min(kept_minutes, default=None), settings.retention_days * 24 * 60
    if kept is not None and kept < should:
        # A part that is off for longer would not know any more how far it has read.
        what = f"forgets offsets after {kept} minutes: set {_OFFSET_RETENTION}={should} on each broker"
        yield Difference(OFFSETS_TOPIC, what, False)


def _partitions(wanted: Mapping[str, Mapping[str, Any]], found: Mapping[str, int]) -> Iterator[Difference]:
    counts = {topic: found[topic] for topic in _ONE_NUMBER if topic in found}
    most = max(counts.values(), default=0)
    for topic, count in found.items():
        expected = wanted[topic]["num_partitions"]
        if counts.get(topic, most) < most:
            what = (
                f"has {count} partitions, but another topic has {most}: "
                "a family must have the same partition number on every topic; add the missing partitions"
            )
            yield Difference(topic, what, True)
        elif topic == names.HEARTBEAT and count != 1:
            yield Difference(topic, f"has {count} partitions, so the newest heartbeat is unknown: recreate it", True)
        elif count != expected:
            yield Difference(topic, f"has {count} partitions instead of {expected}: set CAF_PARTITIONS, or add", False)


def _replicas(
    settings: Settings, topic: str, partitions: list[Mapping[str, Any]], configs: Mapping[str, str | None]
) -> Iterator[Difference]:
    copies = min(len(partition["replica_nodes"]) for partition in partitions)
    needed = int(configs.get("min.insync.replicas") or 1)
    if needed > copies:
        yield Difference(topic, f"has {copies} replicas and min.insync.replicas={needed}: nobody can write to it", True)
    if copies < settings.replication:
        yield Difference(topic, f"has {copies} replicas instead of {settings.replication}: reassign it", False)
    if copies > 1 and needed < 2:
        yield Difference(topic, "acknowledges records that only one replica has: set min.insync.replicas=2", False)
    if configs.get("unclean.leader.election.enable") == "true":
        what = "may lose what it acknowledged: set unclean.leader.election.enable=false"
        yield Difference(topic, what, False)


def _configs(topic: str, wanted: Mapping[str, str], found: Mapping[str, str | None]) -> Iterator[Difference]:
    if not found:
        yield Difference(topic, "does not show how it is configured: grant DescribeConfigs on it", False)
        return
    policy = found.get("cleanup.policy") or "delete"
    if "compact" in policy and wanted.get("cleanup.policy") != "compact":
        yield Difference(topic, f"has cleanup.policy={policy}, which deletes records: set cleanup.policy=delete", True)
    if policy == "delete" and wanted.get("cleanup.policy") == "compact":
        yield Difference(topic, "is not compacted: set cleanup.policy=compact", False)
    if found.get("message.timestamp.type") != wanted["message.timestamp.type"]:
        what = "lets senders say when a record arrived: set message.timestamp.type=LogAppendTime"
        yield Difference(topic, what, topic in _STAMPED)
    keeps, should = int(found.get("retention.ms") or -1), int(wanted.get("retention.ms", 0))
    if "retention.ms" in wanted and keeps >= 0 and (should < 0 or keeps < should):
        # If such a topic keeps records for less than a day, Kafka may delete a record before anybody has read it.
        is_read_late = topic in names.INPUT_TOPICS or topic.startswith(names.INBOUND_PREFIX)
        broken = is_read_late and keeps < _DAY_MS
        yield Difference(topic, f"keeps records for {keeps} ms: set retention.ms={should}", broken)
    if int(found.get("retention.bytes") or -1) >= 0 and wanted.get("cleanup.policy") != "compact":
        yield Difference(topic, f"keeps {found['retention.bytes']} bytes a partition: set retention.bytes=-1", False)
    largest, needed = int(found.get("max.message.bytes") or 0), int(wanted.get("max.message.bytes", 0))
    if largest < needed:
        yield Difference(topic, f"takes records of {largest} bytes: set max.message.bytes={needed}", False)
