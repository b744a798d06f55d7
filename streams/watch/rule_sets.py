"""
Which rules are judged when something has arrived: those whose answer it can change.

A rule's line in the register names the facts that can (`tests/parity/test_facts_of_rules.py` holds that true).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import cache

from streams.alerts.standing import Place
from streams.rules.compiled import Rule

__all__ = ["RuleSets"]

_ALL_INSTEAD = 0.5
"""From this part of all rules on, all of them in one statement cost less than some in several."""


class RuleSets:
    """
    The rules that each fact can change, which are few sets: PostgreSQL has a statement for each, and one for all rules.

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
        """The rules whose answer any of some facts can change."""
        return frozenset().union(*(self._by_fact.get(fact, ()) for fact in facts))

    def grouped(self, asked: Mapping[Place, Collection[str]]) -> dict[frozenset[str], list[Place]]:
        """By set of rules the places to judge by it, so that each place is judged by the rules that are asked of it."""
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
