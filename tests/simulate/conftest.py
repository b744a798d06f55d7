"""Worlds that several tests use. Making a year takes seconds, so the year is made only once."""

from datetime import UTC, datetime

import pytest

from streams.simulate import World

WIRRAL = "E08000015"
START, END = datetime(2025, 4, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def year() -> World:
    """A year of Wirral with the default noise."""
    return World(1, [WIRRAL], START, END)


@pytest.fixture(scope="session")
def fortnight() -> World:
    """Two weeks of Wirral with the default noise."""
    return World(2, [WIRRAL], datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 16, tzinfo=UTC))
