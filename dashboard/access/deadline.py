"""A limit for how long something may take altogether."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

__all__ = ["within"]

T = TypeVar("T")


def within(seconds: float, call: Callable[[], T]) -> T:
    """
    Return the result of a call that may take so many seconds.

    The timeout of a request limits how long the other side may be silent. A server that sends a byte now and then could
    keep a caller for hours.

    Raises:
        TimeoutError: the call takes longer. It goes on in a thread, and nobody gets its result.
    """
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(call())
        except Exception as error:  # noqa: BLE001  # whoever waits for the answer raises it
            answer.set_exception(error)

    threading.Thread(target=run, name="request", daemon=True).start()
    return answer.result(seconds)
