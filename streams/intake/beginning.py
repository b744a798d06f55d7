"""
Finds where reading goes on in each inbound topic when a relay begins.

Kafka's committed offset is the only memory of what has been passed on. If the offset is lost or cannot be right, nobody
knows where to go on: to begin at the first record would pass on the records of a month again. A topic with such an
offset, or with settings that could lose records, is left out, and the topics of all other partners are read.
"""

from collections.abc import Collection, Iterable, Mapping

import duckdb
from kafka import TopicPartition

from streams.errors import LakeUnavailable
from streams.kafka.client import partitions_of
from streams.kafka.partners import Partner
from streams.kafka.reading import TolerantConsumer
from streams.kafka.topics import differences
from streams.lake.connect import connect
from streams.settings import Settings

__all__ = ["begin_reading"]

_HELP = "See 'A partner that is left out' in docs/operate.md"

_PASSED_ON = """
    SELECT split_part(inbound_record, '/', 4) AS id, max(split_part(inbound_record, '/', 3)::BIGINT)
    FROM (
        SELECT inbound_record FROM landing.main.events
        UNION ALL SELECT inbound_record FROM landing.main.quarantine
        {erased}
    ) AS rows
    WHERE list_contains($ids, split_part(inbound_record, '/', 4))
    GROUP BY id
"""
_ERASED = "UNION ALL SELECT inbound_record FROM landing.main.erased"

Offsets = dict[TopicPartition, int]


def begin_reading(
    settings: Settings, consumer: TolerantConsumer, partners: Collection[Partner], ids: Mapping[str, str]
) -> tuple[Offsets, dict[str, str]]:
    """
    Find the offset at which each partition of the inbound topics continues.

    Args:
        ids: Kafka's ids of the topics.

    Returns:
        The offsets, and for each topic that is left out a sentence that says why.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    topics = [one.topic for one in partners]
    left_out = {one.topic: str(one) for one in differences(settings, topics) if one.breaks}
    places = partitions_of(consumer, [topic for topic in topics if topic not in left_out])
    ends, found, unknown = consumer.end_offsets(places), Offsets(), []
    for place in places:
        offset = consumer.committed(place)
        if offset is None and ends[place]:
            unknown.append(place)
        elif (offset or 0) > ends[place]:
            left_out[place.topic] = (
                f"{place.topic} ends at {ends[place]}, but its records up to {offset} have been passed on: it has lost "
                f"its end. {_HELP}"
            )
        else:
            found[place] = offset or 0
    if unknown:
        forgotten = _forgotten(settings, {place.topic for place in unknown}, ids)
        found |= {place: 0 for place in unknown if place.topic not in forgotten}
        left_out |= forgotten
    return found, left_out


def _forgotten(settings: Settings, topics: Iterable[str], ids: Mapping[str, str]) -> dict[str, str]:
    """Return a sentence for each topic without a committed offset, unless none of its records has ever landed."""
    try:
        passed_on = _passed_on(settings, [ids[topic] for topic in topics])
    except (LakeUnavailable, duckdb.Error) as error:
        why = f"has no committed offset, and the lake does not say whether it was read before ({type(error).__name__})"
        return {topic: f"{topic} {why}" for topic in topics}
    return {
        topic: f"Kafka has forgotten how far {topic} was read; in the lake, its last record is {last}. {_HELP}"
        for topic in topics
        if (last := passed_on.get(ids[topic])) is not None
    }


def _passed_on(settings: Settings, ids: list[str]) -> dict[str, int]:
    """Return the last landed record of each topic that has any, by the topic's id. A recreated topic has another id."""
    with connect(settings, marts=None) as lake:
        try:
            rows = lake.execute(_PASSED_ON.format(erased=_ERASED), {"ids": ids}).fetchall()
        except duckdb.CatalogException:  # a lake in which nothing was ever erased may lack the table
            rows = lake.execute(_PASSED_ON.format(erased=""), {"ids": ids}).fetchall()
    return dict(rows)
