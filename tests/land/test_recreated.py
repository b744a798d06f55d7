"""A recreated topic continues in the lake: no record is lost, no record is doubled, and each offset has one row."""

import json
import threading
import time
from contextlib import closing
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from streams import names
from streams.alerts.publisher import Publisher
from streams.cli.main import caf
from streams.contracts.outputs import Heartbeat
from streams.errors import LakeConflict, UnknownTopic
from streams.kafka import client as kafka_client
from streams.kafka.generations import Generation
from streams.lake import generations as lake_lives
from streams.lake.connect import connect
from streams.lake.generations import confirm, landed_generations, numbered_ends
from streams.land import run
from streams.land.store import LandingStore
from streams.land.verify import verify_offsets
from streams.tell.cursor import Cursor
from tests.kafka.test_growth import grow
from tests.kafka.test_topics import STAMPED, make

pytestmark = pytest.mark.long

PLACES = "SELECT kafka_offset, event_id FROM landing.main.events ORDER BY kafka_offset"
LOST = """
    SELECT kafka_partition, kafka_offset, allowed LIKE '%its topic is deleted%' FROM landing.main.quarantine
    WHERE reason = 'deleted_unread' ORDER BY ALL
"""


@pytest.fixture(autouse=True)
def _is_soon_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the wait for late metadata, because a single broker always knows all its topics."""
    monkeypatch.setattr(lake_lives, "_SURE_SECONDS", 0.0)


@pytest.fixture
def make_again(lake_settings):
    """Recreates the referral topic or another topic."""

    def again(topic: str = names.REFERRAL, partitions: int = lake_settings.partitions) -> None:
        make(lake_settings, topic, partitions, **STAMPED)

    return again


def test_records_of_a_recreated_topic_continue_the_numbers(lake_settings, contact, send, rows, make_again) -> None:
    """A single offset represents all records that may have arrived before the deletion and were not read."""
    send([contact(number) for number in range(5)], partition=0)
    run(lake_settings, once=True)
    make_again()
    send([contact(number) for number in range(100, 120)], partition=0)
    run(lake_settings, once=True)
    run(lake_settings, once=True)

    ids = [(number, f"e-{number}") for number in range(5)] + [(number, f"e-{94 + number}") for number in range(6, 26)]
    assert rows(PLACES) == ids
    assert rows(LOST) == [(0, 5, True)]
    verified = verify_offsets(lake_settings)
    assert (verified.differences, verified.lost) == ([], 1)
    assert numbered_ends(lake_settings, [names.REFERRAL])[names.REFERRAL, 0] == 26


def test_unlanded_records_of_the_old_topic_are_listed(lake_settings, contact, send, rows, make_again) -> None:
    """
    Before the topic was deleted, the watcher had read ten records of a partition, and five of the ten had landed.

    A single offset represents all records that may have followed these ten records.
    """
    send([contact(number) for number in range(5)], partition=0)
    send([contact(9)], partition=3)
    run(lake_settings, once=True)
    ids = {topic: generation.topic_id for topic, generation in known(lake_settings).items()}
    beat(lake_settings, {names.REFERRAL: [10, 0, 0, 1]}, ids)
    make_again()
    send([contact(100)], partition=0)
    run(lake_settings, once=True)
    run(lake_settings, once=True)  # lands the dead letters

    assert rows(LOST) == [(0, number, True) for number in range(5, 11)] + [(3, 1, True)]
    assert rows(PLACES)[-1] == (11, "e-100")
    assert verify_offsets(lake_settings).differences == []


def test_topic_recreated_twice_with_nothing_between_continues(lake_settings, contact, send, rows, make_again) -> None:
    send([contact(1)], partition=0)
    run(lake_settings, once=True)
    make_again()
    run(lake_settings, once=True)
    make_again()
    send([contact(2)], partition=0)
    run(lake_settings, once=True)
    make_again()
    send([contact(3), contact(4)], partition=0)
    run(lake_settings, once=True)
    run(lake_settings, once=True)  # lands the dead letters

    assert rows(PLACES) == [(0, "e-1"), (2, "e-2"), (4, "e-3"), (5, "e-4")]
    assert rows(LOST) == [(0, 1, True), (0, 3, True)]
    assert known(lake_settings)[names.REFERRAL].number == 4
    assert verify_offsets(lake_settings).differences == []


def test_recreated_topic_may_have_other_partitions(lake_settings, contact, send, rows, make_again) -> None:
    """
    A loss on a partition that the recreated topic does not have is listed as well.

    If the partition is added later, its offsets continue after the loss.
    """
    last = lake_settings.partitions - 1
    send([contact(1)], partition=last)
    run(lake_settings, once=True)
    for topic in (*names.INPUT_TOPICS, names.ALERTS):
        make_again(topic, partitions=last)
    send([contact(2)], partition=0)
    run(lake_settings, once=True)
    assert rows(LOST) == [(last, 1, True)]

    grow(lake_settings, *names.INPUT_TOPICS, names.ALERTS, to=last + 1)
    send([contact(3)], partition=last)
    run(lake_settings, once=True)
    assert rows(f"SELECT kafka_partition FROM landing.main.events WHERE {('e-3', 2)} = (event_id, kafka_offset)") == [
        (last,)
    ]
    assert verify_offsets(lake_settings).differences == []


def test_recreated_topic_is_noticed_while_landing(lake_settings, contact, send, rows, make_again, monkeypatch) -> None:
    """
    `land` notices the recreation even if the recreated topic already has more records than the deleted one.

    Records that `land` has already polled are read again under their new offsets.
    """
    monkeypatch.setattr(kafka_client, "_METADATA_MS", 60_000)
    stop = threading.Event()
    lander = threading.Thread(target=run, args=(lake_settings,), kwargs={"until": stop.is_set}, daemon=True)
    lander.start()
    try:
        count = 0
        for turn in range(3):
            send([contact(number) for number in range(count, count + 10)], partition=0)
            count += 10
            while rows("SELECT count(*) FROM landing.main.events") != [(count,)]:
                time.sleep(0.2)
            if turn < 2:
                make_again()
                send([contact(number) for number in range(count, count + 20)], partition=0)
                count += 20
    finally:
        stop.set()
        lander.join()

    assert [id_ for _, id_ in rows(PLACES)] == [f"e-{number}" for number in range(count)]
    assert verify_offsets(lake_settings).differences == []


def test_lander_cannot_store_records_of_the_old_topic(lake_settings, contact, send, make_again):
    """
    The first process that reads the recreated topic decides its offsets in the lake.

    A commit of records from the deleted topic would use the same offsets.
    """
    send([contact(1)], partition=0)
    run(lake_settings, once=True)
    with closing(LandingStore(lake_settings)) as late:
        make_again()
        known(lake_settings)
        with pytest.raises(LakeConflict, match="recreated"):
            late.commit({}, {})


def test_recreated_topics_of_the_system_continue(lake_settings, rows, make_again) -> None:
    ids = {topic: generation.topic_id for topic, generation in known(lake_settings).items()}
    beat(lake_settings, {}, ids)
    run(lake_settings, once=True)
    make_again(names.HEARTBEAT, partitions=1)
    make_again(names.DEAD_LETTER, partitions=1)
    beat(lake_settings, {}, ids)
    run(lake_settings, once=True)
    run(lake_settings, once=True)  # lands the dead letter of the lost record

    assert rows("SELECT kafka_offset FROM landing.main.heartbeats ORDER BY ALL") == [(0,), (2,)]
    assert rows("SELECT count(*) FROM landing.main.dead_letters") == [(1,)]
    assert verify_offsets(lake_settings).differences == []


def test_older_lake_learns_to_number_generations(lake_settings, contact, send, rows, make_again) -> None:
    """The topics table of an older lake has only names and ids."""
    send([contact(1)], partition=0)
    run(lake_settings, once=True)
    with connect(lake_settings, landing="read_write", marts=None) as lake:
        for column in ("life", "first_offsets", "from_offsets", "known_at", "confirmed_at", "confirmed_by"):
            lake.execute(f"ALTER TABLE landing.main.topics DROP COLUMN {column}")
    make_again()
    send([contact(2)], partition=0)
    run(lake_settings, once=True)

    assert rows(PLACES) == [(0, "e-1"), (2, "e-2")]


def test_reader_with_a_position_reads_a_recreated_topic_from_its_beginning(
    lake_settings, contact, send, make_again
) -> None:
    """
    A reader that was away when the topic was recreated also reads from the beginning.

    Once a person has confirmed the recreation, a reader of a new group begins at the end of the topic.
    """
    with closing(Cursor(lake_settings, names.REFERRAL, "letters")) as cursor:
        send([contact(number) for number in range(3)], partition=0)
        assert [record.offset for record in read(cursor, 3)] == [0, 1, 2]
        cursor.done()
    run(lake_settings, once=True)
    make_again()
    send([contact(number) for number in range(5)], partition=0)
    with closing(Cursor(lake_settings, names.REFERRAL, "letters")) as cursor:
        assert [record.offset for record in read(cursor, 5)] == [4, 5, 6, 7, 8]
    with connect(lake_settings, landing="read_write", marts=None) as lake:
        confirm(lake, names.REFERRAL, "a person")
    with closing(Cursor(lake_settings, names.REFERRAL, "a new group")) as cursor:
        assert cursor.is_past(cursor.ends())


def test_recreation_is_confirmed_once(lake_settings, contact, send, make_again) -> None:
    runner = CliRunner(env=lake_settings.to_env())
    send([contact(1)], partition=0)
    run(lake_settings, once=True)
    early = runner.invoke(caf, ["topics", "confirm", names.REFERRAL, "--yes"])
    make_again()
    known(lake_settings)
    listed = runner.invoke(caf, ["topics", "list"])
    done = runner.invoke(caf, ["topics", "confirm", names.REFERRAL, "--yes"])

    assert isinstance(early.exception, UnknownTopic)
    assert "created 2 times" in listed.stdout
    assert "not confirmed" in listed.stdout
    assert done.exit_code == 0
    assert not known(lake_settings)[names.REFERRAL].is_unconfirmed
    facts = [
        json.loads(line) for line in runner.invoke(caf, ["topics", "list", "--json"]).stdout.splitlines() if "{" in line
    ]
    assert next(one["first_offsets"] for one in facts if one["topic"] == names.REFERRAL) == [2]


def known(settings) -> dict[str, Generation]:
    """Number the topics as the first process that reads them does, and return the generation of each topic."""
    numbered_ends(settings, [names.REFERRAL])
    with connect(settings, marts=None) as lake:
        return landed_generations(lake)


def beat(settings, offsets: dict[str, list[int]], ids: dict[str, str]) -> None:
    """Publish a watcher's heartbeat with the offsets up to which the watcher has evaluated."""
    heartbeat = Heartbeat(leader="a watcher", as_of=datetime.now(UTC), offsets=offsets, topic_ids=ids)
    with closing(Publisher(settings)) as publisher:
        publisher.heartbeat(heartbeat)


def read(cursor: Cursor, count: int) -> list:
    """Read the next `count` records that have a value."""
    found = []
    while len(found) < count:
        found += [record for record in cursor.read() if record.value]
    return found
