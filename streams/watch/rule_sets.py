"""
Decides which rules to evaluate when an event arrives: the rules whose result the event can change.

For each rule, the register lists the facts that can change its result. `tests/parity/test_facts_of_rules.py` checks
these lists.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import cache

from streams.alerts.standing import Place
from streams.rules.compiled import Rule

__all__ = ["RuleSets"]

_ALL_INSTEAD = 0.5
"""
If the needed sets have at least this share of all rules, all rules are evaluated instead, because one statement with
all rules costs less.
"""


class RuleSets:
    """
    Knows, for each fact, the set of rules whose result the fact can change.

    Many facts share the same set. There is one PostgreSQL statement for each set, and one for all rules.

    Attributes:
        all: the names of all rules.
    """

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self.all = frozenset(rules)
        by_fact: dict[str, set[str]] = defaultdict(set)
        for name, rule in rules.items():
            for fact in rule.facts:
                by_fact[fact].add(name)
        self._by_fact = {fact: frozenset(names) for fact, names in by_fact.items()}
        self._sets = sorted(set(self._by_fact.values()), key=lambda one: (-len(one), sorted(one)))
        self._covering = cache(self._sets_covering)

    def changed_by(self, facts: Iterable[str | None]) -> frozenset[str]:
        """Return the rules whose result any of these facts can change."""
        return frozenset().union(*(self._by_fact.get(fact, ()) for fact in facts if fact is not None))

    def grouped(self, asked: Mapping[Place, Collection[str]]) -> dict[frozenset[str], list[Place]]:
        """
        Group families and records by the set of rules to evaluate.

        A family or record can be in several groups. Together, the sets of these groups contain all its rules.
        """
        groups: dict[frozenset[str], list[Place]] = defaultdict(list)
        for place, rules in asked.items():
            for one in self._covering(frozenset(rules)):
                groups[one].append(place)
        return groups

    def _sets_covering(self, rules: frozenset[str]) -> list[frozenset[str]]:
        found: list[frozenset[str]] = []
        left = set(rules)
        while left:
            best = max(
                (one for one in self._sets if one <= rules), key=lambda one: len(one & left), default=frozenset()
            )
            found.append(best)
            if not best & left or sum(map(len, found)) >= _ALL_INSTEAD * len(self.all):
                return [self.all]
            left -= best
        return found
