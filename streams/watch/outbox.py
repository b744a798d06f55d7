"""
Sends the outbox to the topics.

Each version is sent once, and versions are sent in the order in which they were decided.
"""

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
    Sends the alert versions in the outbox.

    1. The transaction that decides a version also writes it to the outbox. So a crash cannot lose a version.
    2. `send` publishes the oldest versions, up to 1,000, in one Kafka transaction, and waits until the broker has
       acknowledged it. Consumers see either all of these versions or none.
    3. After that, a database transaction removes the versions from the outbox.
    4. After a crash between steps 2 and 3, the versions are both on the topic and in the outbox. Therefore a watcher
       that becomes the leader first reads the alerts topic to its end. If it finds a version there, it removes this
       version from the outbox instead of sending it again.

    While one thread uses a method, other threads wait.
    """

    def __init__(self, state: State, publisher: Publisher, kept: timedelta) -> None:
        """
        Create the outbox.

        Args:
            state: the state. Its database session must be used only here.
            kept: how long an ended alert stays on the topic of current alerts.
        """
        self._state, self._publisher, self._kept = state, publisher, kept
        self._turn = Lock()
        self.sent = 0
        """How many versions this outbox has sent."""

    def send(self, publisher: Publisher | None = None) -> dict[int, int]:
        """
        Send everything in the outbox.

        Returns:
            Kafka's next offset of each partition that versions were written to. All of them are partitions of the
            alerts topic.

        Raises:
            LockTaken: this watcher no longer holds the lock.
        """
        written: dict[int, int] = {}
        with self._turn:
            while waiting := self._state.alerts.waiting(_AT_ONCE):
                written |= (publisher or self._publisher).alerts(waiting)
                # This commit does not wait for the disk. If a crash undoes the transaction, the next leader finds the
                # sent versions on the topic.
                with self._state.writing(is_durable=False):
                    self._state.alerts.sent(waiting)
                self.sent += len(waiting)
                log.info("alerts_published", versions=len(waiting), rules=sorted({alert.rule for alert in waiting}))
        return written

    def say_standing(self, alive: Callable[[], None]) -> None:
        """Publish all current alerts on the topic of current alerts, each with its latest version."""
        after = ""
        with self._turn:
            while chunk := self._state.alerts.standing(after, _AT_ONCE):
                self._publisher.current(alert for alert in chunk if not alert.test)
                after = chunk[-1].alert_id
                alive()

    def retire(self, now: datetime) -> None:
        """Remove old alerts from the topic of current alerts. An alert is old if it ended more than `kept` ago."""
        with self._turn:
            while over := self._state.alerts.ended(now - self._kept):
                self._publisher.retire(over)
                with self._state.writing():
                    self._state.alerts.retired(over)
