"""The published measures that the map can show, and the names of their periods."""

from dataclasses import dataclass
from datetime import date

from dashboard.drawing.figures import Kind
from streams.disclosure.measures import MEASURES, PublicMeasure
from streams.disclosure.subjects import SUBJECTS

__all__ = ["CHOICES", "SOURCES", "Measure", "when"]

_SOURCE = "source_"


@dataclass(frozen=True)
class Measure:
    """A published measure, either as a count or as a rate."""

    defined: PublicMeasure
    is_rate: bool

    @property
    def key(self) -> str:
        """The name of the measure in the address of a page."""
        return f"{self.defined.measure}_per_10000" if self.is_rate else self.defined.measure

    @property
    def table(self) -> str:
        """The public table that contains the measure."""
        return self.defined.source_table

    @property
    def column(self) -> str:
        """The column that contains the measure."""
        return "rate_per_10000" if self.is_rate else "count"

    @property
    def kind(self) -> Kind:
        """The format of the measure's values."""
        return "rate" if self.is_rate else "count"

    @property
    def title(self) -> str:
        """A short description of the measure."""
        return f"{self.defined.title}, per 10,000 children" if self.is_rate else self.defined.title

    @property
    def counted(self) -> str:
        """What the measure counts."""
        return self.defined.unit

    @property
    def unit(self) -> str:
        """The unit of the measure's values."""
        return "per 10,000 children aged 0 to 17 a year" if self.is_rate else self.counted


def _choices() -> dict[str, Measure]:
    rated = {subject.rated for subject in SUBJECTS}
    of_wards = [one for one in MEASURES if not one.measure.startswith(_SOURCE)]
    found = [
        Measure(one, is_rate) for one in of_wards for is_rate in (True, False) if one.measure in rated or not is_rate
    ]
    return {measure.key: measure for measure in found}


CHOICES = _choices()
"""
The published measures that the map can show, by key. All of them are published for wards.

The first measure is the default.
"""
SOURCES = {one.measure: one for one in MEASURES if one.measure.startswith(_SOURCE)}
"""Measures that count referrals by who made them."""


def when(period: str, starts_on: date) -> str:
    """Name a quarter or a collection year by its first and last month."""
    if period == "year":
        return f"April {starts_on.year} to March {starts_on.year + 1}"
    return f"{starts_on:%B} to {starts_on.replace(month=starts_on.month + 2):%B %Y}"
