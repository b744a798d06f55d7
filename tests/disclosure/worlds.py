"""
Small random worlds of referrals and CAFs, both as counts and as the tables that would be published from the
counts.
"""

import random
from collections.abc import Callable, Sequence
from datetime import date

import duckdb

from streams.disclosure.cafs import CafPiece, cafs_system
from streams.disclosure.cells import Key, System
from streams.disclosure.keys import quarters
from streams.disclosure.protect import primary, protect
from streams.disclosure.referrals import Piece, referrals_system

__all__ = ["AUTHORITY", "YEAR", "caf_pieces", "pieces", "published", "released"]

AUTHORITY = "E08000015"
YEAR = date(2024, 4, 1)
SOURCES = ("Individual", "Schools", "Police", "Unknown")
MAPS = (
    [("W1", "A1"), ("W2", "A1"), ("W3", "A2"), ("unknown", "unknown")],
    [("W1", "A1"), ("W2", "A1"), ("W2", "A2"), ("W3", "A2"), ("W4", "A3"), ("unknown", "unknown")],
    [("W1", "A1"), ("unknown", "unknown")],
)
"""
Pairs of ward and area, in three maps. In the second map, one ward lies in two areas.

The third map has one ward besides the unknown place. The ward's figures therefore equal those of its area and of all
known places together.
"""

Build = Callable[[str, Sequence[tuple]], System]


def pieces(seed: int, upto: int = 4) -> list[Piece]:
    """Return counts of referrals for a year or its first quarters. The counts are small, and many are zero."""
    chance = random.Random(seed)
    found = []
    for quarter in quarters(YEAR)[:upto]:
        for ward, area in MAPS[seed % len(MAPS)]:
            size = chance.choice((0, 1, 2, 6, 20))
            for source in SOURCES:
                total = chance.randint(0, size)
                again, ended = (sum(chance.random() < share for _ in range(total)) for share in (0.3, 0.1))
                found.append(Piece(ward, area, quarter, source, total, again, ended))
    return found


def caf_pieces(seed: int, upto: int = 4) -> list[CafPiece]:
    """Return counts of CAFs for the same places and periods."""
    chance = random.Random(1000 + seed)
    return [
        CafPiece(ward, area, quarter, chance.randint(0, chance.choice((0, 1, 2, 6, 20))))
        for quarter in quarters(YEAR)[:upto]
        for ward, area in MAPS[seed % len(MAPS)]
    ]


def released(
    found: Sequence[tuple], system_of: Build = referrals_system, *, is_protected: bool = True
) -> tuple[dict[Key, int], set[Key]]:
    """Return all figures with their values, and the withheld figures. Quarters are published one after another."""
    hidden: set[Key] = set()
    shown: set[Key] = set()
    of_quarters = sorted({piece.quarter for piece in found})
    for quarter in of_quarters:
        system = system_of(AUTHORITY, [piece for piece in found if piece.quarter <= quarter])
        if is_protected:
            hidden = protect(system, published=shown, hidden=hidden)
        else:
            hidden |= primary(system, shown)
        shown = set(system.cells) - hidden
    return {key: cell.value for key, cell in system.cells.items()}, hidden


def published(seed: int, *, is_protected: bool = True) -> duckdb.DuckDBPyConnection:
    """Make the published tables of a world, in the form in which everybody may read them."""
    public = duckdb.connect()
    for table, found, system_of in (
        ("referrals", pieces(seed), referrals_system),
        ("cafs", caf_pieces(seed), cafs_system),
    ):
        values, hidden = released(found, system_of, is_protected=is_protected)
        public.execute(
            f"CREATE TABLE {table} (authority_code VARCHAR, area_level VARCHAR, area_code VARCHAR, period VARCHAR, "
            'period_starts_on DATE, measure VARCHAR, "count" INTEGER, symbol VARCHAR)'
        )
        public.executemany(
            f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (AUTHORITY, *key, None if key in hidden else value, "c" if key in hidden else None)
                for key, value in values.items()
            ],
        )
    public.execute("CREATE TABLE places (authority_code VARCHAR, area_code VARCHAR, ward_code VARCHAR)")
    public.executemany(
        "INSERT INTO places VALUES (?, ?, ?)",
        sorted({(AUTHORITY, area, ward) for ward, area in MAPS[seed % len(MAPS)]}),
    )
    return public
