"""Settings of a lake that does not exist yet."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from streams.lake.postgres import Postgres
from streams.settings import Settings


@pytest.fixture
def fresh_settings(settings: Settings, postgres: Postgres, tmp_path: Path) -> Iterator[Settings]:
    """The run's settings with the name of a missing database, and a lake folder for this test alone."""
    database = f"t_{uuid4().hex[:12]}"
    yield replace(settings, database=database, lake_data=str(tmp_path / "lake"))
    postgres.drop(database)
