"""Read the events of families from the lake, after waiting until everything that has arrived has landed."""

from collections.abc import Collection

import duckdb
import pyarrow as pa

from streams.errors import LakeUnavailable
from streams.lake.connect import connect
from streams.lake.generations import numbered_ends
from streams.lake.offsets import wait_until_landed
from streams.settings import Settings

__all__ = ["family_events"]


def family_events(
    settings: Settings, families: Collection[str], topics: Collection[str], patience_seconds: float
) -> pa.Table | None:
    """
    Return the rows of `landing.events` whose Kafka key is one of the families.

    The rows include everything that had arrived on the topics before the call.

    Returns:
        The rows; None if the lake does not answer, or if not everything has landed after `patience_seconds`.

    Raises:
        BrokerUnavailable: no broker answers.
    """
    arrived = numbered_ends(settings, topics)
    try:
        with connect(settings, landing="read_only", marts=None) as lake:
            if not wait_until_landed(lake, arrived, patience_seconds):
                return None
            query = "SELECT * FROM landing.main.events WHERE list_contains(?, record_key)"
            return lake.execute(query, [list(families)]).to_arrow_table()
    except (LakeUnavailable, duckdb.Error):
        return None
