"""Events of families as the lake holds them, once all that had arrived has landed."""

import time
from collections.abc import Collection

import duckdb
import pyarrow as pa

from streams.errors import LakeUnavailable
from streams.kafka.client import end_offsets
from streams.lake.connect import connect
from streams.lake.offsets import next_offsets
from streams.settings import Settings

__all__ = ["family_events"]

_POLL_SECONDS = 0.2


def family_events(
    settings: Settings, families: Collection[str], topics: Collection[str], patience_seconds: float
) -> pa.Table | None:
    """
    The rows of `landing.events` under the families' keys, with all that had arrived on the topics when asked.

    Returns:
        None when the lake is away, or still behind after `patience_seconds`.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    arrived = end_offsets(settings, topics)
    end = time.monotonic() + patience_seconds
    try:
        with connect(settings, landing="read_only", marts=None) as lake:
            while not _holds(next_offsets(lake), arrived):
                if time.monotonic() >= end:
                    return None
                time.sleep(_POLL_SECONDS)
            query = "SELECT * FROM landing.main.events WHERE list_contains(?, record_key)"
            return lake.execute(query, [list(families)]).to_arrow_table()
    except (LakeUnavailable, duckdb.Error):
        return None


def _holds(landed: dict[tuple[str, int], int], arrived: dict[tuple[str, int], int]) -> bool:
    return all(landed.get((topic, number), 0) >= offset for (topic, number), offset in arrived.items())
