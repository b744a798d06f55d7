"""What each measure of need is: read from the descriptions of the marts, never written a second time."""

from dataclasses import dataclass
from functools import cache

import yaml

from streams.rules.compiled import DBT_PROJECT

__all__ = ["Measure", "measures"]

_NEED = DBT_PROJECT / "models" / "analytics" / "mart_locality_need.yml"


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A measure's definition, in the words of the mart's own description."""

    key: str
    title: str
    unit: str
    formula: str
    numerator: str
    denominator: str
    period: str
    source: str
    caveat: str

    @property
    def after(self) -> str:
        """What follows its value; nothing where it is a plain count, of which the title says all."""
        return "" if self.unit == "number" else self.unit

    @property
    def kind(self) -> str:
        """How its values are written: whole, or with a decimal."""
        return "count" if self.formula == "numerator" else "rate"


@cache
def measures() -> dict[str, Measure]:
    """Every measure of `mart_locality_need` by its key, in the order of its description."""
    (model,) = yaml.safe_load(_NEED.read_text())["models"]
    described = model["config"]["meta"]["measures"]
    keys = Measure.__dataclass_fields__.keys() - {"key"}
    return {
        name: Measure(key=name, **{key: str(value).strip() for key, value in one.items() if key in keys})
        for name, one in described.items()
    }
