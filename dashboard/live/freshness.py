"""The freshness of all data, which every page shows at its head. A thread reads it from the lake every two seconds."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from dashboard.reading.reader import NotBuilt, Reader, Row, Snapshot
from streams.errors import LakeUnavailable
from streams.times import aware, naive

__all__ = ["Beat", "Freshness"]

_EVERY_SECONDS = 2.0

_BUILT = "SELECT rowid AS number, finished_at, as_of FROM marts.run.builds WHERE ok ORDER BY rowid DESC LIMIT 1"
_FAILED = "SELECT failed FROM marts.run.builds WHERE NOT ok AND rowid > ? ORDER BY rowid DESC LIMIT 1"
_JUDGED = "SELECT max(received_at) AS at FROM landing.main.heartbeats WHERE received_at > ?"
_LANDED = "SELECT max(landed_at) AS at FROM landing.main.events"


@dataclass(frozen=True, kw_only=True)
class Beat:
    """
    The state of the lake when it was last read. Times have a time zone.

    The figures include everything up to `as_of`, and their build ended at `built_at`. If a newer build failed, `failed`
    lists the models that it could not build.
    """

    asked_at: datetime
    is_lake_there: bool
    as_of: datetime | None = None
    built_at: datetime | None = None
    landed_at: datetime | None = None
    judged_at: datetime | None = None
    failed: tuple[str, ...] = ()

    def age_seconds(self, moment: datetime | None) -> float | None:
        """Return how many seconds ago a time was, or None if there is no time."""
        return None if moment is None else max(0.0, (datetime.now(UTC) - moment).total_seconds())


class Freshness(threading.Thread):
    """
    Keeps the latest state of the lake.

    `says` is called after each build of new figures, when the lake stops answering, and when it answers again.
    """

    def __init__(self, reader: Reader, says: Callable[[], None]) -> None:
        super().__init__(name="pulse", daemon=True)
        self._reader = reader
        self._says = says
        self._ended = threading.Event()
        self.beat = Beat(asked_at=datetime.now(UTC), is_lake_there=True)

    def run(self) -> None:
        """Read the lake every two seconds until `end` is called."""
        while not self._ended.is_set():
            self.ask()
            self._ended.wait(_EVERY_SECONDS)

    def ask(self) -> None:
        """Read the lake once."""
        before = self.beat
        try:
            with self._reader.snapshot() as snapshot:
                self.beat = _read(snapshot, before)
        except LakeUnavailable:
            self.beat = Beat(asked_at=datetime.now(UTC), is_lake_there=False, as_of=before.as_of)
        if (before.built_at, before.is_lake_there) != (self.beat.built_at, self.beat.is_lake_there):
            self._says()

    def end(self) -> None:
        """Stop reading the lake."""
        self._ended.set()
        self.join(timeout=5)


def _read(snapshot: Snapshot, before: Beat) -> Beat:
    built = _maybe(snapshot, _BUILT) or {}
    failed = _maybe(snapshot, _FAILED, [built["number"]]) if built else None
    recent = naive(before.judged_at or datetime(1970, 1, 1, tzinfo=UTC))
    return Beat(
        asked_at=datetime.now(UTC),
        is_lake_there=True,
        as_of=aware(built.get("as_of")),
        built_at=aware(built.get("finished_at")),
        landed_at=aware((_maybe(snapshot, _LANDED) or {}).get("at")),
        judged_at=aware((_maybe(snapshot, _JUDGED, [recent]) or {}).get("at")) or before.judged_at,
        failed=tuple(failed["failed"]) if failed else (),
    )


def _maybe(snapshot: Snapshot, query: str, values: list[object] | None = None) -> Row | None:
    try:
        return snapshot.one(query, values)
    except NotBuilt:
        return None
