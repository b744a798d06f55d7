"""The project's seeds as rows, for what reads them beside dbt."""

import csv
from pathlib import Path

from streams.rules.compiled import DBT_PROJECT

__all__ = ["seed_rows"]


def seed_rows(name: str, project: Path = DBT_PROJECT) -> list[dict[str, str]]:
    """Every row of a seed, its values as text by column."""
    with (project / "seeds" / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))
