"""Topics that another process created are compared with the settings that they should have."""

from contextlib import closing
from dataclasses import replace

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions

from streams import land, names
from streams.errors import TopicsUnfit
from streams.kafka.client import admin
from streams.kafka.topics import differences, ensure_topics, refuse_differences
from streams.settings import Settings
from streams.watch.run import run as watch


def make(settings: Settings, topic: str, partitions: int, **configs: str) -> None:
    """Recreate a topic as somebody outside the project would."""
    with closing(admin(settings)) as client:
        if topic in client.list_topics():
            client.delete_topics([topic])
        while topic in client.list_topics():
            pass
        client.create_topics({topic: {"num_partitions": partitions, "replication_factor": 1, "configs": configs}})
        client.wait_for_topics([topic])


def alter(settings: Settings, topic: str, **configs: str) -> None:
    with closing(admin(settings)) as client:
        client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=configs)])


STAMPED = {"message.timestamp.type": "LogAppendTime"}
BREAKING = {
    "its senders' clocks": (names.REFERRAL, {"message.timestamp.type": "CreateTime"}, "LogAppendTime"),
    "compaction": (names.CASE_CHANGE, STAMPED | {"cleanup.policy": "compact"}, "cleanup.policy=delete"),
    "compaction and deletion": (names.ALERTS, STAMPED | {"cleanup.policy": "compact,delete"}, "cleanup.policy=delete"),
    "a retention of an hour": (names.ESCALATION, STAMPED | {"retention.ms": "3600000"}, "retention.ms=2592000000"),
    "more replicas than there are": (names.REFERRAL, STAMPED | {"min.insync.replicas": "2"}, "nobody can write"),
}
WORSE = {
    "a week's retention": (names.REFERRAL, STAMPED | {"retention.ms": "604800000"}, "retention.ms=2592000000"),
    "a bound in bytes": (names.REFERRAL, STAMPED | {"retention.bytes": "1000000"}, "retention.bytes=-1"),
    "alerts that end": (names.ALERTS, STAMPED | {"retention.ms": "604800000"}, "retention.ms=-1"),
    "short records": (names.DEAD_LETTER, STAMPED | {"max.message.bytes": "100000"}, "max.message.bytes="),
    "lost acknowledgements": (names.REFERRAL, STAMPED | {"unclean.leader.election.enable": "true"}, "unclean"),
    "all versions": (names.ALERTS_CURRENT, STAMPED | {"cleanup.policy": "delete"}, "cleanup.policy=compact"),
}


def test_topics_that_are_as_they_should_be_do_not_differ(settings: Settings, fresh_topics: str) -> None:
    assert differences(settings) == []


@pytest.mark.parametrize("setup", [*BREAKING, *WORSE])
def test_what_differs_is_named_with_what_to_do(settings: Settings, fresh_topics: str, setup: str) -> None:
    topic, configs, what = (BREAKING | WORSE)[setup]
    alter(settings, topic, **configs)

    (found,) = differences(settings)

    assert (found.topic, found.breaks) == (topic, setup in BREAKING)
    assert what in found.what


def test_a_topic_with_other_partitions_than_the_others_is_refused_by_all(
    fresh_settings: Settings, fresh_topics: str
) -> None:
    """
    The referral topic has another number of partitions than the other topics.

    `init`, `land` and `watch` each refuse to start, with an error of one sentence.
    """
    make(fresh_settings, names.REFERRAL, 3, **STAMPED)

    for start in (refuse_differences, land.run, watch):
        with pytest.raises(TopicsUnfit, match=rf"{names.REFERRAL} has 3 partitions"):
            start(fresh_settings)


def test_part_refuses_only_topics_that_it_uses(settings: Settings, fresh_topics: str) -> None:
    alter(settings, names.REFERRAL, **{"message.timestamp.type": "CreateTime"})

    refuse_differences(settings, [names.ALERTS, names.ESCALATION])
    with pytest.raises(TopicsUnfit, match=names.REFERRAL):
        refuse_differences(settings, [names.REFERRAL])


def test_missing_topic_that_a_login_may_not_create_is_named(settings: Settings, fresh_topics: str) -> None:
    with closing(admin(settings)) as client:
        client.delete_topics([names.ESCALATION])
        while names.ESCALATION in client.list_topics():
            pass

    ensure_topics(settings.acting_as("intake"), [names.REFERRAL])
    with pytest.raises(TopicsUnfit, match=rf"{names.ESCALATION} is missing, and this login may not create it"):
        ensure_topics(settings.acting_as("intake"), names.INPUT_TOPICS)


def test_broker_that_forgets_offsets_before_records_is_named(settings: Settings, fresh_topics: str) -> None:
    """The embedded broker keeps offsets for a year. A login that may not see this reports nothing."""
    own = replace(settings, retention_days=500)
    (found,) = [one for one in differences(own) if one.topic == "__consumer_offsets"]

    assert found.what == "forgets offsets after 525600 minutes: set offsets.retention.minutes=720000 on each broker"
    assert not found.breaks
    assert not [one for one in differences(own.acting_as("watch")) if one.topic == "__consumer_offsets"]


def test_equal_partitions_of_another_number_are_taken_as_they_are(settings: Settings, fresh_topics: str) -> None:
    with closing(admin(settings)) as client:
        names_ = (*names.INPUT_TOPICS, names.ALERTS)
        client.create_partitions({topic: NewPartitions(total_count=8) for topic in names_})

    refuse_differences(settings)
    assert {one.topic for one in differences(settings)} == set(names_)


def test_two_partitions_of_heartbeats_are_refused(settings: Settings, fresh_topics: str) -> None:
    make(settings, names.HEARTBEAT, 2, **STAMPED)

    with pytest.raises(TopicsUnfit, match="heartbeat"):
        refuse_differences(settings)


def test_a_missing_topic_is_named_and_made(settings: Settings, fresh_topics: str) -> None:
    with closing(admin(settings)) as client:
        client.delete_topics([names.FEEDBACK])
        while names.FEEDBACK in client.list_topics():
            pass

    assert [(one.topic, one.breaks) for one in differences(settings)] == [(names.FEEDBACK, True)]
    ensure_topics(settings)
    assert differences(settings) == []
