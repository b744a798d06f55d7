"""
The published figures on referrals: by authority, area and ward, by quarter and collection year.

Numbers of re-referrals and of referrals with no further action are published for all places. Numbers by source are
published only for the authority and its areas. LSOAs are not published, because nearly every figure for a quarter would
be small. Weeks and months are not published either. So the only published periods that overlap are a year and its
quarters.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import count
from typing import NamedTuple

from streams.disclosure.cells import Cell, System
from streams.disclosure.keys import QUARTERS, PublicKey, keys_of, totals, wards_within

__all__ = ["Piece", "referrals_system"]

_OF_WARDS = {"referrals", "re_referrals", "nfa"}
"""The measures that are also published for wards."""


class Piece(NamedTuple):
    """
    The referrals in one quarter from one group of sources, in the part of a ward that lies in one area.

    A part without referrals also has a piece, because everybody knows which places exist. `re_referrals` is None if the
    number is unknown, because the records do not cover all of the twelve months before the quarter.
    """

    ward: str
    area: str
    quarter: date
    source: str
    referrals: int
    re_referrals: int | None
    nfa: int


def referrals_system(authority: str, pieces: Iterable[Piece]) -> System[PublicKey]:
    """
    Return the figures on referrals of one authority and collection year.

    The year has a figure only if all its quarters have one.
    """
    pieces, places = sorted(pieces), defaultdict[tuple[str, str, date], list[Piece]](list)
    for piece in pieces:
        places[piece.ward, piece.area, piece.quarter].append(piece)
    numbers = count()
    system: System[PublicKey] = System(0)
    sums: dict[PublicKey, list[tuple[int, int]]] = defaultdict(list)
    present = {quarter for *_, quarter in places}
    looked_back = present - {piece.quarter for piece in pieces if piece.re_referrals is None}
    for (ward, area, quarter), of_sources in places.items():
        for measure, atom, value in _atoms(system, of_sources, numbers):
            has_ward = measure in _OF_WARDS
            has_year = len(looked_back if measure == "re_referrals" else present) == QUARTERS
            for key in keys_of(authority, ward, area, quarter, measure, has_ward=has_ward, has_year=has_year):
                sums[key].append((atom, value))
    system.atoms = next(numbers)
    for key in sorted(sums):
        atoms, values = zip(*sums[key], strict=True)
        system.cells[key] = Cell(key, sum(values), atoms)
    system.totals = list(totals(system.cells, wards_within((ward, area) for ward, area, _ in places)))
    return system


def _atoms(system: System[PublicKey], pieces: list[Piece], numbers: Iterator[int]) -> Iterator[tuple[str, int, int]]:
    """
    Yield each atom of each measure: the measure, the atom's number and its value.

    The measure `referrals` has the same atoms as the measures by source.
    """
    atoms = []
    for piece in pieces:
        atom = next(numbers)
        atoms.append(atom)
        yield "referrals", atom, piece.referrals
        yield f"source_{piece.source.lower()}", atom, piece.referrals
    for measure in ("re_referrals", "nfa"):
        values = [getattr(piece, measure) for piece in pieces]
        if None in values:
            continue
        some, others = next(numbers), next(numbers)
        system.balances.append({**dict.fromkeys(atoms, 1), some: -1, others: -1})
        yield measure, some, sum(values)
