"""The models in memory, compiled once for all tests of published figures."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.dfe_check.lake import MemoryLake
from streams.dfe_check.tables import Figures, read_figures
from streams.rules.compiled import compiled_rules
from streams.settings import PROJECT, Settings

SUPPLIED = PROJECT / "streams" / "reference" / "published_cin.csv"


@pytest.fixture(scope="session")
def supplied() -> Path:
    """The file of published figures that comes with the project."""
    return SUPPLIED


@pytest.fixture(scope="session")
def halton() -> Figures:
    """Halton's figures for the year to March 2024. All figures of all three tables are published."""
    [found] = [one for one in read_figures([SUPPLIED]) if (one.authority, one.year) == ("E06000006", 2024)]
    return found


@pytest.fixture(scope="session")
def memory_lake(settings: Settings) -> Iterator[MemoryLake]:
    """A lake in memory that the tests share. Each test replaces the records of the lake."""
    with MemoryLake(compiled_rules(settings, with_build_rules=True), settings.max_record_bytes) as lake:
        yield lake
