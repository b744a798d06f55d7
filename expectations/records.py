"""
Check each record by comparing several of its fields.

The checks find events that are dated after their arrival, and codes that exclude each other.
"""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from expectations.observations import Observation, by_fact, distinct

__all__ = ["observe_records"]


def observe_records(batch: pa.Table) -> Iterator[Observation]:
    """Yield the observations of landed events for the suite `record`."""
    ahead = pc.max_element_wise(pc.minutes_between(batch["received_at"], batch["fact_at"]), 0)
    yield from _observed("minutes_ahead", "envelope", "fact_at", batch, ahead)
    for fact, rows in by_fact(batch):
        if fact == "person-recorded":
            births = pc.add(_given(rows["date_of_birth"]), _given(rows["due_date"]))
            yield from _observed("births", fact, "date_of_birth", rows, births)
            yield from _observed("disabilities", fact, "disabilities", rows, _joined(rows["disabilities"]))
        if fact == "assessment-completed":
            yield from _observed("factors", fact, "factors", rows, _joined(rows["factors"]))
            yield from _observed("repeated_factors", fact, "factors", rows, _repeated(rows["factors"]))


def _observed(
    column: str, subject: str, field: str, rows: pa.Table, values: pa.ChunkedArray | pa.Array
) -> Iterator[Observation]:
    for value in distinct(values):
        flags = lambda value=value: pc.equal(values, value).to_pylist()  # noqa: E731
        yield Observation("record", column, subject, field, value, rows, flags)


def _given(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.cast(pc.is_valid(column), pa.int32())


def _joined(column: pa.ChunkedArray) -> pa.Array:
    return pa.array([",".join(sorted(codes)) if codes else None for codes in column.to_pylist()], pa.string())


def _repeated(column: pa.ChunkedArray) -> pa.Array:
    return pa.array([len(codes) - len(set(codes)) if codes else None for codes in column.to_pylist()], pa.int32())
