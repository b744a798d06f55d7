"""Write `docs/measures.md`, the page of all measures. The page is generated and checked in."""

from itertools import groupby
from pathlib import Path

from streams.measures.register import Measure
from streams.settings import PROJECT

__all__ = ["PAGE", "page"]

PAGE: Path = PROJECT / "docs" / "measures.md"

_PREAMBLE = """# Measures

`./caf measures --write` generates this page from the YAML files of the dbt models (`config.meta`). Edit those files and
not this page. The table `marts.analytics.dim_measure` has the same definitions.
[locality-need.md](locality-need.md) explains how the figures are counted and how certain they are.
"""


def page(found: list[Measure]) -> str:
    """Return the page of all measures."""
    marts = groupby(found, key=lambda one: one.model)
    return _PREAMBLE + "".join(f"\n## {model}\n" + "".join(map(_section, ones)) for model, ones in marts)


def _section(one: Measure) -> str:
    return f"""
### {one.key}

{one.title}. Unit: {one.unit}.

- **Formula**: {one.formula}
- **Numerator**: {one.numerator}
- **Denominator**: {one.denominator}
- **Period**: {one.period}
- **Source**: {one.source}
- **Caveat**: {one.caveat}
"""
