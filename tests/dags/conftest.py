"""A home in which all parts run, as after `./caf up`. Its DAGs write topics and a lake that no other test uses."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from streams import names
from streams.cli.up import start
from streams.kafka.client import producer
from streams.kafka.topics import ensure_topics
from streams.land import run
from streams.settings import Settings
from streams.stack import airflow as stack_airflow
from streams.stack import stack
from streams.stack.airflow import Airflow
from streams.stack.ports import free_ports

PLANTED = "zqplant"
"""Part of every identifier and text in the events, so that a search finds event data in places where it must not be."""

PATIENCE = 900

Send = Callable[[str, dict[str, Any]], None]


@pytest.fixture(scope="module")
def deployed(make_home: Callable[[str], Path], lend_rules: Callable[[Path], Path]) -> Iterator[Settings]:
    """Settings of the home. One record was rejected as too large. The size limit has been raised since."""
    kafka_port, airflow_port, dashboard_port = free_ports(3)
    settings = Settings(
        home=make_home("h"),
        kafka_port=kafka_port,
        airflow_port=airflow_port,
        dashboard_port=dashboard_port,
        build_warm_seconds=30,
    )
    try:
        stack.up(settings, ("postgres", "kafka"))
        lend_rules(settings.home)
        ensure_topics(settings)
        _send(settings, "r-long", _referral("long", seconds=5) | {"remarks": PLANTED * 100})
        run(replace(settings, max_record_bytes=800), once=True)
        start(settings)
        yield settings
    finally:
        stack.down(settings)


@pytest.fixture(scope="module")
def api(deployed: Settings) -> Airflow:
    """The API of the Airflow that runs the DAGs."""
    return stack_airflow.client(deployed)


@pytest.fixture
def send(deployed: Settings) -> Send:
    """Sends a submitted referral to its topic, and returns when the broker has acknowledged it."""
    return lambda id_, data: _send(deployed, id_, data)


@pytest.fixture
def referral() -> Callable[..., dict[str, Any]]:
    """Makes the data of a referral from some seconds ago. Coverage begins on the referral's day."""
    return _referral


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], Any]:
    """Waits until a function returns a true value, and returns that value."""

    def wait(ask: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE
        while not (answer := ask()):
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(1)
        return answer

    return wait


def _referral(name: str, *, seconds: int) -> dict[str, Any]:
    return {
        "referral_id": f"R-{PLANTED}-{name}-{seconds}",
        "family_id": f"F-{PLANTED}-{name}",
        "person_ids": [f"P-{PLANTED}-{name}"],
        "source_code": "6",
        "severity": "amber",
        "consent": "given",
        "lsoa_code": "E01007120",
        "submitted": (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(),
    }


def _send(settings: Settings, id_: str, data: dict[str, Any]) -> None:
    data = dict(data)
    event = {
        "specversion": "1.0",
        "id": f"{PLANTED}-{id_}",
        "source": "/test",
        "type": "uk.caf.referral.referral-submitted.v1",
        "time": data.pop("submitted"),
        "authority": "E08000015",
        "data": data,
    }
    kafka = producer(settings)
    kafka.send(names.REFERRAL, key=data["family_id"].encode(), value=json.dumps(event).encode()).get(timeout=30)
    kafka.close()
