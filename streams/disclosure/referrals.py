"""
What is published of referrals: by authority, area and ward, by quarter and collection year.

Re-referrals and no further action everywhere, sources for authority and areas. LSOAs are not published: of a quarter
nearly every figure would be small. Weeks and months are not either: they lie across nothing else that way.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import count
from typing import NamedTuple

from streams.disclosure.cells import Cell, Key, System

__all__ = ["MEASURES", "Piece", "PublicKey", "collection_year", "quarters", "referrals_system"]

MEASURES = ("referrals", "re_referrals", "nfa")
_QUARTERS = 4


class Piece(NamedTuple):
    """
    Referrals of a part of a ward that lies in one area, in a quarter, from a group of sources.

    A piece in which nothing happened is there, too: everybody knows the map.
    """

    ward: str
    area: str
    quarter: date
    source: str
    referrals: int
    re_referrals: int
    nfa: int


class PublicKey(NamedTuple):
    """What a published figure is of; `period` is `quarter` or `year`, `starts_on` its first day."""

    level: str
    code: str
    period: str
    starts_on: date
    measure: str


@dataclass(frozen=True)
class _Atom:
    """Atoms of a place in a quarter: by source, and repeated, ended and neither of each."""

    sources: dict[str, int]
    re_referrals: int
    nfa: int


def collection_year(quarter: date) -> date:
    """First day of the collection year (1 April) in which a quarter lies."""
    return date(quarter.year - (quarter.month < 4), 4, 1)


def quarters(year: date) -> list[date]:
    """The quarters of a collection year."""
    return [date(year.year, 4, 1), date(year.year, 7, 1), date(year.year, 10, 1), date(year.year + 1, 1, 1)]


def referrals_system(authority: str, pieces: Iterable[Piece]) -> System:
    """The figures of one authority and collection year; those of the year itself if all its quarters are there."""
    places: dict[tuple[str, str, date], list[Piece]] = defaultdict(list)
    for piece in sorted(pieces):
        places[piece.ward, piece.area, piece.quarter].append(piece)
    numbers = count()
    system = System(0)
    sums: dict[PublicKey, list[tuple[int, int]]] = defaultdict(list)
    present = sorted({quarter for *_, quarter in places})
    has_year = len(present) == _QUARTERS
    for (ward, area, quarter), of_sources in places.items():
        for measure, atom, value in _atoms(system, of_sources, numbers):
            for key in _keys(authority, ward, area, quarter, measure, has_year=has_year):
                sums[key].append((atom, value))
    system.atoms = next(numbers)
    for key in sorted(sums):
        atoms, values = zip(*sums[key], strict=True)
        system.cells[key] = Cell(key, sum(values), atoms)
    system.totals = list(_totals(system.cells, _wards_within(places)))
    return system


def _atoms(system: System, pieces: list[Piece], numbers: Iterator[int]) -> Iterator[tuple[str, int, int]]:
    """Measure, atom and value; a source's atom is one of referrals as well."""
    atoms = []
    for piece in pieces:
        atom = next(numbers)
        atoms.append(atom)
        yield "referrals", atom, piece.referrals
        yield f"source_{piece.source.lower()}", atom, piece.referrals
    for measure in ("re_referrals", "nfa"):
        some, others = next(numbers), next(numbers)
        system.balances.append({**dict.fromkeys(atoms, 1), some: -1, others: -1})
        yield measure, some, sum(getattr(piece, measure) for piece in pieces)


def _keys(authority: str, ward: str, area: str, quarter: date, measure: str, *, has_year: bool) -> Iterator[PublicKey]:
    periods = [("quarter", quarter), *([("year", collection_year(quarter))] if has_year else [])]
    for period, starts_on in periods:
        yield PublicKey("authority", authority, period, starts_on, measure)
        yield PublicKey("area", area, period, starts_on, measure)
        if measure in MEASURES:
            yield PublicKey("ward", ward, period, starts_on, measure)


def _wards_within(places: Iterable[tuple[str, str, date]]) -> dict[str, set[str]]:
    """The wards of each area, of those areas alone whose wards all lie in them whole."""
    areas_of, wards_of = defaultdict(set), defaultdict(set)
    for ward, area, _ in places:
        areas_of[ward].add(area)
        wards_of[area].add(ward)
    return {area: wards for area, wards in wards_of.items() if all(areas_of[ward] == {area} for ward in wards)}


def _totals(cells: Iterable[PublicKey], wards_within: dict[str, set[str]]) -> Iterator[tuple[Key, list[Key]]]:
    """Where figures add up, as far as it is worth looking there for what to withhold next."""
    parts: dict[Key, list[Key]] = defaultdict(list)
    keys = list(cells)
    authority = next((key for key in keys if key.level == "authority"), None)
    for key in keys:
        if key.level != "authority":
            whole = key._replace(level="authority", code=authority.code)
            parts[whole, key.level].append(key)
        if key.level == "ward":
            for area, wards in wards_within.items():
                if key.code in wards:
                    parts[key._replace(level="area", code=area), "wards"].append(key)
        if key.measure.startswith("source_"):
            parts[key._replace(measure="referrals"), "sources"].append(key)
        if key.period == "quarter":
            parts[key._replace(period="year", starts_on=collection_year(key.starts_on)), "quarters"].append(key)
    known = set(keys)
    return ((total, together) for (total, _), together in parts.items() if total in known)
