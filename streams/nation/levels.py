"""
Where each model is made: once for all, in each shard, or for the whole nation.

A shard holds all records of families that persons, addresses or links connect. What the rules say of families is
decided there, as in the watcher, which never sees more. What adds families up is made of the shards' tables.
"""

import enum
from collections.abc import Collection, Iterable, Mapping
from graphlib import TopologicalSorter
from typing import Any

from streams.errors import RulesInvalid

__all__ = ["Level", "levels"]

_STREAM = "family"
"""Scope of the rules that the watcher judges on the histories of connected families."""
_EVENTS = {"landing.events", "run.cut", "run.as_of"}
_RUN = {"run.cut", "run.as_of"}
_FAMILY = "family_id"


class Level(enum.StrEnum):
    """Where a model is made."""

    STATIC = enum.auto()
    """Of seeds and the cut alone: made once, and given to every shard."""
    SHARD = enum.auto()
    """Each row is made of connected families alone: in every shard, and all of them together are the table."""
    NATION = enum.auto()
    """Of what several shards say, or of a table that is not cut: made once, of the shards' tables."""


def levels(manifest: Mapping[str, Any], scopes: Mapping[str, str]) -> dict[str, Level]:
    """
    The level of every model of a manifest by its unique id, parents first.

    Made for the nation is never wrong, only dear. Made in the shard is what grows by the net of its families, what the
    rules of families stand on, and what says so (`made_by: connected_families`).

    Args:
        manifest: dbt's, as a dict.
        scopes: the scope of each rule by its name.

    Raises:
        RulesInvalid: it cannot be told of a model, or one of a shard reads what only the nation knows; it is named.
    """
    nodes = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    judged = _above({f"alert_{rule}" for rule, scope in scopes.items() if scope == _STREAM}, nodes)
    judged |= _above({f"int_{rule}_deadlines" for rule, scope in scopes.items() if scope == _STREAM}, nodes)
    found: dict[str, Level] = {}
    for key in _parents_first(nodes):
        found[key] = _level(nodes[key], found, scopes, is_evaluated=key in judged)
    return found


def _level(
    node: Mapping[str, Any], found: Mapping[str, Level], scopes: Mapping[str, str], *, is_evaluated: bool
) -> Level:
    parents, meta = node["depends_on"]["nodes"], node["config"].get("meta", {})
    sources = {parent.split(".", 2)[2] for parent in parents if parent.startswith("source.")}
    if sources <= _RUN and all(found[parent] == Level.STATIC for parent in parents if parent in found):
        return Level.STATIC
    if "made_by" in meta:
        return _declared(node)
    if is_evaluated or meta.get("grows_by"):
        if not sources <= _EVENTS:
            raise RulesInvalid(f"{node['name']} is made of connected families, and reads {', '.join(sorted(sources))}")
        return Level.SHARD
    is_of_families = scopes.get(node["name"].removeprefix("alert_"), _STREAM) == _STREAM
    if sources - _RUN or _FAMILY not in node["columns"] or not is_of_families:
        return Level.NATION
    raise RulesInvalid(
        f"{node['name']} names families, and nothing says whether its rows are made of connected families alone; "
        "let its meta say made_by: connected_families, or made_by: nation"
    )


def _declared(node: Mapping[str, Any]) -> Level:
    known = {"connected_families": Level.SHARD, "nation": Level.NATION}
    said = node["config"]["meta"]["made_by"]
    if said not in known:
        raise RulesInvalid(f"{node['name']} says made_by: {said}; allowed: {', '.join(known)}")
    return known[said]


def _above(names: Collection[str], nodes: Mapping[str, Any]) -> set[str]:
    """The models of some names and all that they stand on."""
    above, pending = set(), [key for key, node in nodes.items() if node["name"] in names]
    while pending:
        key = pending.pop()
        if key in nodes and key not in above:
            above.add(key)
            pending += nodes[key]["depends_on"]["nodes"]
    return above


def _parents_first(nodes: Mapping[str, Any]) -> Iterable[str]:
    graph = {
        key: sorted(parent for parent in node["depends_on"]["nodes"] if parent in nodes) for key, node in nodes.items()
    }
    return TopologicalSorter(graph).static_order()
