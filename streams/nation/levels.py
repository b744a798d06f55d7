"""
Decide where each model is made: once for all shards, in each shard, or for the whole nation.

A shard contains all records of its connected groups of families. So rules about families can be evaluated in each
shard. For the same reason, the watcher can evaluate these rules on the records of one connected group. Models that
count families are made from the tables of all shards.
"""

import enum
from collections.abc import Collection, Iterable, Mapping
from graphlib import TopologicalSorter
from typing import Any

from streams.errors import RulesInvalid

__all__ = ["Level", "levels"]

_STREAM = "family"
"""The scope of rules that the watcher evaluates on the histories of connected families."""
_EVENTS = {"landing.events", "run.cut", "run.as_of"}
_RUN = {"run.cut", "run.as_of"}
_FAMILY = "family_id"


class Level(enum.StrEnum):
    """Where a model is made: once beforehand, in every shard, or once for the whole nation."""

    STATIC = enum.auto()
    """The model depends only on seeds and the snapshot. The table is made once and given to every shard."""
    SHARD = enum.auto()
    """
    Each row depends on one connected group only.

    The model is made in every shard, and the parts from all shards become one table.
    """
    NATION = enum.auto()
    """The model depends on several shards or on an undivided table. The model is made once from the shards' tables."""


def levels(manifest: Mapping[str, Any], scopes: Mapping[str, str]) -> dict[str, Level]:
    """
    Return the level of every model by its unique id, in dependency order.

    It is always correct to make a model for the whole nation, but it costs more. A model is made in the shards if it
    grows by connected group, if rules about families depend on it, or if it declares `made_by: connected_families`.

    Args:
        manifest: dbt's manifest, as a dict.
        scopes: the scope of each rule, by name.

    Raises:
        RulesInvalid: the level of a model cannot be determined, or a model that is made in the shards reads a table
            that is made only for the nation. The message names the model.
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
            raise RulesInvalid(f"{node['name']} is made in the shards, but reads {', '.join(sorted(sources))}")
        return Level.SHARD
    is_of_families = scopes.get(node["name"].removeprefix("alert_"), _STREAM) == _STREAM
    if sources - _RUN or _FAMILY not in node["columns"] or not is_of_families:
        return Level.NATION
    raise RulesInvalid(
        f"{node['name']} names families, but does not declare whether each row depends on connected families only; "
        "add made_by: connected_families or made_by: nation to its meta"
    )


def _declared(node: Mapping[str, Any]) -> Level:
    known = {"connected_families": Level.SHARD, "nation": Level.NATION}
    said = node["config"]["meta"]["made_by"]
    if said not in known:
        raise RulesInvalid(f"{node['name']} says made_by: {said}; allowed: {', '.join(known)}")
    return known[said]


def _above(names: Collection[str], nodes: Mapping[str, Any]) -> set[str]:
    """Return the models with these names and all models that they depend on."""
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
