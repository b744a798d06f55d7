"""
Find connected families and persons, and when the periods of their records end.

Families that share a person are connected, and so are two ids of one person. A group of connected families is due as a
whole. Otherwise an adult's history would be erased while it still matters for a new family.

If something is uncertain, records are kept longer:

- What was corrected or withdrawn counts as well.
- If a person has no plausible date of birth, or nobody in the group was a child at its last record, the period is
  counted as if a child had been born at the last record. Not every child is recorded.
- A group is open while a case is open, or while a risk marker is in force.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date

import duckdb
import msgspec

from streams.contracts.codesets import AssessmentKind, HouseholdRole, LeavingReason
from streams.erase.schedule import STATUTORY, Period
from streams.lake.rows import each_row

__all__ = ["Group", "find_groups"]

_GROWN_UP_YEARS = 18
_OLDEST_YEARS = 110

_FAMILIES = "[family_id, release_family_id] || coalesce(marker_families, [])"
_PERSONS = "[person_id, linked_person_id] || coalesce(person_ids, [])"
_EVENTS = f"""
    SELECT
        list_distinct(list_filter({_FAMILIES}, lambda id: id IS NOT NULL)) AS families,
        list_distinct(list_filter({_PERSONS}, lambda id: id IS NOT NULL)) AS persons,
        min(least(fact_at, event_at))::DATE,
        max(greatest(fact_at, event_at, CASE WHEN NOT is_backfill THEN received_at END, release_on, review_due))::DATE,
        max(CASE
            WHEN leaving_reason = '{LeavingReason.LOOKED_AFTER}'
                OR assessment_kind IN ('{AssessmentKind.SECTION_47}', '{AssessmentKind.CHILD_AND_FAMILY}')
            THEN {STATUTORY} ELSE coalesce(level, 0)
        END),
        max(greatest(date_of_birth, due_date)),
        bool_or(household_role IN ('{HouseholdRole.CHILD}', '{HouseholdRole.UNBORN}'))
    FROM landing.main.events
    WHERE len(families) + len(persons) > 0
    GROUP BY ALL
"""
_OPEN_CASES = """
    WITH withdrawn AS (
        SELECT topic, record_key, root_source, root_id FROM landing.main.events WHERE change = 'withdrawn'
    ),
    stated AS (
        SELECT family_id, case_id, fact, fact_at
        FROM landing.main.events ANTI JOIN withdrawn USING (topic, record_key, root_source, root_id)
        WHERE fact IN ('case-opened', 'case-closed')
    )
    SELECT family_id FROM stated GROUP BY family_id, case_id
    HAVING max(fact_at) FILTER (fact = 'case-opened')
        > coalesce(max(fact_at) FILTER (fact = 'case-closed'), TIMESTAMP '-infinity')
"""
_MARKED = """
    SELECT any_value(person_id) FROM landing.main.events
    WHERE starts_with(fact, 'risk-marker-')
    GROUP BY marker_id
    HAVING count_if(fact = 'risk-marker-cleared') = 0
        AND (bool_or(expires_at IS NULL) OR max(expires_at) > now() AT TIME ZONE 'UTC')
"""


class Group(msgspec.Struct, frozen=True):
    """
    Connected families and persons.

    Attributes:
        highest_level: the highest level of need that any of the families has had; 0 if none had one.
        ends_on: the first day on which their records no longer need to be kept.
        is_open: whether a case of one of the families is open, or a risk marker on one of the persons is in force.
    """

    families: list[str]
    persons: list[str]
    highest_level: int
    ends_on: date
    is_open: bool

    @property
    def ids(self) -> list[str]:
        """The ids of all families and persons."""
        return [*self.families, *self.persons]

    def is_due(self, today: date) -> bool:
        """Return whether the records no longer need to be kept."""
        return self.ends_on <= today and not self.is_open


def find_groups(lake: duckdb.DuckDBPyConnection, periods: dict[int, Period]) -> Iterator[Group]:
    """Yield all groups of connected families and persons. The connection needs the landing tables."""
    open_families = {family for (family,) in lake.execute(_OPEN_CASES).fetchall()}
    marked = {person for (person,) in lake.execute(_MARKED).fetchall()}
    groups, people, leaders = defaultdict[str, _Facts](_Facts), defaultdict[str, _Person](_Person), _Leaders()
    events = list(each_row(lake.execute(_EVENTS)))
    for families, persons, first, _, _, born, is_child in events:
        leaders.connect([*(f"family {one}" for one in families), *(f"person {one}" for one in persons)])
        for person in persons:
            people[person].add(first, born if len(persons) == 1 else None, is_child=bool(is_child))
    for families, persons, _, last, level, _, _ in events:
        name = f"family {families[0]}" if families else f"person {persons[0]}"
        groups[leaders.of(name)].add(families, persons, last, level)
    for one in groups.values():
        yield Group(
            families=sorted(one.families),
            persons=sorted(one.persons),
            highest_level=one.level,
            ends_on=max(
                period.ends_on(one.youngest_born(people), one.last)
                for level, period in periods.items()
                if level <= one.level
            ),
            is_open=not open_families.isdisjoint(one.families) or not marked.isdisjoint(one.persons),
        )


class _Person:
    """What the events say about the age of a person."""

    def __init__(self) -> None:
        self._first, self._born, self._is_child = date.max, date.min, False

    def add(self, first: date, born: date | None, *, is_child: bool) -> None:
        self._first = min(self._first, first)
        self._born = max(self._born, born or date.min)
        self._is_child = self._is_child or is_child

    @property
    def born(self) -> date | None:
        """The day of birth. None if it is unknown, or if it cannot be true, like a placeholder."""
        most = _GROWN_UP_YEARS if self._is_child else _OLDEST_YEARS
        is_plausible = self._born.year + most >= self._first.year
        return self._born if is_plausible else None


class _Facts:
    """What the events say about connected ids."""

    def __init__(self) -> None:
        self.families: set[str] = set()
        self.persons: set[str] = set()
        self.last, self.level = date.min, 0

    def add(self, families: Iterable[str], persons: Iterable[str], last: date, level: int) -> None:
        self.families.update(families)
        self.persons.update(persons)
        self.last, self.level = max(self.last, last), max(self.level, level)

    def youngest_born(self, people: dict[str, _Person]) -> date:
        """Return when the youngest person was born. If this is uncertain, return the day of the last record."""
        births = [people[person].born for person in self.persons]
        known = [born for born in births if born is not None]
        if len(known) < len(births) or not known or max(known).year + _GROWN_UP_YEARS < self.last.year:
            return max([self.last, *known])
        return max(known)


class _Leaders:
    """Names that are connected have the same leader (union-find)."""

    def __init__(self) -> None:
        self._next: dict[str, str] = {}

    def of(self, name: str) -> str:
        leader = name
        while (following := self._next.get(leader, leader)) != leader:
            leader = following
        while name != leader:
            self._next[name], name = leader, self._next.get(name, name)
        return leader

    def connect(self, names: list[str]) -> None:
        first = self.of(names[0])
        for name in names[1:]:
            self._next[self.of(name)] = first
