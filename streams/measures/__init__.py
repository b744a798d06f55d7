"""The definitions of all figures, from the YAML files of the dbt project."""

from streams.measures.register import Measure, measure, measures, missing

__all__ = ["Measure", "measure", "measures", "missing"]
