"""
Statements of coverage. Each is a row of `landing.coverage`. Rows are added and never changed.

If several statements about a source include the same day, the latest statement applies to that day.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from uuid import uuid4

import duckdb

from streams.contracts.fields import AUTHORITY_PATTERN
from streams.coverage.kinds import KINDS
from streams.errors import CoverageInvalid, CoverageUnknown
from streams.lake.login import login
from streams.lake.schema import ensure_landing
from streams.times import naive

__all__ = ["EVERY_SOURCE", "Statement", "remove", "standing", "state", "statement"]

EVERY_SOURCE = "*"
"""Stands for all sources of an authority that have no statement of their own."""


def _now() -> datetime:
    """Return the present time as the lake stores it: in UTC, without a time zone."""
    return naive(datetime.now(UTC))


_FIRST_DAY = date(2000, 1, 1)
"""The earliest possible date of a record, as in `dim_coverage`."""

_COLUMNS = (
    "statement_id", "stated_at", "authority_code", "source", "kinds", "covers_from", "covers_to", "is_whole",
    "stated_by", "why",
)  # fmt: skip
_STANDING = f"""
    SELECT {", ".join(_COLUMNS)}
    FROM landing.main.coverage
    QUALIFY row_number() OVER (PARTITION BY statement_id ORDER BY stated_at DESC, change) = 1 AND change = 'stated'
    ORDER BY authority_code, stated_at, statement_id
"""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """
    A statement about the records of one source and one authority, for a period and for some kinds of figures.

    If `is_whole` is true, the records are complete. Otherwise, some records are missing. Days are London days. The
    first and the last day are included. Without a last day, the statement has no end. `stated_at` is in UTC, without a
    time zone.
    """

    authority_code: str
    source: str
    kinds: tuple[str, ...]
    covers_from: date
    covers_to: date | None
    is_whole: bool
    why: str
    stated_by: str = field(default_factory=login)
    stated_at: datetime = field(default_factory=_now)
    statement_id: str = field(default_factory=lambda: uuid4().hex[:8])


def statement(
    authority: str,
    source: str,
    kinds: Collection[str],
    covers_from: date,
    covers_to: date | None,
    *,
    is_whole: bool,
    why: str,
) -> Statement:
    """
    Make a statement. Its time is the present, and its author is the user who runs this process.

    Raises:
        CoverageInvalid: a kind, an authority or a day is invalid, or the reason is missing.
    """
    unknown = sorted(set(kinds) - KINDS.keys())
    if unknown or not kinds:
        raise CoverageInvalid(f"no kind {', '.join(unknown) or 'was given'}; allowed: {', '.join(KINDS)}")
    if not re.search(AUTHORITY_PATTERN, authority):
        raise CoverageInvalid(f"authority {authority!r} is not a GSS code; allowed: a code such as E08000015")
    if not why.strip():
        raise CoverageInvalid("no reason is given; write in a few words how this is known")
    if covers_from < _FIRST_DAY or (covers_to is not None and covers_to < covers_from):
        raise CoverageInvalid(
            f"{covers_from} to {covers_to or 'now'} cannot be covered; "
            "allowed: a first day from 2000-01-01 on, and a last day that is not before it"
        )
    ordered = tuple(kind for kind in KINDS if kind in kinds)
    return Statement(
        authority_code=authority,
        source=source,
        kinds=ordered,
        covers_from=covers_from,
        covers_to=covers_to,
        is_whole=is_whole,
        why=why,
    )


def standing(lake: duckdb.DuckDBPyConnection) -> list[Statement]:
    """
    Return the statements that nobody has removed, ordered by authority and time.

    `lake` needs the catalog `landing`.
    """
    rows = (dict(zip(_COLUMNS, row, strict=True)) for row in lake.execute(_STANDING).fetchall())
    return [Statement(**{**row, "kinds": tuple(row["kinds"])}) for row in rows]


def state(lake: duckdb.DuckDBPyConnection, made: Statement) -> Statement:
    """
    Store a statement, and return it. If the latest statement about its source says the same, return that one instead.

    `lake` must be able to write to the catalog `landing`.
    """
    ensure_landing(lake)
    said = [one for one in standing(lake) if (one.authority_code, one.source) == (made.authority_code, made.source)]
    if said and _said(said[-1]) == _said(made):
        return said[-1]
    _insert(lake, made, "stated")
    return made


def remove(lake: duckdb.DuckDBPyConnection, statement_id: str, why: str) -> Statement:
    """
    Remove a statement, and store who removes it and why. `lake` must be able to write to the catalog `landing`.

    Raises:
        CoverageUnknown: there is no such statement.
    """
    ensure_landing(lake)
    stands = {one.statement_id: one for one in standing(lake)}
    if statement_id not in stands:
        raise CoverageUnknown(f"there is no statement {statement_id}; known: {', '.join(stands) or 'none'}")
    found = stands[statement_id]
    _insert(lake, replace(found, why=why, stated_by=login(), stated_at=_now()), "removed")
    return found


def _said(one: Statement) -> tuple[object, ...]:
    return one.kinds, one.covers_from, one.covers_to, one.is_whole


def _insert(lake: duckdb.DuckDBPyConnection, one: Statement, change: str) -> None:
    values = {**vars(one), "kinds": list(one.kinds), "change": change}
    lake.execute(
        f"INSERT INTO landing.main.coverage ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",
        list(values.values()),
    )
