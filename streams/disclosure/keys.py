"""What each published figure is about, and which figures are sums of others. A year is the sum of its quarters."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

__all__ = ["QUARTERS", "PublicKey", "collection_year", "keys_of", "quarters", "totals", "wards_within"]

QUARTERS = 4
"""The number of quarters in a collection year."""


class PublicKey(NamedTuple):
    """What a published figure is about. `period` is `quarter` or `year`. `starts_on` is the period's first day."""

    level: str
    code: str
    period: str
    starts_on: date
    measure: str


def collection_year(quarter: date) -> date:
    """Return the first day of the collection year (1 April) in which a quarter lies."""
    return date(quarter.year - (quarter.month < 4), 4, 1)


def quarters(year: date) -> list[date]:
    """Return the first days of the quarters of a collection year."""
    return [date(year.year, 4, 1), date(year.year, 7, 1), date(year.year, 10, 1), date(year.year + 1, 1, 1)]


def keys_of(
    authority: str, ward: str, area: str, quarter: date, measure: str, *, has_ward: bool, has_year: bool
) -> Iterator[PublicKey]:
    """Yield the key of every figure that includes the counts of this part of a ward."""
    periods = [("quarter", quarter), *([("year", collection_year(quarter))] if has_year else [])]
    for period, starts_on in periods:
        yield PublicKey("authority", authority, period, starts_on, measure)
        yield PublicKey("area", area, period, starts_on, measure)
        if has_ward:
            yield PublicKey("ward", ward, period, starts_on, measure)


def wards_within(places: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """
    Return the wards of each area. Leave out an area if one of its wards also lies in another area.

    Args:
        places: ward and area of each part of a ward.
    """
    areas_of, wards_of = defaultdict(set), defaultdict(set)
    for ward, area in places:
        areas_of[ward].add(area)
        wards_of[area].add(ward)
    return {area: wards for area, wards in wards_of.items() if all(areas_of[ward] == {area} for ward in wards)}


def totals(cells: Iterable[PublicKey], within: dict[str, set[str]]) -> Iterator[tuple[PublicKey, list[PublicKey]]]:
    """Return totals with their parts. `protect` looks among these for the next figure to withhold."""
    parts: dict[tuple[PublicKey, str], list[PublicKey]] = defaultdict(list)
    keys = list(cells)
    authorities = [key.code for key in keys if key.level == "authority"]
    for key in keys:
        if key.level != "authority":
            whole = key._replace(level="authority", code=authorities[0])
            parts[whole, key.level].append(key)
        if key.level == "ward":
            for area, wards in within.items():
                if key.code in wards:
                    parts[key._replace(level="area", code=area), "wards"].append(key)
        if key.measure.startswith("source_"):
            parts[key._replace(measure="referrals"), "sources"].append(key)
        if key.period == "quarter":
            parts[key._replace(period="year", starts_on=collection_year(key.starts_on)), "quarters"].append(key)
    known = set(keys)
    return ((total, together) for (total, _), together in parts.items() if total in known)
