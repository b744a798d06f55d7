"""
Act on alerts with kafka-python alone: `python plain.py localhost:19092 my-desk`.

The place is saved when an alert was acted on, so a crash gives it again. Repeats are known while the program runs; over
a restart whatever `act` does must know them.
"""

import json
import sys

from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition


def act(alert: dict) -> None:
    """What your desk does."""
    print(alert["alert_id"], alert["version"], alert["severity"], alert["status"], alert["rule"], flush=True)


bootstrap, group = sys.argv[1:]
consumer = KafkaConsumer(
    "caf.escalation.alerts.v1",
    bootstrap_servers=bootstrap,
    group_id=group,
    enable_auto_commit=False,
    auto_offset_reset="earliest",
    isolation_level="read_committed",
)
latest: dict[str, int] = {}
try:
    for record in consumer:
        alert = json.loads(record.value)["data"]
        seen = latest.get(alert["alert_id"], 0)
        if alert["version"] > seen and not alert["backfill"] and not alert["test"]:
            act(alert)
        latest[alert["alert_id"]] = max(alert["version"], seen)
        place = {TopicPartition(record.topic, record.partition): OffsetAndMetadata(record.offset + 1, "", -1)}
        consumer.commit(place)
finally:
    # It leaves the group at once; otherwise its next start would wait until this one is given up.
    consumer.close(autocommit=False)
