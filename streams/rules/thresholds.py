"""
The thresholds that a rule reads from the practice profiles.

This module finds these thresholds in the rule's SQL, returns their values, and changes them for backtests.
"""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import duckdb

from streams.errors import ThresholdInvalid
from streams.rules.compiled import CompiledRules
from streams.rules.lineage import PROFILES, Lineage

__all__ = ["Thresholds", "thresholds", "with_thresholds"]

Thresholds = dict[str, dict[str, str]]
"""The values in force, by threshold and by version of the practice profile."""

_KEYS = {"authority_code", "profile_version", "effective_from"}
_SEED = PROFILES.partition(".")[2]


def thresholds(compiled: CompiledRules, lineage: Lineage, rule: str) -> Thresholds:
    """
    Return the values of each threshold that a rule reads, by practice profile.

    Args:
        lineage: a lineage without optional joins (`counts_optional=False`), because those joins read thresholds of
            other rules.
    """
    model = f"alert_{rule}"
    names = sorted({read.column for read in lineage[model].all if read.relation == PROFILES} - _KEYS)
    with duckdb.connect(str(compiled.seeds), read_only=True) as seeds:
        rows = seeds.sql(f"FROM {_SEED} ORDER BY authority_code, effective_from")
        profiles = [dict(zip(rows.columns, row, strict=True)) for row in rows.fetchall()]
    return {name: {one["profile_version"]: str(one[name]) for one in profiles} for name in names}


def with_thresholds(
    compiled: CompiledRules, rule: str, known: Thresholds, changes: Mapping[str, str], folder: Path
) -> CompiledRules:
    """
    Return the same rules with other values of thresholds in every practice profile.

    The changed seeds are written to a file in `folder`.

    Raises:
        ThresholdInvalid: the rule does not read a threshold, or a value has the wrong type or is not allowed.
    """
    seeds = folder / compiled.seeds.name
    shutil.copy(compiled.seeds, seeds)
    with duckdb.connect(str(seeds)) as database:
        for name, value in changes.items():
            if name not in known:
                allowed = ", ".join(known) or "none: it has no thresholds"
                raise ThresholdInvalid(f"{rule} does not read a threshold {name!r}; allowed: {allowed}")
            _change(database, name, value)
    checksum = hashlib.sha256(f"{compiled.checksum} {sorted(changes.items())}".encode()).hexdigest()[:16]
    return replace(compiled, seeds=seeds, checksum=checksum)


def _change(database: duckdb.DuckDBPyConnection, name: str, value: str) -> None:
    kind = database.sql(f"SELECT {name} FROM {_SEED}").types[0]
    if str(kind) == "VARCHAR":
        values = sorted(one for (one,) in database.sql(f"SELECT DISTINCT {name} FROM {_SEED}").fetchall())
        if value not in values:
            raise ThresholdInvalid(f"{name} cannot be {value!r}; allowed: {', '.join(values)}")
    elif str(kind) == "INTEGER" and not (value.isascii() and value.isdecimal()):
        raise ThresholdInvalid(f"{name} cannot be {value!r}; allowed: a whole number from 0")
    try:
        database.execute(f"UPDATE {_SEED} SET {name} = CAST($1 AS {kind})", [value])
    except duckdb.ConversionException:
        raise ThresholdInvalid(f"{name} cannot be {value!r}; allowed: {kind}") from None
