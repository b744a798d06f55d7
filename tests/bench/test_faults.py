"""Run a short campaign of faults, on servers of its own."""

import json
from dataclasses import asdict

import pytest

from streams.bench.faults import Campaign, Plan, campaign
from streams.settings import Settings

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def done(settings: Settings) -> Campaign:
    return campaign(settings, Plan(seed=5, seconds=30, every=4, patience=900), print)


def test_every_promise_holds_after_faults(done: Campaign) -> None:
    assert {promise: failures for promise, failures in done.promises.items() if failures} == {}
    assert len(done.faults) >= 3
    assert done.sent == 600
    assert done.alerts > 0


def test_what_was_done_can_be_written_down(done: Campaign) -> None:
    assert json.loads(json.dumps(asdict(done)))["faults"][0]["kind"] == done.faults[0].kind
