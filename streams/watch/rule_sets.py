"""
Decides which rules are evaluated when an event has arrived: the rules whose result the event can change.

A rule's row in the register names the facts that can change the rule's result. `tests/parity/test_facts_of_rules.py`
checks that these rows are right.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import cache

from streams.alerts.standing import Place
from streams.rules.compiled import Rule

__all__ = ["RuleSets"]

_ALL_INSTEAD = 0.5
"""If the sets needed for some rules contain this share of all rules, one statement for all rules costs less."""


class RuleSets:
    """
    For each fact, the set of rules whose result it can change.

    There are few distinct sets. PostgreSQL has one statement for each set, and one for all rules.

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
        Group families and records by set of rules.

        A family or record may be in several groups. The sets of these groups together contain all its rules.
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
