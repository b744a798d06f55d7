"""
Tell Airflow that records have landed, while the task that landed them is still running.

Airflow publishes a task's own asset events only when the task ends, and the task `land` runs for hours. The doorbell
carries no data, because `build` reads the lake. So it does no harm if a ring is lost, repeated or late.
"""

import threading

import requests
import structlog

from streams.settings import Settings
from streams.stack.airflow import client

__all__ = ["Doorbell"]

log = structlog.get_logger()

_SECONDS_BETWEEN = 5.0


class Doorbell:
    """Sends asset events to Airflow from a thread of its own, so that landing never waits for Airflow."""

    def __init__(self, settings: Settings, asset: str) -> None:
        self._settings = settings
        self._airflow = client(settings)
        self._asset = asset
        self._asset_id: int | None = None
        self._rung = threading.Event()
        threading.Thread(target=self._run, name="doorbell", daemon=True).start()

    def ring(self, *_: object) -> None:
        """Request a ring. Several requests within five seconds become one ring."""
        self._rung.set()

    def _run(self) -> None:
        pause = threading.Event()
        while self._rung.wait():
            self._rung.clear()
            try:
                self._post()
            except (requests.RequestException, StopIteration) as error:
                log.warning("doorbell_unheard", error=type(error).__name__)
                # Airflow's password may have been replaced since the last ring.
                self._airflow = client(self._settings)
            pause.wait(_SECONDS_BETWEEN)

    def _post(self) -> None:
        if self._asset_id is None:
            found = self._airflow.get("assets", name_pattern=self._asset)["assets"]
            self._asset_id = next(asset["id"] for asset in found if asset["name"] == self._asset)
        self._airflow.post("assets/events", {"asset_id": self._asset_id, "extra": {}})
