"""`./caf bench trust` measures homes, and erases a person. Speed is not tested."""

import json
from dataclasses import asdict

import pytest

from streams.bench.trust import costs_of
from streams.bench.trust_erasure import measure_erasure
from streams.bench.trust_round import WITHOUT_SECURITY, Sizes, measure_round
from streams.settings import Settings

pytestmark = pytest.mark.long


def test_a_round_measures_everything_that_is_compared(settings: Settings) -> None:
    found = measure_round(settings, Sizes(events=1_000, rate=20, seconds=3, history=300), WITHOUT_SECURITY, print)
    costs = list(costs_of([found], [found]))

    assert [cost.what for cost in costs] == [
        "first start: servers",
        "first start: alert",
        "alerts, p50",
        "alerts, p99",
        "landing",
        "full build",
    ]
    for cost in costs:
        assert min(*cost.secure, *cost.open) > 0
        assert cost.times == 1
    assert json.loads(json.dumps([asdict(cost) for cost in costs]))[0]["unit"] == "s"


def test_a_person_is_told_of_and_erased_in_a_home_of_the_bench(settings: Settings) -> None:
    times = measure_erasure(settings, 1_200, 1, print)

    assert times.erased > 0
    assert times.about == [times.about_seconds]
    assert times.about_seconds > 0 < times.erase_seconds
