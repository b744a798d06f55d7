"""A topic that was deleted, made again and has grown past its old end is not taken for the one that has landed."""

import threading
import time

import pytest

from streams import names
from streams.errors import LakeConflict
from streams.kafka import client as kafka_client
from streams.lake.topic_ids import topics_made_anew
from streams.land import run
from streams.verify import verify_offsets
from tests.kafka.test_topics import STAMPED, make


def test_landing_refuses_it_and_verify_says_so(lake_settings, contact, send, rows) -> None:
    """Its first records would have the coordinates of rows that are there; nothing is landed under them."""
    send([contact(number) for number in range(5)], partition=0)
    run(lake_settings, once=True)
    assert topics_made_anew(lake_settings) == []

    make(lake_settings, names.REFERRAL, lake_settings.partitions, **STAMPED)
    send([contact(number) for number in range(100, 120)], partition=0)

    with pytest.raises(LakeConflict, match=rf"{names.REFERRAL} was deleted and made again"):
        run(lake_settings, once=True)
    assert topics_made_anew(lake_settings) == [names.REFERRAL]
    assert rows("SELECT count(*) FROM landing.main.events") == [(5,)]
    found = {(gap.topic, gap.what) for gap in verify_offsets(lake_settings).differences}
    assert (names.REFERRAL, "of a topic that was deleted and made again") in found


def test_it_is_noticed_while_landing(lake_settings, contact, send, rows, monkeypatch) -> None:
    monkeypatch.setattr(kafka_client, "_METADATA_MS", 500)
    ended: list[BaseException] = []

    def land() -> None:
        try:
            run(lake_settings, for_seconds=90)
        except LakeConflict as error:
            ended.append(error)

    lander = threading.Thread(target=land, daemon=True)
    send([contact(1)], partition=0)
    lander.start()
    while rows("SELECT count(*) FROM landing.main.events") != [(1,)]:
        time.sleep(0.2)
    make(lake_settings, names.REFERRAL, lake_settings.partitions, **STAMPED)
    lander.join()

    assert [names.REFERRAL in str(error) for error in ended] == [True]
