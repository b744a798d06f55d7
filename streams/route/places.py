"""The gateways of an authority."""

import csv
from functools import cache

from streams.rules.compiled import DBT_PROJECT

__all__ = ["gateways_of"]

_SEEDS = DBT_PROJECT / "seeds"


@cache
def gateways_of(authority: str) -> list[str]:
    """An authority's gateways in order; none where it has a single one."""
    with (_SEEDS / "geography.csv").open(newline="") as file:
        areas = {line["constituency_code"] for line in csv.DictReader(file) if line["la_code"] == authority}
    with (_SEEDS / "gateways.csv").open(newline="") as file:
        return sorted({line["gateway"] for line in csv.DictReader(file) if line["area_code"] in areas})
