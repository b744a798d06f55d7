"""
A partner with a login of its own tries everything but to send its own events.

Each attempt is refused by the broker. What a partner may send to its own topic, but must not say, `intake` refuses
(`tests/intake/test_relay.py`).
"""

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import confluent_kafka
import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ConfigResource,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)
from kafka import OffsetAndMetadata
from kafka import TopicPartition as Place
from kafka.errors import GroupAuthorizationFailedError

from streams import names
from streams.kafka.client import consumer, producer
from streams.kafka.login import librdkafka_login, secret_file
from streams.kafka.topics import topic_configs
from streams.settings import Settings
from streams.stack import broker
from tests.partners import POLICE, SCHOOL, admitted, contact

REFUSED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    # Kafka does not say more about a topic to somebody who must not describe it.
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,
    KafkaError._NOENT,
}
OTHERS = sorted({*topic_configs(Settings()), SCHOOL.topic, "__consumer_offsets", "__transaction_state"})


@pytest.fixture(scope="module")
def place(settings: Settings, kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A broker with two partners, on whose topics a record waits."""
    with admitted(settings, tmp_path_factory.mktemp("table")) as own:
        with closing(producer(own)) as client:
            for topic in (POLICE.topic, SCHOOL.topic, names.REFERRAL):
                client.send(topic, key=b"F-1", value=contact()).get(timeout=30)
        yield own


@pytest.fixture(scope="module")
def login(place: Settings) -> dict[str, object]:
    own = librdkafka_login(place.acting_as(POLICE.name))
    return {**own, "bootstrap.servers": place.bootstrap, "log_level": 0, "socket.timeout.ms": 20_000}


@pytest.fixture(scope="module")
def police(login: dict[str, object]) -> AdminClient:
    return AdminClient(login)


def refused(attempt: Callable[[], object]) -> None:
    """Make an attempt, which the broker must refuse because of missing rights."""
    with pytest.raises(KafkaException) as error:
        attempt()
    assert error.value.args[0].code() in REFUSED, error.value


def send(login: dict[str, object], topic: str, value: bytes = b"forged") -> None:
    found: list[KafkaError] = []
    client = confluent_kafka.Producer({**login, "message.timeout.ms": 20_000, "allow.auto.create.topics": True})
    client.produce(topic, value, key=b"F-1", on_delivery=lambda error, _: found.append(error))
    client.flush(30)
    (error,) = found
    if error is not None:
        raise KafkaException(error)


def read(login: dict[str, object], topic: str, group: str = "anything") -> None:
    client = confluent_kafka.Consumer({**login, "group.id": group, "auto.offset.reset": "earliest"})
    try:
        client.assign([TopicPartition(topic, 0, 0)])
        message = client.poll(30)
        assert message is not None
        if message.error():
            raise KafkaException(message.error())
    finally:
        client.close()


def result(futures: dict[object, object]) -> None:
    for future in futures.values():
        future.result(30)


def test_partner_may_send_to_its_topic(login: dict[str, object]) -> None:
    """So what is refused below is not refused because the login is wrong."""
    send(login, POLICE.topic, contact())
    send({**login, "enable.idempotence": True}, POLICE.topic, contact())


@pytest.mark.parametrize("topic", OTHERS)
def test_partner_cannot_write_to_another_topic(login: dict[str, object], topic: str) -> None:
    refused(lambda: send(login, topic))


@pytest.mark.parametrize("topic", [*OTHERS, POLICE.topic])
def test_partner_cannot_read_a_topic(login: dict[str, object], topic: str) -> None:
    refused(lambda: read(login, topic))


def test_partner_sees_only_its_topic(police: AdminClient) -> None:
    assert set(police.list_topics(timeout=20).topics) == {POLICE.topic}


@pytest.mark.parametrize("topic", [names.REFERRAL, POLICE.topic])
def test_partner_cannot_delete_records(police: AdminClient, topic: str) -> None:
    refused(lambda: result(police.delete_records([TopicPartition(topic, 0, 1)])))


@pytest.mark.parametrize("topic", [names.REFERRAL, SCHOOL.topic, POLICE.topic])
def test_partner_cannot_delete_a_topic(police: AdminClient, topic: str) -> None:
    refused(lambda: result(police.delete_topics([topic])))


@pytest.mark.parametrize("topic", ["caf.inbound.north-police.v2", "caf.inbound.other.v1", "mine"])
def test_partner_cannot_create_a_topic(
    place: Settings, police: AdminClient, login: dict[str, object], topic: str
) -> None:
    refused(lambda: result(police.create_topics([NewTopic(topic, 1, 1)])))
    refused(lambda: send(login, topic))
    with closing(consumer(place)) as client:
        assert topic not in client.topics()


@pytest.mark.parametrize("topic", [names.REFERRAL, POLICE.topic])
def test_partner_cannot_change_a_topic(police: AdminClient, topic: str) -> None:
    shorter = ConfigResource(ConfigResource.Type.TOPIC, topic, set_config={"retention.ms": "1"})

    refused(lambda: result(police.alter_configs([shorter])))


def test_partner_cannot_grant_itself_rights(police: AdminClient) -> None:
    right = AclBinding(
        ResourceType.TOPIC, names.ESCALATION, ResourcePatternType.LITERAL, f"User:{POLICE.name}", "*",
        AclOperation.WRITE, AclPermissionType.ALLOW,
    )  # fmt: skip

    refused(lambda: result(police.create_acls([right])))


@pytest.mark.parametrize("group", [names.INTAKE_GROUP, names.LAND_GROUP, names.SHARE_GROUP, "caf-new", "mine"])
def test_partner_cannot_use_or_delete_a_group(place: Settings, police: AdminClient, group: str) -> None:
    """With the group of a part, a partner could make the part leave out records."""
    topic = Place(POLICE.topic, 0)
    with closing(consumer(place.acting_as(POLICE.name), group_id=group)) as client:
        client.assign([topic])
        with pytest.raises(GroupAuthorizationFailedError):
            client.committed(topic)
        with pytest.raises(GroupAuthorizationFailedError):
            client.commit({topic: OffsetAndMetadata(1, "", -1)})
    refused(lambda: result(police.delete_consumer_groups([group])))


@pytest.mark.parametrize("name", ["caf.intake", "caf.leader", "mine"])
def test_partner_cannot_use_a_transaction(login: dict[str, object], name: str) -> None:
    """With the transactional id of a part, a partner could shut the part out."""
    client = confluent_kafka.Producer({**login, "transactional.id": name})

    refused(lambda: client.init_transactions(20))


@pytest.mark.parametrize("principal", ["engineer", "land", "intake", SCHOOL.name])
def test_partner_cannot_log_in_under_another_name(login: dict[str, object], principal: str) -> None:
    client = confluent_kafka.Producer({**login, "sasl.username": principal})

    with pytest.raises(KafkaException):
        client.list_topics(timeout=5)


def test_removed_partner_can_do_nothing_and_a_new_one_gets_a_login(place: Settings, login: dict[str, object]) -> None:
    connected = confluent_kafka.Producer({**login, "message.timeout.ms": 20_000})
    assert POLICE.topic in connected.list_topics(timeout=20).topics
    table = Path(place.partners)
    before = table.read_text()
    table.write_text(f"partner,sources,who\n{SCHOOL.name},/south/school,x\neast-health,/east/health,x\n")
    try:
        broker.start(place)

        assert not _topics_after_reconnect(connected)
        with pytest.raises(KafkaException):
            confluent_kafka.Producer(login).list_topics(timeout=5)
        assert not secret_file(place.home, POLICE.name).exists()
        assert secret_file(place.home, "east-health").exists()
    finally:
        table.write_text(before)
        broker.start(place)


def _topics_after_reconnect(client: confluent_kafka.Producer) -> set[str]:
    """Return what a client sees that was connected when the broker restarted: its first question may find nobody."""
    for _ in range(10):
        with suppress(KafkaException):
            return set(client.list_topics(timeout=10).topics)
    raise AssertionError("the broker did not answer")
