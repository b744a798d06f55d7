"""Batches of every compression codec and every producer land completely."""

from contextlib import closing

import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from streams import names
from streams.kafka.client import admin
from streams.land import run
from streams.land.verify import verify_offsets
from streams.settings import Settings
from tests.kafka.segments import Log
from tests.kafka.senders import CODECS, SENDERS

BATCH = 3_500
"""Number of events of one family, and so in one batch. After decompression, the batch is larger than one megabyte."""


@pytest.mark.parametrize("producer", SENDERS)
def test_every_codec_of_every_producer_lands(lake_settings: Settings, producer: str, contact, rows) -> None:
    """Batches may be long. Java's frames contain no content size, but the whole content must land."""
    numbers = [50 * number for number in range(BATCH)]
    for place, codec in enumerate(CODECS):
        records = [contact(place + number) for number in numbers]
        SENDERS[producer](lake_settings, names.REFERRAL, codec, records)
    used = [codecs_of(Log(lake_settings, names.REFERRAL, number)) for number in range(lake_settings.partitions)]

    run(lake_settings, once=True)

    assert set().union(*used) == {1, 2, 3, 4}
    assert rows("SELECT count(DISTINCT event_id) FROM landing.main.events") == [(4 * BATCH,)]
    assert verify_offsets(lake_settings).differences == []


def test_records_that_the_broker_compresses_land(lake_settings: Settings, contact, rows, send) -> None:
    """The topic sets `compression.type`, so the broker compresses records that arrive uncompressed."""
    for place, codec in enumerate(CODECS):
        with closing(admin(lake_settings)) as client:
            wanted = {"compression.type": codec}
            client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, names.REFERRAL, configs=wanted)])
        send([contact(100 * place + number) for number in range(20)])

    run(lake_settings, once=True)

    assert rows("SELECT count(*) FROM landing.main.events") == [(80,)]


def codecs_of(log: Log) -> set[int]:
    data = log.file.read_bytes()
    return {data[at + 22] & 7 for at, _, _ in log.batches()}
