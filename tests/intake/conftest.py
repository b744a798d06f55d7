"""Fixtures of a broker with two partners, and of a lake in which their records land."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from streams.kafka.verbatim import Original, send_verbatim, verbatim_producer
from streams.lake.connect import connect
from streams.settings import Settings
from tests.partners import POLICE, admitted


@pytest.fixture
def own(fresh_settings: Settings, fresh_topics: str, tmp_path: Path) -> Iterator[Settings]:
    """Settings with two partners, an empty lake and empty topics."""
    with admitted(replace(fresh_settings, land_batch_seconds=0.05), tmp_path) as settings:
        yield settings


@pytest.fixture
def send(own: Settings) -> Callable[..., None]:
    """Sends records as a partner, each acknowledged."""

    def durable(*records: Original | bytes, partner: str = POLICE.name, topic: str = POLICE.topic) -> None:
        with closing(verbatim_producer(own.acting_as(partner))) as client:
            for one in records:
                record = one if isinstance(one, Original) else Original(b"F-1", one, ())
                send_verbatim(client, topic, record).get(timeout=30)

    return durable


@pytest.fixture
def rows(own: Settings) -> Callable[[str], list[tuple[Any, ...]]]:
    """Runs a query on the lake."""

    def ask(query: str) -> list[tuple[Any, ...]]:
        with connect(own, marts=None) as lake:
            return lake.execute(query).fetchall()

    return ask
