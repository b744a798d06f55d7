"""
The definitions of the measures of need. They come from the descriptions of the mart's columns, which are in
the lake.
"""

from dataclasses import dataclass

from dashboard.drawing.figures import Kind
from dashboard.reading.reader import Snapshot

__all__ = ["Measure", "measures"]

_DEFINED = """
    SELECT measure AS key, title, unit, formula, numerator, denominator, source, caveat
    FROM marts.analytics.dim_measure
    WHERE model = 'mart_locality_need'
"""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """The definition of a measure."""

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
        """
        The text after the measure's value.

        A plain count has no such text, because the title says what is counted.
        """
        return "" if self.unit == "number" else self.unit

    @property
    def kind(self) -> Kind:
        """The format of the measure's values: whole numbers, or numbers with one decimal."""
        return "count" if self.formula == "numerator" else "rate"


def measures(lake: Snapshot) -> dict[str, Measure]:
    """Read every measure of `mart_locality_need`, and return the measures by key."""
    return {row["key"]: Measure(**row) for row in lake.rows(_DEFINED)}
