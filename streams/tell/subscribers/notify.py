"""
Deliver alerts to one receiver, using a function that the caller gives. An alert that cannot be delivered becomes a dead
letter.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from streams.settings import Settings
from streams.tell.subscribers.dead_letters import DeadLetters
from streams.tell.subscribers.delivery import Send, deliver
from streams.tell.subscribers.subscription import subscribe

__all__ = ["Notified", "notify", "replay"]


@dataclass
class Notified:
    """How many versions of alerts the receiver accepted, and how many became dead letters."""

    sent: int = 0
    not_taken: int = 0

    def count(self, taken: bool) -> None:
        """Count one more version: as accepted if `taken` is true, otherwise as a dead letter."""
        self.sent += taken
        self.not_taken += not taken


def notify(
    settings: Settings,
    send: Send,
    *,
    group: str,
    attempts: int,
    pause_seconds: float = 1.0,
    until: Callable[[], bool],
    **chosen: Any,
) -> Notified:
    """
    Send alerts as they arrive, until `until` returns true. Alerts from history are never sent.

    Args:
        chosen: the filters. They have the same names as in `subscribe`.
    """
    letters = DeadLetters(settings, group)
    notified = Notified()
    try:
        for alert in subscribe(settings, group=group, until=until, **chosen):
            notified.count(deliver(alert, send, letters, attempts=attempts, pause_seconds=pause_seconds))
    finally:
        letters.close()
    return notified


def replay(settings: Settings, send: Send, *, group: str, attempts: int, pause_seconds: float = 1.0) -> Notified:
    """
    Send a group's dead letters again.

    An alert that the receiver still does not accept becomes a dead letter again.
    """
    letters = DeadLetters(settings, group)
    notified = Notified()
    try:
        for letter in letters.waiting(take=True):
            notified.count(deliver(letter.alert, send, letters, attempts=attempts, pause_seconds=pause_seconds))
    finally:
        letters.close()
    return notified
