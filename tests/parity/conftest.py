"""The compiled rules, made once for all that is compared with them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.rules.compiled import compiled_rules
from streams.rules.engine import Engine
from streams.settings import Settings


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine with nothing in it."""
    home: Path = tmp_path_factory.mktemp("home")
    engine = Engine(compiled_rules(Settings(home=home)))
    yield engine
    engine.close()
