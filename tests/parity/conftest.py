"""The compiled rules, prepared once for all tests that compare engines."""

from collections.abc import Iterator

import pytest

from streams.lake.postgres import Postgres
from streams.rules.compiled import compiled_rules
from streams.rules.engine import Engine
from streams.rules.postgres.engine import PostgresEngine
from streams.settings import Settings


@pytest.fixture(scope="session")
def on_postgres(settings: Settings, postgres: Postgres) -> Iterator[PostgresEngine]:
    """An engine with the same rules on PostgreSQL."""
    engine = PostgresEngine.connected(settings, compiled_rules(settings))
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def engine(settings: Settings) -> Iterator[Engine]:
    """An engine without events."""
    engine = Engine(compiled_rules(settings))
    yield engine
    engine.close()
