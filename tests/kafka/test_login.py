"""Who can log in to the embedded broker, and what each principal may do there."""

import stat
from contextlib import closing
from dataclasses import replace

import confluent_kafka
import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.admin import (
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePatternFilter,
    ResourceType,
)
from kafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError
from structlog.testing import capture_logs

from streams import names
from streams.errors import SettingInvalid
from streams.kafka.client import admin, consumer, producer
from streams.kafka.login import librdkafka_login, login, properties, secret_file
from streams.kafka.rights import principals, rights
from streams.kafka.topics import topic_configs

PARTS = tuple(one for one in principals() if one != "engineer")


def operations(principal, topic):
    """What the table allows a principal to do with a topic. Whoever may read or write a topic may also describe it."""
    found = {
        operation
        for one in rights()
        if one.principal == principal and one.what == "topic"
        if one.name == topic or (one.name.endswith(".") and topic.startswith(one.name))
        for operation in one.operations
    }
    return found | {"describe"} if found & {"read", "write"} else found


def test_nobody_gets_in_without_a_login(settings, fresh_topics):
    with pytest.raises(KafkaError):
        KafkaProducer(bootstrap_servers=settings.bootstrap, bootstrap_timeout_ms=3_000)


def test_wrong_password_is_refused(settings, fresh_topics):
    wrong = librdkafka_login(settings) | {"sasl.password": "guessed", "bootstrap.servers": settings.bootstrap}
    client = confluent_kafka.Producer(wrong | {"log_level": 0})

    with pytest.raises(confluent_kafka.KafkaException):
        client.list_topics(timeout=4)


@pytest.mark.parametrize("principal", PARTS)
def test_broker_allows_each_part_what_the_table_says_and_no_more(settings, fresh_topics, principal):
    with closing(admin(settings.acting_as(principal))) as client:
        found = {
            topic["name"]: {operation.lower() for operation in topic["authorized_operations"] or ()}
            for topic in client.describe_topics(list(topic_configs(settings)))
        }

    assert found == {topic: operations(principal, topic) for topic in topic_configs(settings)}


def test_forged_record_of_a_subscriber_is_refused(settings, fresh_topics):
    with closing(producer(settings.acting_as("subscriber"))) as client, pytest.raises(TopicAuthorizationFailedError):
        client.send(names.ESCALATION, key=b"F-1", value=b"a forged escalation").get(timeout=20)


@pytest.mark.parametrize("principal", PARTS)
def test_no_part_may_create_or_delete_topics(settings, fresh_topics, principal):
    with closing(admin(settings.acting_as(principal))) as client:
        for attempt in (
            lambda: client.delete_topics([names.REFERRAL]),
            lambda: client.create_topics({"caf.other.v1": {"num_partitions": 1, "replication_factor": 1}}),
        ):
            with pytest.raises(KafkaError):
                attempt()
    with closing(admin(settings)) as client:
        assert set(client.list_topics()) == set(topic_configs(settings))


def test_part_cannot_read_the_position_of_a_subscriber(settings, fresh_topics):
    with (
        closing(consumer(settings.acting_as("share"), group_id="my-desk")) as client,
        pytest.raises(GroupAuthorizationFailedError),
    ):
        client.committed(TopicPartition(names.ALERTS, 0))


def test_the_brokers_rights_are_those_of_the_table(settings, kafka):
    every = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    with closing(admin(settings)) as client:
        found, _ = client.describe_acls(ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, every))

    assert sorted(
        (
            one.principal,
            one.resource_pattern.resource_name,
            one.operation.name.lower(),
            one.permission_type is ACLPermissionType.DENY,
        )
        for one in found
    ) == sorted(
        (f"User:{one.principal}", one.name, operation, one.is_forbidden)
        for one in rights()
        for operation in one.operations
    )


def test_logins_are_readable_by_their_owner_only(settings, kafka):
    files = [secret_file(settings.home, one) for one in ("broker", *principals())]

    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert len({properties(file)["sasl.password"] for file in files}) == len(files)


def test_file_of_a_platform_team_is_read_in_the_words_of_java_and_of_librdkafka(settings, tmp_path):
    file = tmp_path / "client.properties"
    elsewhere = replace(settings, kafka="broker.example:9093", kafka_config=str(file))
    authority = tmp_path / "ca.pem"
    authority.write_text("-----BEGIN CERTIFICATE-----")
    file.write_text(
        "# from the platform team\n"
        "security.protocol=SASL_SSL\n"
        "sasl.mechanism=SCRAM-SHA-512\n"
        'sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="caf" '
        'password="p\\"w=d";\n'
        "ssl.truststore.type=PEM\n"
        f"ssl.truststore.location={authority}\n"
    )
    java = login(elsewhere)
    file.write_text(
        'security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\nsasl.username=caf\nsasl.password=p"w=d\n'
        f"ssl.ca.location={authority}\n"
    )

    assert java == login(elsewhere)
    assert java == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "caf",
        "sasl_plain_password": 'p"w=d',
        "ssl_cafile": str(authority),
    }


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "sasl.kerberos.service.name=kafka",
            "line 1: the property sasl.kerberos.service.name is not supported; allowed",
        ),
        (
            "security.protocoll=SASL_SSL",
            "the property security.protocoll is not supported; allowed: .*security.protocol",
        ),
        ("securty.protocol=SASL_SSL", "the property securty.protocol is not supported"),
        ("sasl_mechanism=PLAIN", "the property sasl_mechanism is not supported"),
        ("enable.ssl.certificate.verification=false", "the property enable.ssl.certificate.verification is not"),
        ("security.protocol", "line 1: a property is written as name=value"),
        ("sasl.jaas.config=org.example.Module required;", "line 1: sasl.jaas.config needs username and password"),
    ],
)
def test_property_that_is_not_understood_is_refused(tmp_path, line, said):
    """A login that is only half understood might send a password without encryption."""
    (tmp_path / "client.properties").write_text(f"{line}\n")

    with pytest.raises(SettingInvalid, match=said):
        properties(tmp_path / "client.properties")


def test_settings_that_do_not_concern_the_login_are_left_out_and_named_once(tmp_path):
    file = tmp_path / "client.properties"
    others = ("acks", "session.timeout.ms", "group.id", "client.id", "auto.offset.reset", "client.dns.lookup")
    file.write_text("sasl.username=caf\n" + "".join(f"{name}=1\n" for name in others))
    with capture_logs() as logs:
        assert properties(file) == properties(file) == {"sasl.username": "caf"}

    assert [(line["event"], line["names"]) for line in logs] == [("client_settings_left_out", " ".join(others))]


@pytest.mark.parametrize(
    "name", ["ssl.ca.location", "ssl.truststore.location", "ssl.keystore.location", "ssl.key.location"]
)
def test_missing_or_unreadable_certificate_is_refused_at_once_with_its_name(tmp_path, name):
    """Otherwise the client would only fail when it connects, without saying which file it needs."""
    file = tmp_path / "client.properties"
    for place, why in ((tmp_path / "missing.pem", "No such file"), (tmp_path, "Is a directory")):
        file.write_text(f"security.protocol=SSL\n{name}={place}\n")
        with pytest.raises(SettingInvalid, match=f"line 2: {name} names a file that cannot be read: {place} .{why}"):
            properties(file)


def test_missing_file_of_the_platform_team_is_named(settings, tmp_path):
    elsewhere = replace(settings, kafka="broker.example:9093", kafka_config=str(tmp_path / "nothing"))

    with pytest.raises(SettingInvalid, match="CAF_KAFKA_CONFIG names a missing file"):
        login(elsewhere)


def test_file_as_kafkas_own_pages_write_it_is_read(tmp_path):
    """A login over several lines, and in single quotes, as the documentation of brokers shows it."""
    file = tmp_path / "client.properties"
    file.write_text(
        "sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\\n"
        "  username='caf' \\\n  password='a \"word\"';\n"
    )

    assert properties(file) == {"sasl.username": "caf", "sasl.password": 'a "word"'}


def test_folder_has_a_file_for_each_principal(settings, tmp_path):
    elsewhere = replace(settings, kafka="broker.example:9093", kafka_config=str(tmp_path), principal="land")
    (tmp_path / "land.properties").write_text("sasl.username=land\nsasl.password=secret\n")

    assert login(elsewhere) == {"sasl_plain_username": "land", "sasl_plain_password": "secret"}


def test_missing_file_in_the_folder_is_named(settings, tmp_path):
    """A container gets an empty folder if the file that it should mount does not exist."""
    elsewhere = replace(settings, kafka="broker.example:9093", kafka_config=str(tmp_path), principal="land")

    with pytest.raises(SettingInvalid, match=r"CAF_KAFKA_CONFIG names a missing file: .*/land\.properties"):
        login(elsewhere)
