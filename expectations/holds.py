"""List and release holds on the marts. A hold begins when a batch-level expectation fails."""

from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from expectations.results import ValidationResult, results_table
from streams.errors import HoldUnknown
from streams.times import naive

__all__ = ["Hold", "holds", "release"]

_STANDING = """
SELECT suite, expectation, note, validated_at, batch_to
FROM landing.main.validations
WHERE level = 'release' OR (level = 'batch' AND success IS NOT NULL)
QUALIFY row_number() OVER (PARTITION BY suite, expectation ORDER BY validated_at DESC) = 1
    AND level = 'batch' AND NOT success
ORDER BY suite, expectation
"""


@dataclass(frozen=True)
class Hold:
    """
    A hold in force: a batch-level expectation failed at its last validation, and nobody has released the hold since
    then.
    """

    suite: str
    expectation: str
    note: str
    validated_at: datetime
    batch_to: datetime

    def __str__(self) -> str:
        return f"{self.suite}.{self.expectation}: {self.note} (up to {self.batch_to:%Y-%m-%d %H:%M} UTC)"


def holds(lake: duckdb.DuckDBPyConnection) -> list[Hold]:
    """Return the holds in force. If there are none, the marts may be rebuilt. `lake` needs the catalog `landing`."""
    return [Hold(*row) for row in lake.execute(_STANDING).fetchall()]


def release(lake: duckdb.DuckDBPyConnection, suite: str, expectation: str, why: str) -> ValidationResult:
    """
    Release a hold, and store the release together with its reason. If the expectation fails again, the hold returns.

    `lake` must be able to write to the catalog `landing`.

    Raises:
        HoldUnknown: no such hold is in force.
    """
    standing = {(hold.suite, hold.expectation): hold for hold in holds(lake)}
    hold = standing.get((suite, expectation))
    if hold is None:
        names = ", ".join(".".join(key) for key in standing) or "none"
        raise HoldUnknown(f"there is no hold {suite}.{expectation}; holds in force: {names}")
    result = ValidationResult(
        validated_at=naive(datetime.now(UTC)),
        suite=suite,
        expectation=expectation,
        level="release",
        success=None,
        checked=0,
        failed=0,
        batch_from=None,
        batch_to=hold.batch_to,
        note=why,
    )
    rows = results_table([result])  # noqa: F841  (read by name in the statement)
    lake.execute("INSERT INTO landing.main.validations BY NAME SELECT * FROM rows")
    return result
