"""
The definitions of all measures, read from dbt's manifest; nobody writes one a second time.

A column that is a measure has `config.meta.measure`; a mart with one row a measure has `config.meta.measures` by key.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from streams.errors import UnknownMeasure

__all__ = ["Measure", "measure", "measures", "missing"]


@dataclass(frozen=True)
class Measure:
    """A figure of a mart; `column` is what holds it, None where it is a row's `value` under its key."""

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
    """Every measure of a project: by mart, in the order of its yml."""
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    return [one for node in sorted(models, key=lambda node: node["name"]) for one in _of(node)]


def measure(found: list[Measure], key: str) -> list[Measure]:
    """
    The measures of a key: several marts may have one of that name.

    Raises:
        UnknownMeasure: there is none.
    """
    named = [one for one in found if key in (one.key, f"{one.model}.{one.key}")]
    if not named:
        keys = ", ".join(sorted({one.key for one in found}))
        raise UnknownMeasure(f"no measure is called {key!r}; allowed: {keys}")
    return named


def missing(one: Measure) -> list[str]:
    """What a definition lacks, by name."""
    return [part for part in _PARTS if not getattr(one, part)]


def _of(node: dict[str, Any]) -> Iterator[Measure]:
    for key, parts in node["config"]["meta"].get("measures", {}).items():
        yield _measure(node["name"], key, None, parts)
    for name, column in node["columns"].items():
        if parts := column["config"]["meta"].get("measure"):
            yield _measure(node["name"], name, name, parts)


def _measure(model: str, key: str, column: str | None, parts: dict[str, Any]) -> Measure:
    return Measure(key, model, column, **{part: str(parts.get(part, "")).strip() for part in _PARTS})
