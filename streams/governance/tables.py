"""Read the seed tables of the governance pages, and write tables in Markdown."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

__all__ = ["listed", "markdown", "seed"]


def seed(name: str) -> list[dict[str, str]]:
    """Return the lines of a seed table."""
    with Path(__file__).with_name(f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def markdown(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def listed(words: Iterable[str]) -> str:
    """Return code words as a list within a sentence."""
    return ", ".join(f"`{word}`" for word in words) or "none"
