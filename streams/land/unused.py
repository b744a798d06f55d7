"""
Store which offsets hold no record, while Kafka can still show it.

Kafka's transactions and aborted records use offsets, and no consumer receives anything at them. `verify` recognises
such offsets by reading the topic. When Kafka has deleted them, `verify` knows them from the table `unused_offsets`.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

import duckdb
from kafka import TopicPartition

from streams import names
from streams.kafka.reading import TolerantConsumer
from streams.lake.connect import connect
from streams.lake.generations import numbered_consumer
from streams.land.accounts import GAPS, SUMS
from streams.land.verify import Gap, near, offsets_shown
from streams.settings import Settings
from streams.times import naive

__all__ = ["note_unseen", "note_unused"]

_NOTE = """
    INSERT INTO landing.main.unused_offsets
    SELECT unnest(?::VARCHAR[]), unnest(?::INTEGER[]), unnest(?::BIGINT[]), unnest(?::BIGINT[]), ?
"""
_NOTED = """
    SELECT topic, kafka_partition, first_offset, max(next_offset) FROM landing.main.unused_offsets GROUP BY ALL
"""


class _Unused(NamedTuple):
    topic: str
    partition: int
    since: int
    """The offset after the last row before the range. So a range that has grown is stored again as a whole."""
    end: int


def note_unused(settings: Settings, topics: Collection[str] = names.LANDED_TOPICS) -> int:
    """
    Store which offsets of these topics, after landed records, hold no record.

    Returns:
        How many ranges were stored.

    Raises:
        BrokerUnavailable: no broker answers.
        LakeUnavailable: the catalog does not answer.
    """
    with _opened(settings, topics) as (kafka, lake):
        return _note(lake, _unused(kafka, _notable(lake, kafka)))


def note_unseen(settings: Settings, topics: Collection[str] = names.LANDED_TOPICS) -> int:
    """
    Store all offsets between landed records that no broker can show any more, as if they held no record.

    Only for a restored lake. The lander lands the records of a partition in their order, so it has seen what was at
    these offsets. They cannot be compared with anything any more.

    Returns:
        How many offsets these are.

    Raises:
        BrokerUnavailable: no broker answers.
        LakeUnavailable: the catalog does not answer.
    """
    with _opened(settings, topics) as (kafka, lake):
        places = sorted(kafka.assignment())
        beginnings = kafka.beginning_offsets(places)
        ids = {"topic_ids": list(kafka.topic_ids({place.topic for place in places}).values())}
        found = lake.execute(GAPS, ids).fetchall()
        kept_from = [beginnings.get(TopicPartition(topic, number), 0) for topic, number, *_ in found]
        gaps = [
            (_Unused(topic, number, since, min(end, begins)), min(end, begins) - first)
            for (topic, number, first, end, since), begins in zip(found, kept_from, strict=True)
            if first < begins
        ]
        _note(lake, [gap for gap, _ in gaps])
        return sum(offsets for _, offsets in gaps)


@contextmanager
def _opened(
    settings: Settings, topics: Collection[str]
) -> Iterator[tuple[TolerantConsumer, duckdb.DuckDBPyConnection]]:
    """Open the topics, with records numbered as in the lake, and the lake."""
    with (
        closing(numbered_consumer(settings, topics, max_poll_records=5_000)) as kafka,
        connect(settings, landing="read_write", marts=None) as lake,
    ):
        yield kafka, lake


def _note(lake: duckdb.DuckDBPyConnection, unused: Iterable[_Unused]) -> int:
    columns = [list(column) for column in zip(*unused, strict=True)]
    if not columns:
        return 0
    lake.execute(_NOTE, [*columns, naive(datetime.now(UTC))])
    return len(columns[0])


def _notable(lake: duckdb.DuckDBPyConnection, kafka: TolerantConsumer) -> dict[Gap, int]:
    """
    Return the ranges without a row that Kafka can still show, each with the offset after the row before it.

    The last range of a partition ends at the end of the topic.
    """
    places = sorted(kafka.assignment())
    beginnings, ends = kafka.beginning_offsets(places), kafka.end_offsets(places)
    ids = {"topic_ids": list(kafka.topic_ids({place.topic for place in places}).values())}
    noted = {(topic, number, since): end for topic, number, since, end in lake.execute(_NOTED).fetchall()}
    found = {
        Gap(topic, number, first, end, "unused"): since
        for topic, number, first, end, since in lake.execute(GAPS, ids).fetchall()
    }
    for topic, number, _, following, _ in lake.execute(SUMS, ids).fetchall():
        first = max(following, noted.get((topic, number, following), 0))
        found[Gap(topic, number, first, ends.get(TopicPartition(topic, number), 0), "unused")] = following
    return {
        gap: since
        for gap, since in found.items()
        if beginnings.get(TopicPartition(gap.topic, gap.partition), gap.end) <= gap.first < gap.end
    }


def _unused(kafka: TolerantConsumer, notable: dict[Gap, int]) -> Iterator[_Unused]:
    for group in near(notable):
        place = TopicPartition(group[0].topic, group[0].partition)
        shown = offsets_shown(kafka, place, group[0].first, group[-1].end)
        for gap in group:
            if bisect_left(shown, gap.first) == bisect_left(shown, gap.end):
                yield _Unused(gap.topic, gap.partition, notable[gap], gap.end)
