"""
Imagine a year of referrals that leads to the published figures of one authority.

No referral is marked as a re-referral. Instead, some children are referred again within the year, or were already
referred in the year before. The number of such children follows from the published counts of referrals, children,
re-referrals and children re-referred. The year also has events that must not count: early help, referrals more than 12
months before, and one withdrawn referral.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from streams.dfe_check.tables import MONTHS, SOURCES, Figures
from streams.times import LONDON

__all__ = ["History", "Referral", "imagine"]

_HOURS = (0, *range(2, 24))
"""
Hours at which referrals are made. The hour from 1 to 2 is left out, because on two nights a year it repeats or is
missing.
"""
_FIRST_YEAR_MONTH = 4
_SUPPRESSED = 3
"""Count that is used for a suppressed figure if other figures do not determine it."""
_SELDOM, _OFTEN = 9, 4


@dataclass(frozen=True)
class Referral:
    """A referral of one child to social care. `outcome` is `nfa`, `not_in_need` or `taken_on`."""

    child: int
    at: datetime
    source: str
    outcome: str


@dataclass(frozen=True)
class History:
    """
    A year of referrals, the referrals before it, and events that do not count.

    `earlier` are referrals in the 12 months before a child's first referral of the year. `too_early` are referrals more
    than 12 months before that referral. `early_help` are requests that were not for social care.
    """

    year: list[Referral]
    earlier: list[Referral]
    too_early: list[Referral]
    early_help: list[Referral]


@dataclass(frozen=True)
class _Counts:
    """
    Numbers of children.

    Attributes:
        children: all children.
        extra: the number of referrals (not children) after a child's first referral of the year.
        again: children who were referred again in the year.
        before: children who were also referred in the year before.
        both: children who are in `again` and in `before`.
    """

    children: int
    extra: int
    again: int
    before: int
    both: int


def imagine(figures: Figures) -> History:
    """
    Imagine a year that has these figures, if any year can have them.

    The same figures always lead to the same year.
    """
    chance = random.Random(f"{figures.authority} {figures.year}")
    total = figures.count("referrals", "Referrals") or 0
    moments = _moments(figures, total, chance)
    sources = _mix(figures, "referrals_by_source", SOURCES, total)
    outcomes = _outcomes(figures, total)
    for mixed in (sources, outcomes):
        chance.shuffle(mixed)
    by_child = _by_child(_counts(figures, total), chance)
    chance.shuffle(moments)
    slots = iter(zip(moments, sources, outcomes, strict=True))
    year = [Referral(child, *next(slots)) for child, times, _ in by_child for _ in range(times)]
    before = {child for child, _, was_before in by_child if was_before}
    year = _siblings(year, before)
    return History(year, *_beside(figures.year, year, before, chance))


def _counts(figures: Figures, total: int) -> _Counts:
    """
    Derive the numbers of children from the published counts.

    A child's second and later referrals in the year are re-referrals. The other re-referrals follow a referral in the
    year before. If the number of children or of re-referrals is not published, the function assumes that as few
    children were referred again as the other figures allow.
    """
    children = min(total, _or(figures.count("referrals", "Referrals_child"), total))
    extra = total - children
    again = min(extra, children)
    repeats, re_referred = (figures.count("referrals", name) for name in ("Re_referrals", "Re_referrals_child"))
    before = max(0, _or(re_referred, again) - again) if repeats is None else max(0, repeats - extra)
    before = min(children, before)
    re_referred = _or(re_referred, max(again, before))
    again = min(again, max(re_referred, min(1, extra)))
    both = min(again, before, max(0, again + before - re_referred))
    return _Counts(children, extra, again, before, both)


def _by_child(counts: _Counts, chance: random.Random) -> list[tuple[int, int, bool]]:
    """For each child, return its number of referrals in the year, and whether it was referred in the year before."""
    times = Counter(n % counts.again for n in range(counts.extra)) if counts.again else Counter()
    first_before = counts.again - counts.both
    rows = [(n, 1 + times[n], first_before <= n < first_before + counts.before) for n in range(counts.children)]
    chance.shuffle(rows)
    return rows


def _moments(figures: Figures, total: int, chance: random.Random) -> list[datetime]:
    """Draw different times in the year, so that each month has its published number of referrals."""
    found: set[datetime] = set()
    for position, (month, count) in enumerate(Counter(_mix(figures, "referrals_by_month", MONTHS, total)).items()):
        number = MONTHS.index(month)
        begin = datetime(figures.year - 1 + (number > 8), (number + 3) % 12 + 1, 1)  # noqa: DTZ001  (local time)
        days = ((begin + timedelta(days=31)).replace(day=1) - begin).days
        wanted = len(found) + count
        # Include the first minute of each month and one of its last minutes. They are hard cases: in summer time, the
        # first minute of a month falls on the previous day in UTC.
        edges = [begin, begin + timedelta(days=days) - timedelta(minutes=1 + position)]
        while len(found) < wanted:
            local = edges.pop() if edges else _some_moment(begin, days, chance)
            found.add(local.replace(tzinfo=LONDON))
    return sorted(found)


def _some_moment(begin: datetime, days: int, chance: random.Random) -> datetime:
    day, hour, millisecond = chance.randrange(days), chance.choice(_HOURS), chance.randrange(3_600_000)
    return begin + timedelta(days=day, hours=hour, milliseconds=millisecond)


def _mix(figures: Figures, table: str, parts: Sequence[str], total: int) -> list[str]:
    """
    Assign a part, for example a source, to each referral, so that each part has its published count.

    The remaining referrals are spread over the parts without a published count.
    """
    known = {part: figures.count(table, part) for part in parts}
    mixed = [part for part, count in known.items() for _ in range(count or 0)]
    hidden = [part for part, count in known.items() if count is None] or [parts[-1]]
    mixed += [hidden[n % len(hidden)] for n in range(max(0, total - len(mixed)))]
    return mixed[:total]


def _outcomes(figures: Figures, total: int) -> list[str]:
    nfa = min(total, _or(figures.count("referrals", "No_Further_Action"), _SUPPRESSED))
    unneeded = min(total - nfa, _or(figures.count("referrals", "Not_in_Need"), _SUPPRESSED))
    return ["nfa"] * nfa + ["not_in_need"] * unneeded + ["taken_on"] * (total - nfa - unneeded)


def _siblings(referrals: list[Referral], before: set[int]) -> list[Referral]:
    """
    Let some referrals name two children. Both children are referred in the same month, from the same source and with
    the same outcome. Neither has any other referral.
    """
    times = Counter(one.child for one in referrals)
    single: dict[tuple[int, str, str], Referral] = {}
    found = []
    for one in referrals:
        together = one.at.month, one.source, one.outcome
        if one.child % _SELDOM or times[one.child] > 1 or one.child in before:
            found.append(one)
        elif other := single.pop(together, None):
            found.append(replace(one, at=other.at))
        else:
            single[together] = one
            found.append(one)
    return found


def _beside(
    year: int, referrals: list[Referral], before: set[int], chance: random.Random
) -> tuple[list[Referral], list[Referral], list[Referral]]:
    """
    Make events before each child's first referral of the year.

    Return three lists: referrals in the 12 months before that referral, referrals that are one second too early to
    count, and requests for early help.
    """
    begin = datetime(year - 1, _FIRST_YEAR_MONTH, 1, tzinfo=LONDON)
    first: dict[int, Referral] = {}
    for one in referrals:
        if one.child not in first or one.at < first[one.child].at:
            first[one.child] = one
    earlier, too_early, early_help = [], [], []
    for position, (child, one) in enumerate(first.items()):
        limit = _a_year_before(one.at)
        if child in before:
            # Some referrals are exactly 12 months earlier, to the second. They still count.
            share = 0 if position % _SELDOM == 0 else chance.random()
            at = limit + (begin - limit - timedelta(seconds=1)) * share
            earlier.append(Referral(child, at, one.source, "taken_on"))
        elif position % _SELDOM == 0:
            too_early.append(Referral(child, limit - timedelta(seconds=1), one.source, "taken_on"))
        elif position % _OFTEN == 0:
            early_help.append(Referral(child, one.at - timedelta(days=20), one.source, "taken_on"))
    return earlier, too_early, early_help


def _a_year_before(moment: datetime) -> datetime:
    """Return the same London time one year earlier. For 29 February, this is 28 February."""
    day = 28 if (moment.month, moment.day) == (2, 29) else moment.day
    return moment.replace(year=moment.year - 1, day=day)


def _or(count: int | None, otherwise: int) -> int:
    return otherwise if count is None else count
