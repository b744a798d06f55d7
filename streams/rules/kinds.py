"""
Kinds of facts: what a model's `empty_without` names, and which of them are among some events.

`referral-submitted` is that fact, `referral-submitted[severity=red]` that fact with that value in a field, and
`referral-submitted*2` that fact twice in one family.
Events are counted as they came: what was sent twice, corrected or withdrawn counts too, so that nothing is missed.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from streams.contracts import Accepted, event_types
from streams.errors import RulesInvalid

__all__ = ["Kinds", "fact_of"]

_KIND = re.compile(r"(?P<fact>[a-z-]+)(\[(?P<field>[a-z_]+)=(?P<value>[a-z_]+)\]|(?P<is_twice>\*2))?")


class _Kind(NamedTuple):
    name: str
    field: str | None
    value: str | None
    is_twice: bool


class Kinds:
    """The kinds that some models name."""

    def __init__(self, names: Iterable[str]) -> None:
        """
        Args:
            names: as written in `empty_without`.

        Raises:
            RulesInvalid: a name is none of a kind.
        """
        self._kinds: dict[str, list[_Kind]] = defaultdict(list)
        for name in sorted(names):
            found = _KIND.fullmatch(name)
            if found is None or not _is_contract(found["fact"], found["field"]):
                raise RulesInvalid(
                    f"empty_without names {name!r}; allowed: FACT, FACT[FIELD=VALUE] and FACT*2, as in the contract"
                )
            kind = _Kind(name, found["field"], found["value"], bool(found["is_twice"]))
            self._kinds[found["fact"]].append(kind)

    def among(self, events: Iterable[Accepted]) -> frozenset[str]:
        """Those of the kinds that are among the events."""
        found: set[str] = set()
        counts: Counter[tuple[str, str | None]] = Counter()
        for event in events:
            if event.fact is None or (kinds := self._kinds.get(fact_of(event))) is None:
                continue
            for kind in kinds:
                if kind.is_twice:
                    counts[kind.name, event.fact.family_id] += 1
                elif kind.field is None or getattr(event.fact, kind.field) == kind.value:
                    found.add(kind.name)
        return frozenset(found | {name for (name, _), count in counts.items() if count > 1})


def _is_contract(fact: str, field: str | None) -> bool:
    structs = [struct for name, struct in event_types().items() if name.split(".")[-2] == fact]
    return bool(structs) and (field is None or field in structs[0].__struct_fields__)


def fact_of(event: Accepted) -> str | None:
    """The fact that an event records or corrects to, as rules name it; None for a withdrawal."""
    return None if event.fact is None else event.fact.type.split(".")[-2]
