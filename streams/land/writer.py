"""
Stores one batch while the loop reads the next: one at a time, in order, on a thread of its own.

Whatever uses the lake happens on that thread, or after it has been waited for, so never two things at once.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from kafka import KafkaProducer

from streams.contracts import Reason
from streams.land.batch import Batch
from streams.land.checks import Checks, Validator
from streams.land.dead_letters import DeadLetters
from streams.land.parts import send_parts
from streams.land.store import LandingStore

__all__ = ["Landed", "Writer"]

log = structlog.get_logger()

_COMPACT_AFTER_COMMITS = 100


@dataclass
class Landed:
    """What one run has stored."""

    events: int = 0
    rejected: int = 0
    outputs: int = 0
    unsent_letters: int = 0
    """Dead letters that their topic did not take; the quarantine holds their records."""
    batches: int = 0
    seconds: float = 0.0
    """From the first poll to the last check, so without connecting and waiting for the locks."""

    @property
    def rows(self) -> int:
        """Records of all topics."""
        return self.events + self.rejected + self.outputs


class Writer:
    """
    Dead letters, transaction, doorbell, checks: all of a batch, before the next one begins.

    The loop that hands batches over is told of a failure when it next waits, and ends by it.
    """

    def __init__(
        self,
        store: LandingStore,
        letters: DeadLetters,
        parts: KafkaProducer,
        validator: Validator | None,
        on_commit: Callable[[Landed], None] | None,
    ) -> None:
        self._store, self._letters, self._parts, self._on_commit = store, letters, parts, on_commit
        self._checks = Checks(store, validator) if validator else None
        self._landed_at = store.last_landed_at() or datetime.fromtimestamp(0, UTC)
        self._uncompacted = 0
        self._thread = ThreadPoolExecutor(1, "land-writer")
        self._end: Future[None] | None = None
        self.batch: Batch | None = None
        """The batch that is being stored; None between two."""
        self.landed = Landed()

    @property
    def ready(self) -> bool:
        """Whether waiting would return at once."""
        return self._end is None or self._end.done()

    def start(self, batch: Batch) -> None:
        """Begin to store a batch; the one before has been waited for."""
        assert self.batch is None
        self.batch, self._end = batch, self._thread.submit(self._write, batch)

    def wait(self) -> Batch | None:
        """
        Return when nothing is being stored; gives the batch that was, all of it done.

        Raises:
            LakeConflict: another process has landed the same offsets; nothing of it is stored.
            LakeUnavailable: the catalog does not answer, or refuses.
        """
        if self._end is None:
            return None
        self._end.result()
        batch, self.batch, self._end = self.batch, None, None
        return batch

    def check(self) -> None:
        """Judge what has landed and was not judged yet."""
        if self._checks:
            self._checks.run(self._landed_at)

    def close(self) -> None:
        """Let what has begun come to its end."""
        self._thread.shutdown()

    def _write(self, batch: Batch) -> None:
        started = time.monotonic()
        opened = [record for record in batch.rejected if record.reason is Reason.BATCH]
        if opened:
            send_parts(self._parts, opened)
        if len(opened) < len(batch.rejected):
            self._letters.send(one for one in batch.rejected if one.reason is not Reason.BATCH)
        # Ranges of `landed_at` tell batches apart, so it must grow even when the clock does not.
        self._landed_at = max(datetime.now(UTC), self._landed_at + timedelta(microseconds=1))
        self._store.commit(batch.tables(self._landed_at), batch.next_offsets)
        self._count(batch, time.monotonic() - started)
        if self._on_commit:
            self._on_commit(self.landed)
        if self._checks and self._checks.due():
            self.check()
        self._compact()

    def _count(self, batch: Batch, seconds: float) -> None:
        outputs = sum(map(len, batch.outputs.values()))
        self.landed.events += len(batch.accepted)
        self.landed.rejected += len(batch.rejected)
        self.landed.outputs += outputs
        self.landed.unsent_letters = self._letters.unsent
        self.landed.batches += 1
        log.info(
            "batch_landed",
            events=len(batch.accepted),
            rejected=len(batch.rejected),
            outputs=outputs,
            commit_seconds=round(seconds, 3),
        )

    def _compact(self) -> None:
        self._uncompacted += 1
        if self._uncompacted >= _COMPACT_AFTER_COMMITS:
            self._store.compact()
            self._uncompacted = 0
