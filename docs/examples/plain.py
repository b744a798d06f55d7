"""
Act on alerts with kafka-python alone: `python plain.py 127.0.0.1:19092 my-desk subscriber.properties`.

The last argument is the file with the login, which the people who run the broker give you.

The program saves its position after it has acted on an alert. If it crashes before that, the next run receives the same
alert again. While the program runs, it skips repeats. After a restart it no longer knows which
alerts it has received, so your own code must recognise repeats.
"""

import json
import re
import sys
from pathlib import Path

from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition


def act(alert: dict) -> None:
    """Act on one alert. Put your own code here."""
    print(alert["alert_id"], alert["version"], alert["severity"], alert["status"], alert["rule"], flush=True)


bootstrap, group, login = sys.argv[1:]
properties = dict(line.split("=", 1) for line in Path(login).read_text().splitlines() if not line.startswith("#"))
username, password = re.findall(r'(?:username|password)="([^"]*)"', properties["sasl.jaas.config"])
consumer = KafkaConsumer(
    "caf.escalation.alerts.v1",
    bootstrap_servers=bootstrap,
    security_protocol=properties["security.protocol"],
    sasl_mechanism=properties["sasl.mechanism"],
    sasl_plain_username=username,
    sasl_plain_password=password,
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
    # Leave the group at once. Otherwise the next start waits until Kafka has given up on this member.
    consumer.close(autocommit=False)
