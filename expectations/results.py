"""The rows of `landing.validations`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import pyarrow as pa

from streams.contracts.landing import landing_tables

__all__ = ["Coordinates", "ValidationResult", "results_table"]

Coordinates = tuple[str, int, int]
"""Topic, partition and offset of one record."""

_MOST_FAILED_ROWS = 1000
"""How many coordinates are stored at most for one failure. `failed` counts all records that failed."""


@dataclass(frozen=True, kw_only=True)
class ValidationResult:
    """
    The result of one expectation on one batch, without any values from the rows.

    Times are UTC without a zone, as in the landing tables. `success` is None if the expectation could not be validated.
    """

    validated_at: datetime
    suite: str
    expectation: str
    level: Literal["row", "batch", "release"]
    success: bool | None
    checked: int
    failed: int
    batch_from: datetime | None
    batch_to: datetime | None
    failed_rows: tuple[Coordinates, ...] = ()
    note: str | None = None

    def row(self) -> dict[str, object]:
        """
        Return the result as a row of `landing.validations`.

        `failed_rows` contains the coordinates of the first thousand records at most.
        """
        names = ("topic", "kafka_partition", "kafka_offset")
        failed_rows = [dict(zip(names, place, strict=True)) for place in self.failed_rows[:_MOST_FAILED_ROWS]]
        return {**self.__dict__, "failed_rows": failed_rows}


def results_table(results: list[ValidationResult]) -> pa.Table:
    """Make the rows of `landing.validations`."""
    schema = pa.schema([(name, column.type) for name, column in landing_tables()["validations"].columns.items()])
    return pa.Table.from_pylist([result.row() for result in results], schema=schema)
