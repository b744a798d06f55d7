"""The topics as code: partitions, retention and compaction of each, and why."""

from kafka.errors import TopicAlreadyExistsError

from streams import names
from streams.kafka.client import admin
from streams.settings import Settings

__all__ = ["ensure_topics", "topic_configs"]

_DAY_MS = 86_400_000


def topic_configs(settings: Settings) -> dict[str, dict[str, object]]:
    """
    Every topic with its partitions and configuration.

    The broker's clock stamps arrival (`LogAppendTime`), so that no sender decides when its record came.
    Input and alerts topics have equal partition counts: a family has one partition number everywhere.
    """
    retained = {"retention.ms": str(settings.retention_days * _DAY_MS), "message.timestamp.type": "LogAppendTime"}
    kept = {"retention.ms": "-1", "message.timestamp.type": "LogAppendTime"}
    compacted = {"cleanup.policy": "compact", "message.timestamp.type": "LogAppendTime"}
    # A dead letter holds the original in base64, and so is longer than what the other topics take.
    letters = kept | {"max.message.bytes": str(8 * settings.max_record_bytes)}
    return {
        **{topic: {"num_partitions": settings.partitions, "configs": retained} for topic in names.INPUT_TOPICS},
        names.ALERTS: {"num_partitions": settings.partitions, "configs": kept},
        names.ALERTS_CURRENT: {"num_partitions": settings.partitions, "configs": compacted},
        **{topic: {"num_partitions": 1, "configs": retained} for topic in names.PARTNER_TOPICS.values()},
        names.SHARING_DECISION: {"num_partitions": 1, "configs": retained},
        names.FEEDBACK: {"num_partitions": settings.partitions, "configs": kept},
        names.DEAD_LETTER: {"num_partitions": 1, "configs": letters},
        names.NOTIFY_DEAD_LETTER: {"num_partitions": 1, "configs": kept},
        names.HEARTBEAT: {"num_partitions": 1, "configs": retained | {"retention.ms": str(_DAY_MS)}},
    }


def ensure_topics(settings: Settings) -> list[str]:
    """
    Create the topics that are missing; existing ones are left as they are.

    Returns the names of those created.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    client = admin(settings)
    try:
        existing = set(client.list_topics())
        missing = {name: config for name, config in topic_configs(settings).items() if name not in existing}
        for name, config in missing.items():
            try:
                client.create_topics({name: config | {"replication_factor": settings.replication}})
            except TopicAlreadyExistsError:
                continue
        client.wait_for_topics(list(missing))
        return sorted(missing)
    finally:
        client.close()
