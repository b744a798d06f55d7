"""
Deliver an alert to its receiver. Try again as long as that can help. If the alert cannot be delivered, store it as a
dead letter.
"""

from collections.abc import Callable

import structlog
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from streams.contracts.outputs import Alert
from streams.tell.subscribers.dead_letters import DeadLetters

__all__ = ["NotTaken", "NotYetTaken", "Send", "deliver"]

Send = Callable[[Alert], None]
"""Sends an alert to its receiver. Raises `NotYetTaken` or `NotTaken` if the receiver does not accept it."""

log = structlog.get_logger()


class NotTaken(Exception):
    """The receiver refuses the alert, and trying again would not help."""


class NotYetTaken(NotTaken):
    """The receiver did not accept the alert, but may accept it if it is sent again."""


def deliver(alert: Alert, send: Send, letters: DeadLetters, *, attempts: int, pause_seconds: float) -> bool:
    """
    Send an alert, and return True if the receiver accepted it. Otherwise store the alert as a dead letter and return
    False.

    Args:
        attempts: how often to try at most.
        pause_seconds: the pause before the second attempt. Each later pause is about twice as long as the one before,
            but at most a minute.
    """
    known = {"alert_id": alert.alert_id, "version": alert.version}
    tries = Retrying(
        stop=stop_after_attempt(attempts),
        wait=wait_exponential_jitter(multiplier=pause_seconds, max=60, jitter=pause_seconds),
        retry=retry_if_exception_type(NotYetTaken),
    )
    try:
        tries(send, alert)
    except RetryError as error:
        reason = f"{error.last_attempt.exception()}; tried {attempts} times"
    except NotTaken as error:
        reason = str(error)
    else:
        log.info("alert_sent", **known)
        return True
    letters.add(alert, reason)
    log.error("alert_not_sent", reason=reason, **known)
    return False
