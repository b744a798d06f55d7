"""All secrets of a home are replaced while records arrive. Nothing is lost, stored twice or published twice."""

import os
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from streams.kafka.heartbeat import last_heartbeat
from streams.kafka.login import librdkafka_login
from streams.kafka.rights import principals
from streams.settings import PROJECT, Settings
from tests.system.partner import Partner

pytestmark = pytest.mark.long


def rotate(settings: Settings, *words: str) -> list[str]:
    """Run the command as a person would, and return what it printed."""
    command = [sys.executable, "-m", "streams.cli", "secrets", "rotate", *words]
    environ = {**os.environ, **settings.to_env(), "PYTHONPATH": str(PROJECT)}
    return subprocess.check_output(command, env=environ, cwd=PROJECT, text=True).splitlines()


def test_secrets_replaced_while_records_arrive_lose_nothing_and_repeat_nothing(
    system: Settings, verb: Callable, settled: Callable, versions: Callable, standing: Callable, evaluated: Callable,
    sent: Callable, landed_once: Callable,
) -> None:  # fmt: skip
    """
    The parts and the partner keep their clients for the whole time.

    The first rotation concerns only new logins. The second one also gives the broker a new password. So the broker
    restarts, and everybody must log in again with a password that is newer than their process.
    """
    verbs = {"land": verb("land", "--no-check"), "watch": verb("watch")}
    used = [_passwords(system)]
    while last_heartbeat(system) is None:
        time.sleep(0.2)
    partner = Partner(system, days=6)
    partner.start()
    time.sleep(2)
    replaced = rotate(system, *[f"kafka/{one}" for one in principals()])
    used.append(_passwords(system))
    time.sleep(2)
    replaced += rotate(system, "--yes")
    used.append(_passwords(system))
    partner.hurry.set()
    partner.join()
    settled(verbs.values())
    watch_ended, landed, land_ended = verbs["watch"].end(), landed_once(), verbs["land"].end()
    said = [(alert.alert_id, alert.version) for alert in versions()]

    assert [line for line in replaced if line == "kafka/watch is new"] == ["kafka/watch is new"] * 2
    assert [line for line in replaced if line == "kafka/broker is new"] == ["kafka/broker is new"]
    assert len({one for passwords in used for one in passwords}) == 3 * len(principals())
    assert partner.acknowledged == len(partner.records)
    assert verbs["watch"].starts == 1
    assert (watch_ended, land_ended) == (0, 0)
    assert landed
    assert len(said) == len(set(said)) > 0
    assert standing() == evaluated(sent())


def _passwords(settings: Settings) -> list[str]:
    return [librdkafka_login(settings.acting_as(one))["sasl.password"] for one in principals()]
