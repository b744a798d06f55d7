"""Offsets without a record are still explained when Kafka no longer has them."""

from collections.abc import Callable
from contextlib import closing

from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from streams import names
from streams.kafka.client import admin, consumer, end_offsets, producer
from streams.kafka.sending import TRANSACTIONS
from streams.land import run
from streams.land.unused import note_unused
from streams.land.verify import verify_offsets
from streams.settings import Settings

PLACE = TopicPartition(names.REFERRAL, 2)
Contact = Callable[..., tuple[bytes, bytes]]


def transactions(settings: Settings, contact: Contact, *numbers: int) -> None:
    """Send each contact in a transaction of its own, after one that is aborted."""
    with closing(producer(settings, transactional_id="caf.test", **TRANSACTIONS)) as client:
        client.init_transactions()
        for number in numbers:
            for end in (client.abort_transaction, client.commit_transaction):
                key, value = contact(number)
                client.begin_transaction()
                client.send(names.REFERRAL, key=key, value=value, partition=PLACE.partition).get(timeout=30)
                end()


def delete_all(settings: Settings) -> None:
    """Delete all records. A running lander would have committed that it has read to the end."""
    end = end_offsets(settings, [names.REFERRAL])[PLACE]
    with closing(consumer(settings, group_id=names.LAND_GROUP)) as lander, closing(admin(settings)) as client:
        lander.commit({PLACE: OffsetAndMetadata(end, "", -1)})
        client.delete_records({PLACE: end})


def test_markers_that_kafka_has_deleted_are_no_lost_records(lake_settings: Settings, contact: Contact) -> None:
    transactions(lake_settings, contact, 1, 2)
    run(lake_settings, once=True)
    noted = note_unused(lake_settings), note_unused(lake_settings)
    delete_all(lake_settings)
    transactions(lake_settings, contact, 3)
    run(lake_settings, once=True)
    grown = note_unused(lake_settings)
    delete_all(lake_settings)

    assert noted == (2, 0)
    assert grown == 2
    assert verify_offsets(lake_settings).differences == []


def test_offsets_that_nobody_has_noted_count_as_lost(lake_settings: Settings, contact: Contact) -> None:
    transactions(lake_settings, contact, 1, 2)
    run(lake_settings, once=True)
    delete_all(lake_settings)

    assert {gap.what for gap in verify_offsets(lake_settings).differences} == {"expired before landing"}
