"""Sends audit entries that wait on the disk, as soon as the broker answers again, in a thread."""

import threading

import structlog

from streams.audit.recorder import Recorder

__all__ = ["Sender"]

log = structlog.get_logger()

_EVERY_SECONDS = 5.0


class Sender(threading.Thread):
    """Tries every few seconds."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(name="sender", daemon=True)
        self._recorder = recorder
        self._ended = threading.Event()

    def run(self) -> None:
        """Send waiting entries until `end` is called."""
        while not self._ended.wait(_EVERY_SECONDS):
            if self._recorder.waits():
                self._recorder.send_waiting()
                log.warning("audit_entries_waited", still_wait=self._recorder.waits())

    def end(self) -> None:
        """Stop sending."""
        self._ended.set()
        self.join(timeout=5)
