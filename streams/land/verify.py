"""
Check that no record is missing: every offset of every landed topic must have exactly one row in the lake.

Transaction markers and aborted records take up offsets, but consumers never receive them. Such offsets need no row. To
recognise such offsets, this module reads the topic. This is not possible if the broker no longer has the records, or if
the rows belong to an earlier generation of a topic. So `streams.land.unused` stores which offsets hold no record, while
the broker still shows it. If a very large number of records was lost, one row may stand for a whole range of offsets.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import duckdb
from kafka import KafkaConsumer, TopicPartition

from streams import names
from streams.errors import BrokerUnavailable, PartsDisagree
from streams.kafka.partners import partners
from streams.kafka.reading import TolerantConsumer
from streams.lake.connect import connect
from streams.lake.generations import landed_generations, numbered_consumer
from streams.lake.one_row import one_row
from streams.lake.resume import gone_with_their_topic, where_to_resume
from streams.lake.transaction import transaction
from streams.land.accounts import DOUBLES, GAPS, LOST, SUMS
from streams.settings import Settings

__all__ = ["Gap", "Verified", "near", "offsets_shown", "verified_topics", "verify_offsets"]

_PAUSE_SECONDS = 0.5
_READ_SECONDS = 30.0
_NEAR = 10_000
"""Gaps that are at most this many offsets apart are read together, because reading on is quicker than seeking."""


@dataclass(frozen=True)
class Gap:
    """A range of offsets from `first` up to, but not including, `end`, and what is wrong with these offsets."""

    topic: str
    partition: int
    first: int
    end: int
    what: str


@dataclass(frozen=True)
class Verified:
    """
    The result of the comparison: the number of partitions, of rows and of lost records, and every difference.

    `lost` counts the records that Kafka deleted before they were read. These records have rows, so they are not
    differences.
    """

    partitions: int
    rows: int
    lost: int = 0
    differences: list[Gap] = field(default_factory=list)

    def raise_if_different(self) -> None:
        """
        Raise an error if there are differences.

        Raises:
            PartsDisagree: an offset has no row, or several rows.
        """
        if self.differences:
            kinds = ", ".join(sorted({gap.what for gap in self.differences}))
            raise PartsDisagree(f"{len(self.differences)} ranges of offsets do not have exactly one row each: {kinds}")


def verified_topics(settings: Settings) -> tuple[str, ...]:
    """Return the topics of which every offset must have a row: the landed topics, and the partners' inbound topics."""
    return (*names.LANDED_TOPICS, *(one.topic for one in partners(settings)))


def verify_offsets(
    settings: Settings, *, wait: float = 0.0, on_wait: Callable[[int], None] = lambda _: None
) -> Verified:
    """
    Compare the topics' offsets, up to their present ends, with the lake's rows.

    Args:
        wait: if records have not landed yet, wait for them until the lander has stored no new row for this many
            seconds.
        on_wait: a function that is called now and then with the number of records that have not landed yet.

    Raises:
        BrokerUnavailable: no broker answers.
        LakeUnavailable: the catalog does not answer.
    """
    kafka = numbered_consumer(settings, verified_topics(settings), max_poll_records=5_000)
    try:
        partitions = sorted(kafka.assignment())
        ends = kafka.end_offsets(partitions)
        grew_at, most = time.monotonic(), 0
        while True:
            with connect(settings, marts=None) as lake:
                found = _compare(settings, lake, kafka, ends)
            waiting = sum(gap.end - gap.first for gap in found.differences if gap.what == "not landed")
            if found.rows > most:
                grew_at, most = time.monotonic(), found.rows
            if not waiting or time.monotonic() - grew_at >= wait:
                return found
            on_wait(waiting)
            time.sleep(_PAUSE_SECONDS)
    finally:
        kafka.close()


def _compare(
    settings: Settings, lake: duckdb.DuckDBPyConnection, kafka: TolerantConsumer, ends: dict[TopicPartition, int]
) -> Verified:
    with transaction(lake, read_only=True):
        generations = landed_generations(lake)
        inbound = {"topic_ids": list(kafka.topic_ids({place.topic for place in ends}).values())}
        sums = {(topic, number): rest for topic, number, *rest in lake.execute(SUMS, inbound).fetchall()}
        candidates = [
            Gap(topic, number, first, end, "missing")
            for topic, number, first, end, _ in lake.execute(GAPS, inbound).fetchall()
        ]
        doubles = [
            Gap(topic, number, first, end, "doubled")
            for topic, number, first, end in lake.execute(DOUBLES, inbound).fetchall()
        ]
        lost = one_row(lake.execute(LOST))[0]
    beginnings = kafka.beginning_offsets(list(ends))
    # A row whose offset lies beyond the end of its topic is wrong. But records arrive and land during the comparison,
    # so such rows are compared with the ends of the topics as they are now.
    now = kafka.end_offsets(list(ends))
    landed = {place: following for place, (_, following, _) in sums.items()}
    for partition, going in where_to_resume(settings, kafka, generations, landed, ends).items():
        place, end = (partition.topic, partition.partition), ends[partition]
        first, following, _ = sums.get(place, (going, going, 0))
        if beginnings[partition] < min(first, end):
            candidates.append(Gap(*place, beginnings[partition], min(first, end), "not landed"))
        if going < end:
            candidates.append(Gap(*place, going, end, "not landed"))
        if following > now[partition]:
            doubles.append(Gap(*place, now[partition], following, "not in the topic"))
    candidates += [
        Gap(topic, number, first, end, "")
        for (topic, number), first, end in gone_with_their_topic(generations, landed, ends)
    ]
    missing = [gap for group in near(candidates) for gap in _shown(kafka, group, beginnings)]
    rows = int(sum(total for (topic, _), (_, _, total) in sums.items() if topic in names.LANDED_TOPICS))
    return Verified(
        len(ends), rows, lost, sorted([*missing, *doubles], key=lambda gap: (gap.topic, gap.partition, gap.first))
    )


def near(gaps: Iterable[Gap]) -> Iterator[list[Gap]]:
    """
    Group gaps of a partition that are close together, so that they are read together.

    There can be many gaps, because each Kafka transaction leaves one.
    """
    group: list[Gap] = []
    for gap in sorted(gaps, key=lambda one: (one.topic, one.partition, one.first)):
        if group and (
            (gap.topic, gap.partition) != (group[-1].topic, group[-1].partition) or gap.first > group[-1].end + _NEAR
        ):
            yield group
            group = []
        group.append(gap)
    if group:
        yield group


def _shown(kafka: KafkaConsumer, gaps: list[Gap], beginnings: dict[TopicPartition, int]) -> Iterator[Gap]:
    """
    Yield the parts of the gaps in which rows are really missing.

    Rows are missing if a consumer receives records at these offsets, or if the broker deleted the records before they
    landed.
    """
    partition = TopicPartition(gaps[0].topic, gaps[0].partition)
    kept_from = beginnings.get(partition, gaps[-1].end)
    kept = [gap for gap in gaps if gap.end > kept_from]
    shown = offsets_shown(kafka, partition, max(kept[0].first, kept_from), kept[-1].end) if kept else []
    for gap in gaps:
        if gap.first < kept_from:
            yield Gap(gap.topic, gap.partition, gap.first, min(gap.end, kept_from), "expired before landing")
        within = shown[bisect_left(shown, gap.first) : bisect_left(shown, gap.end)]
        for first, end in _ranges(within):
            yield Gap(gap.topic, gap.partition, first, end, gap.what)


def offsets_shown(kafka: KafkaConsumer, partition: TopicPartition, first: int, end: int) -> list[int]:
    """
    Return the offsets in a range whose records a consumer receives.

    Raises:
        BrokerUnavailable: the broker returns nothing for 30 seconds.
    """
    kafka.assign([partition])
    kafka.seek(partition, first)
    shown: list[int] = []
    position, deadline = first, time.monotonic() + _READ_SECONDS
    while position < end:
        shown += [record.offset for record in kafka.poll(timeout_ms=200).get(partition, ())]
        if kafka.position(partition) > position:
            position, deadline = kafka.position(partition), time.monotonic() + _READ_SECONDS
        elif time.monotonic() > deadline:
            raise BrokerUnavailable(f"{partition.topic}/{partition.partition} cannot be read from {position} on")
    return shown


def _ranges(offsets: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield the ranges of consecutive offsets, each as its first offset and the offset after its last."""
    first: int | None = None
    following: int | None = None
    for offset in offsets:
        if first is not None and following is not None and offset != following:
            yield first, following
            first = None
        first = offset if first is None else first
        following = offset + 1
    if first is not None and following is not None:
        yield first, following
