"""
Run `watch` and `land` while a bench sends its load.

Record how often they stop, their memory, and how long they need to catch up.
"""

import time
from collections.abc import Callable

from streams import names
from streams.bench.restart import LAND, WATCH
from streams.bench.watched import evaluated, is_reporting, records_left
from streams.errors import StackFailed
from streams.kafka.client import end_offsets
from streams.kafka.heartbeat import last_heartbeat
from streams.lake.connect import connect
from streams.lake.offsets import next_offsets
from streams.settings import Settings
from streams.stack import processes, stack

__all__ = ["Stages"]

_SERVICES = (WATCH, LAND)
_AWAKE_SECONDS = 120
_STANDSTILL_SECONDS = 180
"""A bench gives up on a stage that makes no progress for this many seconds."""
_MOST_STOPS = 20


class Stages:
    """Runs the two stages of a home. Counts how often a stage ends by itself, and starts it again."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self._settings, self._say = settings, say
        self.stops = {service.name: 0 for service in _SERVICES}
        """How often each stage ended by itself, or started again within its process."""
        self.memory_mb = {service.name: 0.0 for service in _SERVICES}
        stack.up(settings, _SERVICES, say=say)

    def close(self) -> None:
        """Stop both stages."""
        for service in _SERVICES:
            processes.stop(self._settings.home, service.name)

    def look(self) -> None:
        """
        Check whether both stages run, and start a stage that has ended.

        Raises:
            StackFailed: one of the stages has stopped too often.
        """
        for service in _SERVICES:
            name, home = service.name, self._settings.home
            memory = processes.memory_mb(processes.members(home, name))
            self.memory_mb[name] = round(max(self.memory_mb[name], memory), 1)
            found = processes.find(home, name)
            assert found is not None  # `stack.up` has started the stage
            if found.alive:
                continue
            self.stops[name] += 1
            if self.stops[name] > _MOST_STOPS:
                raise StackFailed(f"{name} stopped {_MOST_STOPS} times; see {processes.log_file(home, name)}")
            stack.up(self._settings, (service,), say=self._say)

    def wait_until_awake(self) -> None:
        """
        Wait for the watcher's first heartbeat.

        Raises:
            StackFailed: the watcher sends no heartbeat.
        """
        end = time.monotonic() + _AWAKE_SECONDS
        while last_heartbeat(self._settings) is None:
            if time.monotonic() > end:
                raise StackFailed(f"the watcher sent no heartbeat within {_AWAKE_SECONDS} s")
            self.look()
            time.sleep(0.2)

    def wait_until_done(self, began: float) -> tuple[float | None, float | None]:
        """
        Measure the seconds from `began` until everything has landed, and until everything is evaluated.

        Everything is evaluated when every unreadable record has its alert as well. If a stage stops making progress
        before it is done, its time is None. The watcher's offsets do not move while it raises these alerts, so new
        alerts count as progress as well.
        """
        ends = {tuple(place): end for place, end in end_offsets(self._settings, names.INPUT_TOPICS).items() if end}
        done: dict[str, float] = {}
        last, moved_at = None, time.monotonic()
        while len(done) < 2 and time.monotonic() < moved_at + _STANDSTILL_SECONDS:
            self.look()
            behind = {
                LAND.name: records_left(ends, self._landed()),
                WATCH.name: records_left(ends, evaluated(self._settings)),
            }
            for name, records in behind.items():
                if not records and not (name == WATCH.name and is_reporting(self._settings)):
                    done.setdefault(name, round(time.monotonic() - began, 1))
            seen = behind, end_offsets(self._settings, [names.ALERTS])
            if seen != last:
                last, moved_at = seen, time.monotonic()
            time.sleep(0.5)
        self.stops[WATCH.name] = max(self.stops[WATCH.name], self._terms() - 1)
        return done.get(LAND.name), done.get(WATCH.name)

    def _landed(self) -> dict[tuple[str, int], int]:
        with connect(self._settings, marts=None) as lake:
            return next_offsets(lake)

    def _terms(self) -> int:
        """Count how often the watcher has started. A watcher may start again within the same process."""
        log = processes.log_file(self._settings.home, WATCH.name)
        return log.read_text(errors="replace").count("watch_started")
