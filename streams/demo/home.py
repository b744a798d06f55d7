"""Reserve a home for demos only, so that invented families never mix with real ones and no demo stops another."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.errors import SettingInvalid
from streams.settings import Settings
from streams.stack.stack import mark_home

__all__ = ["home_of_demo"]

MARKER = "demo"
"""File that marks a home as one with invented families. A running demo holds a lock on this file."""

_SERVERS = {"CAF_KAFKA": "kafka", "CAF_POSTGRES": "postgres", "CAF_LAKE_DATA": "lake_data", "CAF_AIRFLOW": "airflow"}


@contextmanager
def home_of_demo(settings: Settings) -> Iterator[None]:
    """
    Reserve the home for one demo.

    Raises:
        SettingInvalid: the settings name a server that runs elsewhere, the home has records that are not from a demo,
            or another demo is running in the home.
    """
    named = [variable for variable, field in _SERVERS.items() if getattr(settings, field)]
    if named:
        raise SettingInvalid(
            f"the demo sends invented families, and only to its own servers; run it without {', '.join(named)}"
        )
    marker = settings.home / MARKER
    if not marker.exists() and _has_records(settings):
        raise SettingInvalid(
            f"{settings.home} holds records that no demo has sent, and the demo would mix invented families with "
            "them; set CAF_HOME to a new folder"
        )
    mark_home(settings.home)
    with marker.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingInvalid(
                f"another demo runs in {settings.home} (process {_holder(marker)}); wait until it ends, or set "
                "CAF_HOME to another folder and CAF_KAFKA_PORT, CAF_AIRFLOW_PORT and CAF_DASHBOARD_PORT to other ports"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _has_records(settings: Settings) -> bool:
    return any(Path(settings.lake_folder).rglob("*.parquet"))


def _holder(marker: Path) -> str:
    return marker.read_text().strip() or "unknown"
