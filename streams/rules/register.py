"""The rule register: the lines of the seed `rules.csv`, read without dbt."""

import csv
from pathlib import Path

from streams.rules.compiled import DBT_PROJECT
from streams.rules.dbt_compile import STREAM_SCOPES

__all__ = ["build_rules", "rule_names"]


def rule_names(project: Path = DBT_PROJECT) -> tuple[str, ...]:
    """The names of all rules in force, in order of the alphabet."""
    return tuple(sorted({line["rule"] for line in _lines(project)}))


def build_rules(project: Path = DBT_PROJECT) -> list[str]:
    """The names of the rules that the build alone judges, in order of the alphabet."""
    return sorted({line["rule"] for line in _lines(project) if line["scope"] not in STREAM_SCOPES})


def _lines(project: Path) -> list[dict[str, str]]:
    with (project / "seeds" / "rules.csv").open(newline="") as file:
        return list(csv.DictReader(file))
