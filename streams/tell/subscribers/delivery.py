"""Bring an alert to its receiver: tried again while that can help, and kept as a dead letter where it cannot."""

from collections.abc import Callable

import structlog
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from streams.contracts.outputs import Alert
from streams.tell.subscribers.dead_letters import DeadLetters

__all__ = ["NotTaken", "NotYetTaken", "Send", "deliver"]

Send = Callable[[Alert], None]
"""Hands an alert to its receiver; raises `NotYetTaken` or `NotTaken`."""

log = structlog.get_logger()


class NotTaken(Exception):
    """The receiver refuses the alert, and will again."""


class NotYetTaken(NotTaken):
    """The receiver did not take the alert, but may when it is tried again."""


def deliver(alert: Alert, send: Send, letters: DeadLetters, *, attempts: int, pause_seconds: float) -> bool:
    """
    Send an alert; returns whether it was taken, otherwise it is among the dead letters, durably.

    Args:
        attempts: how often a receiver that does not answer is tried.
        pause_seconds: before the second attempt; doubled each time, up to a minute, with some chance in it.
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
