"""The page about OWASP ASVS is complete, and names only tests that exist."""

import ast
import re
from pathlib import Path

from streams.settings import PROJECT

PAGE = (PROJECT / "docs" / "asvs.md").read_text()
NUMBERS = Path(__file__).with_name("asvs_5_level_2.txt")
"""The numbers of levels 1 and 2, by section. They are those of version 5.0.0."""


def rows() -> list[list[str]]:
    lines = [line for line in PAGE.splitlines() if re.match(r"\| \d", line)]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_number_of_the_two_levels_is_answered_once() -> None:
    sections = [line.split(": ") for line in NUMBERS.read_text().splitlines()]
    wanted = [f"{section}.{number}" for section, last in sections for number in last.split()]
    found = [number for numbers, *_ in rows() for number in numbers.split(", ")]

    assert len(wanted) == 253
    assert sorted(found) == sorted(wanted)


def test_every_answer_is_one_of_the_four() -> None:
    assert [row for row in rows() if not re.match(r"\*\*(met|council|not met|none)\*\*", row[2])] == []


def test_every_test_that_is_named_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    known = {
        node.name
        for module in (PROJECT / "tests").rglob("test_*.py")
        for node in ast.parse(module.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    assert len(named) > 40
    assert named - known == set()
