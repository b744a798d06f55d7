"""
Read the definitions of all measures from dbt's manifest, so that each definition is written only once.

If a column is a measure, its definition is in `config.meta.measure`. If a mart has one row for each measure, the
definitions are in `config.meta.measures`, by key.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from streams.errors import UnknownMeasure

__all__ = ["Measure", "measure", "measures", "missing"]


@dataclass(frozen=True)
class Measure:
    """
    The definition of one figure of a mart.

    `column` is the column that contains the figure. If it is None, the figure is in the column `value` of the rows with
    the measure's key.
    """

    key: str
    model: str
    column: str | None
    title: str
    unit: str
    formula: str
    numerator: str
    denominator: str
    period: str
    source: str
    caveat: str


_PARTS = [field.name for field in fields(Measure) if field.name not in {"key", "model", "column"}]


def measures(manifest: dict[str, Any]) -> list[Measure]:
    """Return all measures of a project, sorted by mart. The measures of a mart are in the order of its YAML file."""
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    return [one for node in sorted(models, key=lambda node: node["name"]) for one in _of(node)]


def measure(found: list[Measure], key: str) -> list[Measure]:
    """
    Return the measures with this key. Measures of different marts may have the same key.

    Raises:
        UnknownMeasure: there is no such measure.
    """
    named = [one for one in found if key in (one.key, f"{one.model}.{one.key}")]
    if not named:
        keys = ", ".join(sorted({one.key for one in found}))
        raise UnknownMeasure(f"no measure is called {key!r}; allowed: {keys}")
    return named


def missing(one: Measure) -> list[str]:
    """Return the names of the fields that a definition lacks."""
    return [part for part in _PARTS if not getattr(one, part)]


def _of(node: dict[str, Any]) -> Iterator[Measure]:
    for key, parts in node["config"]["meta"].get("measures", {}).items():
        yield _measure(node["name"], key, None, parts)
    for name, column in node["columns"].items():
        if parts := column["config"]["meta"].get("measure"):
            yield _measure(node["name"], name, name, parts)


def _measure(model: str, key: str, column: str | None, parts: dict[str, Any]) -> Measure:
    return Measure(key, model, column, **{part: str(parts.get(part, "")).strip() for part in _PARTS})
