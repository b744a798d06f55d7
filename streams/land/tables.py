"""Make landing rows from the records that the system itself wrote."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
import pyarrow as pa

from streams.contracts.columns import microseconds
from streams.contracts.landing import landing_tables
from streams.contracts.output_envelope import Output
from streams.contracts.outputs import Evidence, Recipient

__all__ = ["output_table"]


def output_table(name: str, outputs: Sequence[Output], landed_at: datetime) -> pa.Table:
    """
    Make the rows for records of one kind that the system itself wrote.

    The first columns are the record's position and times. The record's own fields follow in their order.
    """
    landed = microseconds(landed_at)
    rows = [
        (
            output.topic,
            output.partition,
            output.offset,
            output.received_ms * 1000,
            landed,
            *map(_plain, msgspec.structs.astuple(output.data)),
        )
        for output in outputs
    ]
    columns = landing_tables()[name].columns
    return pa.table(
        {
            column: pa.array(values, described.type)
            for (column, described), values in zip(columns.items(), zip(*rows, strict=True), strict=True)
        }
    )


def _plain(value: object) -> object:
    """Convert a field's value to a form that Arrow accepts."""
    if isinstance(value, datetime):
        return microseconds(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Evidence | Recipient):
        return {name: _plain(item) for name, item in msgspec.structs.asdict(value).items()}
    if isinstance(value, tuple):
        return dict(zip(("name", "value"), value, strict=True))
    if isinstance(value, dict):
        return list(value.items())
    return value
