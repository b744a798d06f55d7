"""The kinds of fault. A seed decides the kind of each fault, the part or server that it hits, and how long it lasts."""

import random
import signal
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass

import psycopg2

from streams.bench.fault_parts import PARTS, Disk, Parts
from streams.stack import broker, postgres

__all__ = ["Fault", "Faults"]

_LONG_PAUSE = 0.08
"""Share of pauses that are long."""
_STEPS = (-3_600, -300, -20, 20, 300, 3_600)
"""Seconds by which a fault sets a clock wrong."""
_END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'caf %'"


@dataclass(frozen=True)
class Fault:
    """One fault: its time (seconds after the start), its kind, its victim, and for how many seconds it lasts."""

    after: float
    kind: str
    victim: str
    lasts: float = 0.0
    detail: str = ""


class Faults:
    """Causes one fault after another. Which faults these are depends on the seed and on the length of the campaign."""

    def __init__(self, parts: Parts, disk: Disk | None, seed: int, seconds: float) -> None:
        self._parts, self._disk = parts, disk
        self._chance = random.Random(seed)
        self._longest = min(120.0, seconds / 4)
        kinds: dict[Callable[[float], tuple[Fault, Callable[[], None] | None]], int] = {
            self._kill: 28,
            self._terminate: 14,
            self._pause: 24,
            self._end_sessions: 6,
            self._kill_broker: 7,
            self._pause_broker: 5,
            self._stop_postgres: 8,
        }
        if disk:
            kinds[self._fill_disk] = 5
        if parts.has_clocks:
            kinds[self._step_clock] = 10
        self._kinds, self._weights = list(kinds), list(kinds.values())

    def inject(self, after: float) -> tuple[Fault, Callable[[], None] | None]:
        """Cause a fault. Return the fault and a function that undoes it, or None if nothing has to be undone."""
        [kind] = self._chance.choices(self._kinds, self._weights)
        return kind(after)

    def wait(self, mean: float) -> float:
        """Draw at random how many seconds to wait until the next fault."""
        return self._chance.uniform(0.2, 1.8) * mean

    def heal(self) -> None:
        """Undo all faults."""
        for name in (*PARTS, broker.NAME, postgres.NAME):
            self._parts.signal(name, signal.SIGCONT)
        if self._parts.has_clocks:
            for name in PARTS:
                self._parts.step_clock(name, 0)
        if self._disk:
            self._disk.clear()

    def _victim(self) -> str:
        return self._chance.choice(list(PARTS))

    def _kill(self, after: float) -> tuple[Fault, None]:
        victim = self._victim()
        self._parts.signal(victim, signal.SIGKILL)
        return Fault(after, "SIGKILL", victim), None

    def _terminate(self, after: float) -> tuple[Fault, None]:
        victim = self._victim()
        self._parts.signal(victim, signal.SIGTERM)
        return Fault(after, "SIGTERM", victim), None

    def _pause(self, after: float) -> tuple[Fault, Callable[[], None]]:
        return self._paused(after, self._victim(), self._longest)

    def _pause_broker(self, after: float) -> tuple[Fault, Callable[[], None]]:
        return self._paused(after, broker.NAME, 10.0)

    def _paused(self, after: float, victim: str, longest: float) -> tuple[Fault, Callable[[], None]]:
        is_long = self._chance.random() < _LONG_PAUSE
        lasts = self._chance.uniform(0.25, 1.0) * (longest if is_long else min(8.0, longest))
        self._parts.signal(victim, signal.SIGSTOP)
        return Fault(after, "SIGSTOP", victim, lasts), lambda: self._parts.signal(victim, signal.SIGCONT)

    def _end_sessions(self, after: float) -> tuple[Fault, None]:
        """End all database sessions, including those that hold locks, as in a failover or when a network breaks."""
        with (
            suppress(psycopg2.Error),
            closing(psycopg2.connect(self._parts.settings.postgres, connect_timeout=5)) as server,
            server,
            server.cursor() as cursor,
        ):
            cursor.execute(_END_SESSIONS)
        return Fault(after, "sessions ended", postgres.NAME), None

    def _kill_broker(self, after: float) -> tuple[Fault, None]:
        self._parts.signal(broker.NAME, signal.SIGKILL)
        return Fault(after, "SIGKILL", broker.NAME), None

    def _stop_postgres(self, after: float) -> tuple[Fault, None]:
        """Send SIGKILL or SIGQUIT to PostgreSQL's processes. SIGQUIT asks for PostgreSQL's `immediate` shutdown."""
        sign = self._chance.choice((signal.SIGKILL, signal.SIGQUIT))
        self._parts.signal(postgres.NAME, sign)
        return Fault(after, sign.name, postgres.NAME), None

    def _fill_disk(self, after: float) -> tuple[Fault, Callable[[], None]]:
        assert self._disk is not None  # without a disk, this kind of fault is never drawn
        self._disk.fill()
        return Fault(after, "full", "disk", self._chance.uniform(2.0, 15.0)), self._disk.clear

    def _step_clock(self, after: float) -> tuple[Fault, Callable[[], None]]:
        victim, step = self._victim(), self._chance.choice(_STEPS)
        self._parts.step_clock(victim, step)
        lasts = self._chance.uniform(2.0, min(60.0, self._longest))
        return Fault(after, "clock", victim, lasts, f"{step:+d} s"), lambda: self._parts.step_clock(victim, 0)
