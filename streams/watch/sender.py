"""Sends the outbox in a separate thread, while the watcher evaluates the next batch."""

from collections.abc import Callable
from threading import Condition, Thread

__all__ = ["Sender"]

_ALIVE_SECONDS = 1.0

Written = dict[int, int]
"""Kafka's next offset of each partition that versions were written to."""


class Sender:
    """
    A thread that sends everything in the outbox each time it is woken.

    1. The watcher calls `wake` after each transaction that may have added versions. `wake` counts these requests.
    2. The thread remembers how many requests there are, and sends everything in the outbox. Then these requests are
       done.
    3. `settled` returns None until all requests are done. Then it returns the written offsets. By then, every version
       that was decided before the last `wake` is on the topic and acknowledged. The watcher moves the watermark only
       then.
    4. If sending fails, the thread ends. `settled` then raises the error in the watcher's own thread.

    Args:
        send: a function that sends everything in the outbox and returns the written offsets.
    """

    def __init__(self, send: Callable[[], Written]) -> None:
        self._send = send
        self._changed = Condition()
        self._wanted = self._done = 0
        self._is_closed = False
        self._written: Written = {}
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, name="alerts-sender", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Ask the thread to send everything in the outbox."""
        with self._changed:
            self._wanted += 1
            self._changed.notify_all()

    @property
    def is_busy(self) -> bool:
        """Whether there may be versions to send."""
        with self._changed:
            return self._done < self._wanted

    def settled(self) -> Written | None:
        """
        Return the offsets written since the last call. Return None while there may still be versions to send.

        Raises:
            Exception: the error that ended the thread.
        """
        with self._changed:
            if self._error is not None:
                raise self._error
            if self._done < self._wanted:
                return None
            written, self._written = self._written, {}
            return written

    def wait(self, alive: Callable[[], None]) -> None:
        """Wait until everything has been sent, or the thread has ended. Meanwhile, call `alive` once a second."""
        while not self._is_over(_ALIVE_SECONDS):
            alive()

    def close(self) -> None:
        """Let the thread finish what it is sending. Then end the thread."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join()

    def _is_over(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._done >= self._wanted or self._error is not None, seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted > self._done or self._is_closed)
                if self._is_closed:
                    return
                wanted = self._wanted
            try:
                written = self._send()
            except BaseException as error:  # noqa: BLE001 - raised again in the watcher's own thread
                with self._changed:
                    self._error = error
                    self._changed.notify_all()
                return
            with self._changed:
                self._written |= written
                self._done = wanted
                self._changed.notify_all()
