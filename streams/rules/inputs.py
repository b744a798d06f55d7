"""The input tables of the rules, under the names that they have in the lake. They get new rows for each evaluation."""

from collections.abc import Mapping

import pyarrow as pa

from streams.contracts.columns import EVENT_COLUMNS, QUARANTINE_COLUMNS
from streams.rules.compiled import CompiledRules

__all__ = ["INPUTS", "columns_named"]

INPUTS: Mapping[str, Mapping[str, pa.DataType]] = {"events": EVENT_COLUMNS, "quarantine": QUARANTINE_COLUMNS}
"""Tables of `landing.main` with their columns, as Arrow types."""


def columns_named(compiled: CompiledRules) -> dict[str, dict[str, pa.DataType]]:
    """Return, for each input table, the columns that at least one model names."""
    named = compiled.names_below(None)
    return {
        table: {name: type_ for name, type_ in columns.items() if name in named} for table, columns in INPUTS.items()
    }
