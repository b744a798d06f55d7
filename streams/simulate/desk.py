"""
Simulated desks that acknowledge and close alerts, so that figures on responses include more than the planted
stories.
"""

import threading
from collections.abc import Callable
from random import Random
from typing import Self
from uuid import uuid4

import structlog

from streams.alerts.actions import acknowledge, close
from streams.contracts.codesets import AlertClosure
from streams.contracts.outputs import Alert
from streams.errors import CafError
from streams.settings import Settings
from streams.tell.subscribers.subscription import subscribe

__all__ = ["Desk"]

log = structlog.get_logger()

_TAKEN_ON = {"red": 0.9, "amber": 0.5, "green": 0.1}
"""Share of alerts that the desk acknowledges, by severity. The shares are invented, like all of the simulation."""
_SECONDS_TO_TAKE_ON = 6.0
_SECONDS_TO_CLOSE = 12.0
"""
Median number of seconds until the desk acknowledges an alert, and then until it closes the alert. In reality, desks
take hours, but a demo lasts only minutes.
"""
_CLOSED = 0.5
"""Share of the acknowledged alerts that the desk also closes."""
_CLOSURES = {
    AlertClosure.ACTED_ON: 0.7,
    AlertClosure.ALREADY_KNOWN: 0.15,
    AlertClosure.NOT_USEFUL: 0.1,
    AlertClosure.WRONG_FAMILY: 0.05,
}
_WORKERS = 5


class Desk(threading.Thread):
    """
    Follows new alerts, and acts on some of them, each after a delay.

    At the end of a `with` block, the desk stops and cancels the actions that are still planned.
    """

    def __init__(self, settings: Settings, seed: int) -> None:
        super().__init__(name="simulated-desk", daemon=True)
        self._settings = settings
        self._rng = Random(f"desk/{seed}")
        self._ended = threading.Event()
        self._planned: list[threading.Timer] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join()
        for timer in self._planned:
            timer.cancel()
        for timer in self._planned:
            timer.join()

    def run(self) -> None:
        """Follow the alerts until the desk stops. This is the body of the thread."""
        for alert in subscribe(self._settings, group=f"simulated-desk-{uuid4()}", until=self._ended.is_set):
            if alert.status == "open" and alert.acknowledged_at is None:
                self._consider(alert)

    def _consider(self, alert: Alert) -> None:
        if self._rng.random() >= _TAKEN_ON[alert.severity]:
            return
        worker = f"desk-{self._rng.randint(1, _WORKERS)}"
        after = self._soon(_SECONDS_TO_TAKE_ON)
        self._plan(after, acknowledge, alert, worker)
        if self._rng.random() < _CLOSED:
            (closure,) = self._rng.choices(list(_CLOSURES), list(_CLOSURES.values()))
            self._plan(after + self._soon(_SECONDS_TO_CLOSE), close, alert, worker, closure)

    def _soon(self, median: float) -> float:
        """Draw a number of seconds. Half of all draws are below `median`, and a few are much longer."""
        return median * self._rng.lognormvariate(0, 0.6)

    def _plan(self, seconds: float, act: Callable[..., None], *arguments: object) -> None:
        timer = threading.Timer(seconds, self._act, (act, *arguments))
        timer.daemon = True
        timer.start()
        self._planned.append(timer)

    def _act(self, act: Callable[..., None], alert: Alert, *rest: object) -> None:
        try:
            act(self._settings, alert, *rest)
        except CafError as error:
            # An action that fails must not end the live run that the desk is part of.
            log.warning("desk_could_not_act", alert_id=alert.alert_id, error=str(error))
