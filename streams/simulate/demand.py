"""
Plan the referrals to social care in a window, fitted to the published counts.

The numbers of children by month and by source are the published figures, rounded to whole children. The shares of
re-referrals, and of referrals that end as NFA, are as close to the published shares as is possible with whole families.
The world has no referral before its start. In the world's first twelve months, re-referrals therefore come later than
in reality.
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import TypeVar

from streams.contracts.codesets import ReferralSource
from streams.simulate.agencies import source_in
from streams.simulate.calibration import Calibration
from streams.simulate.hours import day_of, moment, months_later
from streams.times import LONDON

__all__ = ["Demand", "allot", "demand", "expected_by_month"]

_CHILDREN = (1, 2, 3, 4)
_CHILDREN_WEIGHTS = (56, 27, 12, 5)
_SETTLED = timedelta(days=21)
_LOOK_BACK = timedelta(days=364)

K = TypeVar("K")


@dataclass
class Demand:
    """
    One planned referral: its time and source, its number of children, whether it is a re-referral, and whether it ends
    as NFA.
    """

    at: datetime
    source: ReferralSource
    children: int
    is_nfa: bool = False
    is_re_referral: bool = False


def demand(calibration: Calibration, start: datetime, end: datetime, rng: Random) -> list[Demand]:
    """Plan the referrals of a window, in time order."""
    by_month = expected_by_month(calibration, start, end)
    months = [month for month, count in by_month.items() for _ in range(count)]
    groups = [group for group, count in allot(calibration.by_source, len(months)).items() for _ in range(count)]
    rng.shuffle(groups)
    coming = []
    for (month, group), rows in Counter(zip(months, groups, strict=True)).items():
        first, last = _bounds(month, start, end)
        for children in _families(rows, rng):
            source = source_in(group, rng)
            coming.append(Demand(moment(rng, first, last, source), source, children))
    coming.sort(key=lambda one: one.at)
    for one in _choose(coming, calibration.nfa_share * len(months), [1.0] * len(coming), rng):
        one.is_nfa = True
    chances = [_chance_of_history(coming, number) for number in range(len(coming))]
    for one in _choose(coming, calibration.re_referral_share * len(months), chances, rng):
        one.is_re_referral = True
    return coming


def expected_by_month(calibration: Calibration, start: datetime, end: datetime) -> dict[date, int]:
    """
    Compute how many children are referred in each month (London time). If only a part of a month is in the window, the
    same part of its published figure is used.
    """
    expected: dict[date, float] = {}
    month = day_of(start).replace(day=1)
    while (opens := _midnight(month)) < end:
        closes = _midnight(months_later(month, 1))
        covered = min(end, closes) - max(start, opens)
        expected[month] = calibration.by_month[month.month] * (covered / (closes - opens))
        month = months_later(month, 1)
    return allot(expected, round(sum(expected.values())))


def allot(weights: Mapping[K, float], total: int) -> dict[K, int]:
    """Split a total into whole numbers in proportion to the weights, by the largest remainder method."""
    scale = total / sum(weights.values()) if any(weights.values()) else 0.0
    exact = {key: weight * scale for key, weight in weights.items()}
    counts = {key: math.floor(value) for key, value in exact.items()}
    by_remainder = sorted(exact, key=lambda key: counts[key] - exact[key])
    for key in by_remainder[: total - sum(counts.values())]:
        counts[key] += 1
    return counts


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), LONDON)


def _bounds(month: date, start: datetime, end: datetime) -> tuple[datetime, datetime]:
    return max(start, _midnight(month)), min(end, _midnight(months_later(month, 1)))


def _families(rows: int, rng: Random) -> list[int]:
    """Split a number of children into families, and return the number of children of each family."""
    sizes = []
    while rows:
        sizes.append(min(rows, rng.choices(_CHILDREN, _CHILDREN_WEIGHTS)[0]))
        rows -= sizes[-1]
    return sizes


def _chance_of_history(coming: list[Demand], number: int) -> float:
    """Return what share of all referrals came 21 to 364 days before this one."""
    at = coming[number].at
    return (
        bisect_left(coming, at - _SETTLED, key=lambda one: one.at)
        - bisect_left(coming, at - _LOOK_BACK, key=lambda one: one.at)
    ) / len(coming)


def _choose(coming: list[Demand], rows: float, chances: list[float], rng: Random) -> list[Demand]:
    """Draw referrals at random, weighted by `chances`, until together they have `rows` children, or nearly as many."""
    keyed = [(rng.random() ** (1 / chance), number) for number, chance in enumerate(chances) if chance > 0]
    chosen, left = [], round(rows)
    for _, number in sorted(keyed, reverse=True):
        if coming[number].children <= left:
            chosen.append(coming[number])
            left -= coming[number].children
    return chosen
