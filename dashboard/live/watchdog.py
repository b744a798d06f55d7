"""Checks every part every ten seconds, in a thread. The health page and Prometheus use the results."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import duckdb
import structlog

from dashboard.reading.reader import Reader
from streams.health.asking import Asker
from streams.health.figures import FigureReader, Figures
from streams.health.look import Health, Holds, Observer
from streams.health.metrics import Metrics
from streams.settings import Settings

__all__ = ["Watchdog"]

log = structlog.get_logger()

_EVERY_SECONDS = 10.0
_PATIENCE_SECONDS = 10.0


class Watchdog(threading.Thread):
    """
    Keeps the results of the latest check. If a check fails, the older results stay, and readers see how old
    they are.
    """

    def __init__(self, settings: Settings, reader: Reader, holds: Holds | None) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._reader = reader
        self._observer = Observer(settings, holds, self._lake)
        self._figures, self._asker = FigureReader(), Asker(_PATIENCE_SECONDS)
        self._ended = threading.Event()
        self.health = Health(looked_at=datetime.now(UTC))
        self.metrics = Metrics()

    def run(self) -> None:
        """Check every ten seconds until `end` is called."""
        while not self._ended.is_set():
            try:
                self.look()
            except Exception as error:
                log.exception("look_failed", error=type(error).__name__)
            self._ended.wait(_EVERY_SECONDS)

    def look(self) -> None:
        """Check all parts once, and keep the results."""
        self.health = self._observer.look()
        figures = self._asker.ask({"figures": self._read_figures})["figures"]
        self.metrics.note(self.health, figures if isinstance(figures, Figures) else None)

    def end(self) -> None:
        """Stop checking. Do not wait for a check that hangs."""
        self._ended.set()

    @contextmanager
    def _lake(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._reader.snapshot() as snapshot:
            yield snapshot.lake

    def _read_figures(self) -> Figures:
        with self._lake() as lake:
            return self._figures.read(lake)
