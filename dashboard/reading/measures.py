"""What each measure of need is: in the words of the marts' own descriptions, as the lake has them."""

from dataclasses import dataclass

from dashboard.reading.reader import Snapshot

__all__ = ["Measure", "measures"]

_DEFINED = """
    SELECT measure AS key, title, unit, formula, numerator, denominator, source, caveat
    FROM marts.analytics.dim_measure
    WHERE model = 'mart_locality_need'
"""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A measure's definition."""

    key: str
    title: str
    unit: str
    formula: str
    numerator: str
    denominator: str
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


def measures(lake: Snapshot) -> dict[str, Measure]:
    """Every measure of `mart_locality_need` by its key."""
    return {row["key"]: Measure(**row) for row in lake.rows(_DEFINED)}
