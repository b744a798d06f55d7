"""The embedded broker: a real Kafka that keeps the records that it acknowledged."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from kafka import TopicPartition

from streams.errors import PortTaken
from streams.kafka.client import admin, consumer, producer
from streams.settings import Settings
from streams.stack import broker, processes
from streams.stack.ports import free_ports

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A broker that a test may kill."""
    settings = Settings(home=tmp_path_factory.mktemp("a home with blanks"), kafka_port=free_ports(1)[0])
    broker.start(settings)
    yield settings
    broker.stop(settings)


def _send(settings: Settings, topic: str, count: int) -> None:
    client = admin(settings)
    client.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}})
    client.wait_for_topics([topic])
    client.close()
    sender = producer(settings)
    for number in range(count):
        sender.send(topic, str(number).encode())
    sender.flush()
    sender.close()


def _end(settings: Settings, topic: str) -> int:
    client = consumer(settings)
    try:
        return client.end_offsets([TopicPartition(topic, 0)])[TopicPartition(topic, 0)]
    finally:
        client.close()


def _kill(settings: Settings) -> None:
    psutil.Process(processes.find(settings.home, broker.NAME).pid).kill()


def test_home_may_have_any_name_and_holds_the_whole_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Commas, colons and letters unknown to the locale must not make Kafka put its files elsewhere, where they would be
    lost.
    """
    for variable in ("LANG", "LC_ALL", "LC_CTYPE"):
        monkeypatch.delenv(variable, raising=False)
    settings = Settings(home=tmp_path / "a,b:c é 家", kafka_port=free_ports(1)[0])
    monkeypatch.chdir(tmp_path)
    broker.start(settings)
    try:
        _send(settings, "kept-here", 10)
    finally:
        broker.stop(settings)

    assert [path.name for path in tmp_path.iterdir()] == [settings.home.name]
    assert list(settings.home.rglob("kept-here-0"))


def test_killed_broker_returns_with_every_acknowledged_record(own: Settings) -> None:
    """After `kill -9`, the next start serves the same log."""
    _send(own, "kept-over-a-kill", 100)
    _kill(own)
    broker.start(own)

    assert _end(own, "kept-over-a-kill") == 100


def test_broker_killed_while_it_is_looked_at_is_started_again(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a broker dies while `start` checks whether it runs, `start` does not fail but starts it again."""
    seen = broker.answers
    killed: list[bool] = []

    def kill_once(settings: Settings) -> bool:
        if not killed:
            killed.append(True)
            _kill(own)
            return False
        return seen(settings)

    monkeypatch.setattr(broker, "answers", kill_once)
    broker.start(own)

    assert killed
    assert seen(own)


def test_stopped_broker_may_return_on_another_port(own: Settings) -> None:
    """Stored records do not depend on the broker's address."""
    _send(own, "kept-over-a-move", 10)
    moved = replace(own, kafka_port=free_ports(1)[0])
    broker.start(moved)
    kept = _end(moved, "kept-over-a-move")
    broker.start(own)

    assert kept == 10


def test_running_broker_is_left_alone(own: Settings) -> None:
    """A second start changes nothing."""
    before = processes.find(own.home, broker.NAME)
    broker.start(own)

    assert processes.find(own.home, broker.NAME) == before


def test_broker_listens_on_the_loopback_address_only(own: Settings) -> None:
    """No other machine can reach the broker."""
    addresses = {
        connection.laddr.ip.removeprefix("::ffff:")
        for process in processes.members(own.home, broker.NAME)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }

    assert addresses == {"127.0.0.1"}


def test_unknown_topic_is_not_created_by_use(own: Settings) -> None:
    """Only the project's code creates topics."""
    client = consumer(own)
    known = client.partitions_for_topic("never-made")
    client.close()

    assert not known
    assert "never-made" not in _topics(own)


def test_taken_port_is_one_sentence(tmp_path: Path) -> None:
    """The message names the port and the setting to change."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} is taken by another program; set CAF_KAFKA_PORT"):
            broker.start(Settings(home=tmp_path / "home", kafka_port=port))


def _topics(settings: Settings) -> list[str]:
    client = admin(settings)
    try:
        return client.list_topics()
    finally:
        client.close()
