"""
Fills the watcher's tables from the lake.

This is needed after an upgrade, if the tables are lost, or if Kafka has deleted records before they were evaluated.
Landed rows are copied unchanged, partition by partition. Then all families are reviewed, because their deadlines are
unknown.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from itertools import groupby, islice
from operator import attrgetter
from typing import TypeVar

import duckdb
import structlog
from kafka import TopicPartition

from streams import names
from streams.alerts.alert_book import AlertBook
from streams.alerts.landed import landed_versions
from streams.alerts.standing import Standing
from streams.contracts.outputs import Alert
from streams.errors import LakeUnavailable
from streams.lake.connect import catalog_dsn, connect
from streams.lake.offsets import next_offsets
from streams.lake.quoted import quoted
from streams.lake.rows import each_named_row
from streams.lake.session import with_keepalives
from streams.settings import Settings
from streams.watch.state.state import State

__all__ = ["fill"]

Item = TypeVar("Item")

log = structlog.get_logger()

_AT_ONCE = 1_000

_EVENTS = """
    INSERT INTO state.{schema}.incoming ({columns})
    SELECT {columns} FROM landing.main.events
    WHERE topic = $1 AND kafka_partition = $2 AND kafka_offset >= $3 AND kafka_offset < $4
"""
_QUARANTINE = """
    SELECT topic, kafka_partition, kafka_offset, received_at, reason, path, allowed
    FROM landing.main.quarantine
    WHERE topic = $1 AND kafka_partition = $2 AND kafka_offset >= $3 AND kafka_offset < $4
"""


def fill(
    settings: Settings, state: State, behind: Mapping[TopicPartition, int], alive: Callable[[], None]
) -> dict[TopicPartition, int]:
    """
    Copy the landed rows of some partitions, beginning at the given offsets. If nothing has landed yet, copy nothing.

    Args:
        alive: a function that is called from time to time to show that the watcher is alive.

    Returns:
        The next offset of each partition from which rows were copied.

    Raises:
        LakeUnavailable: the lake cannot be read. The watcher cannot go on, because without the landed events it would
            withdraw alerts.
    """
    try:
        return _filled(settings, state, behind, alive)
    except duckdb.Error as error:
        raise LakeUnavailable(f"the lake cannot be read: {type(error).__name__}") from None


def _filled(
    settings: Settings, state: State, behind: Mapping[TopicPartition, int], alive: Callable[[], None]
) -> dict[TopicPartition, int]:
    with closing(connect(settings, landing="read_only", marts=None)) as lake:
        try:
            landed = {TopicPartition(*place): offset for place, offset in next_offsets(lake).items()}
        except duckdb.CatalogException:
            return {}
        ahead = {place: landed[place] for place, offset in behind.items() if landed.get(place, offset) > offset}
        lake.execute(f"ATTACH {quoted(with_keepalives(catalog_dsn(settings)))} AS state (TYPE postgres)")
        done = 0
        for place, end in ahead.items():
            if place.topic in names.INPUT_TOPICS:
                done += _take_over(lake, state, place, behind[place], end)
                log.info("events_taken_over", topic=place.topic, partition=place.partition, events=done)
            alive()
        if any(place.topic == names.ALERTS for place in ahead):
            _take_over_alerts(lake, state, alive)
    return ahead


def _take_over(lake: duckdb.DuckDBPyConnection, state: State, place: TopicPartition, begin: int, end: int) -> int:
    """Copy the events and the unreadable records of a partition; return how many events were copied."""
    state.empty_incoming()
    count: int
    ((count,),) = lake.execute(
        _EVENTS.format(schema=state.schema, columns=", ".join(state.columns)), [*place, begin, end]
    ).fetchall()
    with state.writing():
        state.take_over_incoming()
        if place.topic in names.SAFEGUARDING_TOPICS:
            unread = lake.execute(_QUARANTINE, [*place, begin, end])
            for rows in _chunks(each_named_row(unread)):
                state.events.add_unread(rows)
    return count


def _take_over_alerts(lake: duckdb.DuckDBPyConnection, state: State, alive: Callable[[], None]) -> None:
    for chunk in _chunks(_standing(landed_versions(lake))):
        with state.writing():
            state.alerts.save(chunk, send=False)
        alive()


def _standing(versions: Iterable[Alert]) -> Iterator[Standing]:
    """Yield one item for each alert: its latest version, and what the watcher must remember about it."""
    for _, same in groupby(versions, attrgetter("alert_id")):
        book = AlertBook()
        *_, last = filter(None, map(book.record, same))
        yield last


def _chunks(found: Iterator[Item]) -> Iterator[list[Item]]:
    while chunk := list(islice(found, _AT_ONCE)):
        yield chunk
