"""Measure the time from the start of a watcher that has a long history until it raises its first alert."""

import sys
import time
from contextlib import closing

from streams import names
from streams.bench.alert_load import Load
from streams.bench.live import listening
from streams.errors import StackFailed, WatchSilent
from streams.kafka.client import end_offsets, producer
from streams.lake.connect import connect
from streams.lake.offsets import wait_until_landed
from streams.settings import Settings
from streams.stack import processes, stack
from streams.stack.processes import Say
from streams.stack.stack import Service

__all__ = ["LAND", "WATCH", "restart"]

WATCH = Service(name="watch", command=(sys.executable, "-m", "streams.cli", "watch"))
LAND = Service(name="land", command=(sys.executable, "-m", "streams.cli", "land"))
_PATIENCE_SECONDS = 900


def restart(settings: Settings, load: Load, say: Say) -> float:
    """
    Stop the watcher once everything has landed, send a referral, and start the watcher again.

    Returns:
        Seconds from the start of the watcher until the alert about that referral was read.

    Raises:
        StackFailed: the history did not land.
        WatchSilent: no alert was read in time.
    """
    say("Landing the history …")
    stack.up(settings, (LAND,), say=say)
    _wait_until_landed(settings)
    processes.stop(settings.home, LAND.name)
    processes.stop(settings.home, WATCH.name)
    with listening(settings) as received:
        event_id = _send_referral(settings, load)
        began = time.monotonic()
        stack.up(settings, (WATCH,), say=say)
        while event_id not in received:
            if time.monotonic() > began + _PATIENCE_SECONDS:
                raise WatchSilent(f"no alert within {_PATIENCE_SECONDS} s of the watcher's start")
            time.sleep(0.05)
        return received[event_id][0] - began


def _wait_until_landed(settings: Settings) -> None:
    ends = end_offsets(settings, names.INPUT_TOPICS)
    with connect(settings, marts=None) as lake:
        if not wait_until_landed(lake, ends, _PATIENCE_SECONDS):
            raise StackFailed(f"the history did not land within {_PATIENCE_SECONDS} s")


def _send_referral(settings: Settings, load: Load) -> str:
    event_id, record = load.live()
    while event_id not in load.referrals:
        event_id, record = load.live()
    topic, key, value = record
    with closing(producer(settings)) as client:
        client.send(topic, key=key, value=value)
    return event_id
