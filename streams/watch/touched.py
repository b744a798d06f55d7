"""
Finds the families and records that must be evaluated because of a batch.

For each of them, the module also finds the rules to evaluate and the reason.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from streams.alerts.standing import Place
from streams.contracts import Accepted
from streams.contracts.checks import arrived_at
from streams.contracts.escalation import AlertAcknowledged, AlertClosed
from streams.contracts.event import fact_name
from streams.watch.rule_sets import RuleSets
from streams.watch.state.events import Recorded
from streams.watch.state.state import State

__all__ = ["Touched", "touched_by"]

_ACTIONS = frozenset(fact_name(one.type) for one in (AlertAcknowledged, AlertClosed))


@dataclass
class Touched:
    """The families and records that a batch affects, each with the rules to evaluate and the reason."""

    arrived: dict[Place, int] = field(default_factory=dict)
    rules: dict[Place, frozenset[str]] = field(default_factory=dict)
    amendments: dict[Place, str] = field(default_factory=dict)

    def note(self, place: Place, received_ms: int, rules: frozenset[str]) -> None:
        """Add a family or record that must be evaluated, because a record about it arrived at `received_ms`."""
        self.arrived[place] = max(received_ms, self.arrived.get(place, 0))
        self.rules[place] = rules | self.rules.get(place, frozenset())

    def arrival(self, place: Place) -> datetime:
        """Return when the newest record in the batch about a family or record arrived."""
        return arrived_at(self.arrived[place])

    def pending(self) -> Iterator[tuple[Place, Collection[str], datetime, str | None]]:
        """
        Yield the families and records in order of their rules.

        Families and records with the same rules are evaluated together.
        """
        for rules, place in sorted((sorted(rules), place) for place, rules in self.rules.items()):
            yield place, rules, self.arrival(place), self.amendments.get(place)


def touched_by(state: State, sets: RuleSets, events: Sequence[Accepted], recorded: Sequence[Recorded]) -> Touched:
    """Find the families and records to evaluate because of a batch. `recorded` has one item for each event."""
    touched = Touched()
    about = state.events.about_the_same(events, recorded)
    rules = [sets.changed_by(one.fact for one in same) for same in about]
    asked = [(number, one) for number, same in enumerate(about) if rules[number] for one in same]
    families = state.events.touched([one for _, one in asked])
    for (number, _), found in zip(asked, families, strict=True):
        event = events[number]
        for family in found:
            touched.note(("family", family), event.received_ms, rules[number])
            if event.change != "recorded":
                touched.amendments["family", family] = event.change
    for event, same in zip(events, about, strict=True):
        if event.replay_of is not None:
            touched.note(("record", event.replay_of), event.received_ms, sets.all)
        acted_on = [one.alert_id for one in same if one.fact in _ACTIONS and one.alert_id is not None]
        for place in state.alerts.places(acted_on):
            touched.note(place, event.received_ms, sets.all)
    return touched
