"""What each figure means, as the dbt project's yml defines it."""

from streams.measures.register import Measure, measure, measures, missing

__all__ = ["Measure", "measure", "measures", "missing"]
