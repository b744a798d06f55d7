"""Read landed events, and turn them into what the suites validate."""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from operator import attrgetter

import duckdb
import pyarrow as pa

from expectations.observations import Observation, observe_contract
from expectations.records import observe_records
from streams.contracts.columns import EVENT_COLUMNS

__all__ = ["landed_events", "observe_by_suite"]

_NOT_JUDGED = {"content_id", "payload"}


def landed_events(lake: duckdb.DuckDBPyConnection, since: datetime, until: datetime) -> pa.Table:
    """Read the events whose `landed_at` is from `since` to `until`, both included (UTC without a zone)."""
    columns = ", ".join(f'"{name}"' for name in EVENT_COLUMNS if name not in _NOT_JUDGED)
    return lake.execute(
        f"SELECT {columns} FROM landing.main.events WHERE landed_at BETWEEN ? AND ?", [since, until]
    ).to_arrow_table()


def observe_by_suite(batch: pa.Table) -> Iterator[tuple[str, list[Observation]]]:
    """Yield all observations of a batch, grouped by the suite that validates them."""
    if not len(batch):
        return
    suite = attrgetter("suite")
    for name, group in groupby(sorted([*observe_contract(batch), *observe_records(batch)], key=suite), key=suite):
        yield name, list(group)
