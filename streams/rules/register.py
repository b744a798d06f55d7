"""The rule register: the lines of the seed `rules.csv`, read without dbt."""

import csv
from pathlib import Path

from streams.rules.compiled import DBT_PROJECT

__all__ = ["rule_names"]


def rule_names(project: Path = DBT_PROJECT) -> tuple[str, ...]:
    """The names of all rules in force, in order of the alphabet."""
    with (project / "seeds" / "rules.csv").open(newline="") as file:
        return tuple(sorted({line["rule"] for line in csv.DictReader(file)}))
