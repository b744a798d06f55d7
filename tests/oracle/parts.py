"""Split a long history into unconnected parts, so that each part is short enough for the oracle."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from tests.oracle.facts import Fact

__all__ = ["parts"]

Node = tuple[str, str]


def parts(facts: Iterable[Fact]) -> list[list[Fact]]:
    """Group facts that share families, persons or addresses. Facts keep their order within each part."""
    leader: dict[Node, Node] = {}

    def find(node: Node) -> Node:
        while (above := leader.setdefault(node, node)) != node:
            leader[node] = node = leader[above]
        return node

    facts = list(facts)
    for fact in facts:
        first, *others = _nodes(fact)
        for other in others:
            leader[find(other)] = find(first)
    found: dict[Node, list[Fact]] = defaultdict(list)
    for fact in facts:
        found[find(next(_nodes(fact)))].append(fact)
    return list(found.values())


def _nodes(fact: Fact) -> Iterator[Node]:
    """The families, persons and addresses that an event connects. The result always contains the event itself."""
    yield "event", "/".join(fact.root)
    for kind, names in _FIELDS.items():
        for name in names:
            value = getattr(fact.data, name, None)
            yield from ((kind, each) for each in ([value] if isinstance(value, str) else value or ()))


_FIELDS = {
    "family": ("family_id", "marker_families", "release_family_id"),
    "person": ("person_id", "linked_person_id", "person_ids"),
    "address": ("address_id",),
}
