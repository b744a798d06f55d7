"""
The places where families live: real LSOAs, weighted by children and deprivation.

The weight of an LSOA is its estimated number of children times 6 ** ((10 - IMD decile) / 9). A child in the most
deprived tenth is therefore six times as likely to be referred as one in the least deprived tenth. This ratio of six is
invented. For care and protection plans, research found a ratio above ten (Child Welfare Inequalities Project, Bywaters
and others, 2020). For contacts at the front door, the ratio is known to be lower.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from random import Random

from streams.contracts.codesets import Gateway
from streams.reference import REFERENCE

__all__ = ["GRADIENT", "Place", "Places", "places_of"]

GRADIENT = 6.0
"""How many times likelier a referral is in the most deprived tenth of areas than in the least deprived tenth."""

_GATEWAYS: Mapping[str, Gateway] = {
    "E14000559": Gateway.BIRKENHEAD,
    "E14001010": Gateway.WALLASEY,
    "E14001043": Gateway.WIRRAL_SOUTH_AND_WEST,
    "E14001044": Gateway.WIRRAL_SOUTH_AND_WEST,
}


@dataclass(frozen=True)
class Place:
    """One LSOA."""

    lsoa_code: str
    ward_code: str
    gateway: Gateway
    weight: float

    @property
    def schools(self) -> tuple[str, str, str]:
        """Ids of the ward's three schools: two primary schools and one secondary school. All schools are invented."""
        first, second, third = (f"school-{self.ward_code}-{number}" for number in (1, 2, 3))
        return first, second, third


class Places:
    """The LSOAs of one authority."""

    def __init__(self, places: list[Place]) -> None:
        self.all = places
        self._cumulated = list(accumulate(place.weight for place in places))

    def draw(self, rng: Random) -> Place:
        """Draw an LSOA. LSOAs with a higher weight are drawn more often."""
        return rng.choices(self.all, cum_weights=self._cumulated)[0]


@cache
def places_of(authority: str) -> Places:
    """Read the LSOAs of an authority from `reference/geography.csv`."""
    with (REFERENCE / "geography.csv").open(encoding="utf-8") as lines:
        return Places([_place(row) for row in csv.DictReader(lines) if row["la_code"] == authority])


def _place(row: Mapping[str, str]) -> Place:
    deprivation = GRADIENT ** ((10 - int(row["imd_decile"])) / 9)
    return Place(
        row["lsoa_code"],
        row["ward_code"],
        _GATEWAYS.get(row["constituency_code"], Gateway.SINGLE),
        float(row["children_0_17_estimate"]) * deprivation,
    )
