"""Partitions that are added while `land` runs land without a restart."""

import threading
import time
from contextlib import closing

from streams import names
from streams.kafka import client as kafka_client
from streams.kafka.client import producer
from streams.land import run
from streams.land.verify import verify_offsets
from tests.kafka.test_growth import grow


def test_added_partitions_land(lake_settings, contact, rows, send, monkeypatch) -> None:
    """
    Each record lands once, including records sent before the partitions were added.

    `land` also holds the locks of the new partitions.
    """
    monkeypatch.setattr(kafka_client, "_METADATA_MS", 500)
    stop = threading.Event()
    lander = threading.Thread(target=run, args=(lake_settings,), kwargs={"until": stop.is_set}, daemon=True)
    send([contact(number) for number in range(20)])
    lander.start()
    while rows("SELECT count(*) FROM landing.main.events") != [(20,)]:
        time.sleep(0.2)
    grow(lake_settings, *names.INPUT_TOPICS, names.ALERTS, to=lake_settings.partitions + 2)
    key, value = contact(100)
    with closing(producer(lake_settings)) as late:
        late.send(names.REFERRAL, key=key, value=value, partition=lake_settings.partitions + 1).get(60)
    while rows("SELECT count(*) FROM landing.main.events") != [(21,)]:
        assert lander.is_alive()
        time.sleep(0.2)
    stop.set()
    lander.join()

    assert verify_offsets(lake_settings).differences == []
