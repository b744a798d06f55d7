"""From the outbox to the topics: in the order in which versions were decided, each once."""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock

import structlog

from streams.alerts.publisher import Publisher
from streams.watch.state.state import State

__all__ = ["Outbox"]

log = structlog.get_logger()

_AT_ONCE = 1_000


class Outbox:
    """
    Sends what the state holds to be sent.

    A version is in the outbox until its topic has it for certain. A watcher that begins hears first what is on the
    topic, so that what was sent just before a crash is not sent again. One thread at a time does something here.
    """

    def __init__(self, state: State, publisher: Publisher, kept: timedelta) -> None:
        """
        Args:
            state: of a session that nobody else uses.
            kept: for how long an alert that has ended stays on the topic of those that stand.
        """
        self._state, self._publisher, self._kept = state, publisher, kept
        self._turn = Lock()
        self.sent = 0
        """Versions that were sent from here."""

    def send(self, publisher: Publisher | None = None) -> dict[int, int]:
        """
        Send all that waits.

        Returns:
            Kafka's next offset of each partition of the alerts topic that was written.

        Raises:
            LockTaken: the lock is lost.
        """
        written: dict[int, int] = {}
        with self._turn:
            while waiting := self._state.alerts.waiting(_AT_ONCE):
                written |= (publisher or self._publisher).alerts(waiting)
                # If a crash takes this back, the next term hears on the topic what was sent.
                with self._state.writing(is_durable=False):
                    self._state.alerts.sent(waiting)
                self.sent += len(waiting)
                log.info("alerts_published", versions=len(waiting), rules=sorted({alert.rule for alert in waiting}))
        return written

    def say_standing(self, alive: Callable[[], None]) -> None:
        """Say on the topic of those that stand which alerts do."""
        after = ""
        with self._turn:
            while chunk := self._state.alerts.standing(after, _AT_ONCE):
                self._publisher.current(alert for alert in chunk if not alert.test)
                after = chunk[-1].alert_id
                alive()

    def retire(self, now: datetime) -> None:
        """Take alerts off the topic of those that stand which ended long enough ago."""
        with self._turn:
            while over := self._state.alerts.ended(now - self._kept):
                self._publisher.retire(over)
                with self._state.writing():
                    self._state.alerts.retired(over)
