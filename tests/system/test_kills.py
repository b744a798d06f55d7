"""
`land`, `watch` and the broker are killed at any time.

Every record is stored once, and the alerts equal those of an undisturbed evaluation.
"""

import random
import time
from collections.abc import Callable

import pytest

from streams.settings import Settings
from streams.stack import broker, processes
from tests.system.partner import Partner

pytestmark = pytest.mark.long

VICTIMS = ["land"] * 14 + ["watch"] * 12 + ["kafka"] * 5
LONGEST_PAUSE = 5.0


def kill_broker(settings: Settings) -> None:
    """Kill the broker and start it again on the same data."""
    for process in processes.members(settings.home, broker.NAME):
        process.kill()
        process.wait()
    broker.start(settings, say=lambda _: None)


def test_killed_at_any_moment_everything_is_stored_and_published_once(
    system: Settings, verb: Callable, settled: Callable, versions: Callable, standing: Callable, evaluated: Callable,
    sent: Callable, landed_once: Callable,
) -> None:  # fmt: skip
    """There are thirty-one kills while records keep arriving."""
    chance = random.Random(17)
    partner = Partner(system)
    partner.start()
    verbs = {"land": verb("land", "--no-check"), "watch": verb("watch")}
    for victim in chance.sample(VICTIMS, len(VICTIMS)):
        time.sleep(chance.uniform(0.2, LONGEST_PAUSE))
        if victim == broker.NAME:
            kill_broker(system)
        else:
            verbs[victim].kill()
        for one in verbs.values():
            one.revive()
    partner.hurry.set()
    partner.join()
    settled(verbs.values())
    watch_ended, landed, land_ended = verbs["watch"].end(), landed_once(), verbs["land"].end()
    said = [(alert.alert_id, alert.version) for alert in versions()]

    assert partner.acknowledged == len(partner.records)
    assert (watch_ended, land_ended) == (0, 0)
    assert landed
    assert len(said) == len(set(said)) > 0
    assert standing() == evaluated(sent())
