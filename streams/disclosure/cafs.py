"""The published figures on CAFs and early help assessments: the number started, by place and period."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from streams.disclosure.cells import Cell, System
from streams.disclosure.keys import QUARTERS, PublicKey, keys_of, totals, wards_within

__all__ = ["CafPiece", "cafs_system"]


class CafPiece(NamedTuple):
    """
    The CAFs started in one quarter, in the part of a ward that lies in one area.

    Parts without any CAF are included.
    """

    ward: str
    area: str
    quarter: date
    cafs: int


def cafs_system(authority: str, pieces: Iterable[CafPiece]) -> System[PublicKey]:
    """
    Return the figures on CAFs of one authority and collection year.

    No published total combines CAFs with referrals, so the two are protected separately.
    """
    found = sorted(pieces)
    has_year = len({piece.quarter for piece in found}) == QUARTERS
    sums: dict[PublicKey, list[int]] = defaultdict(list)
    for atom, (ward, area, quarter, _) in enumerate(found):
        for key in keys_of(authority, ward, area, quarter, "cafs", has_ward=True, has_year=has_year):
            sums[key].append(atom)
    system: System[PublicKey] = System(len(found))
    for key in sorted(sums):
        system.cells[key] = Cell(key, sum(found[atom].cafs for atom in sums[key]), tuple(sums[key]))
    system.totals = list(totals(system.cells, wards_within((ward, area) for ward, area, *_ in found)))
    return system
