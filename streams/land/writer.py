"""
Store one batch while the loop fills the next. A separate thread stores the batches one at a time, in order.

While this thread stores a batch, only the thread uses the lake. The loop uses the lake only after it has waited for the
thread.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError

from streams import names
from streams.audit.checkpoints import Checkpoints
from streams.contracts import Reason
from streams.errors import BrokerUnavailable
from streams.land.batch import Batch
from streams.land.checks import Checks, Validator
from streams.land.dead_letters import DeadLetters
from streams.land.parts import send_parts
from streams.land.store import LandingStore

__all__ = ["Landed", "Writer"]

log = structlog.get_logger()

_COMPACT_AFTER_COMMITS = 100
_CHECKPOINT_SECONDS = 60.0
"""The shortest time between two checkpoints of the audit, in seconds."""


@dataclass
class Landed:
    """Totals of what one run has stored."""

    events: int = 0
    rejected: int = 0
    outputs: int = 0
    unsent_letters: int = 0
    """Number of dead letters that their topic did not accept. The quarantine holds the rejected records."""
    batches: int = 0
    seconds: float = 0.0
    """Seconds from the first poll to the last check, without the time for connecting and waiting for the locks."""

    @property
    def rows(self) -> int:
        """Number of stored records of all topics."""
        return self.events + self.rejected + self.outputs


class Writer:
    """
    Stores batches, one after another.

    The steps for each batch:

    1. If a record holds a batch of events, each of these events is sent as a record of its own, and the broker
       acknowledges these records. The batch record itself is quarantined in step 3.
    2. The dead letters of the other rejected records are sent.
    3. One transaction stores all rows (`LandingStore.commit`).
    4. `on_commit` is called, which rings the doorbell.
    5. If the last check was at least five seconds ago, new rows are validated. After every hundred commits, small files
       are merged. If entries of the audit have landed and the last checkpoint was at least a minute ago, a new one is
       written.

    After a crash before step 3, the batch is read again. Then steps 1 and 2 send the same records a second time. If a
    step fails, `wait` raises the error in the loop, and the loop ends.
    """

    def __init__(
        self,
        store: LandingStore,
        letters: DeadLetters,
        parts: KafkaProducer,
        validator: Validator | None,
        on_commit: Callable[[Landed], None] | None,
        *,
        checkpoints: Checkpoints,
    ) -> None:
        self._store, self._letters, self._parts, self._on_commit = store, letters, parts, on_commit
        self._checks = Checks(store, validator) if validator else None
        self._checkpoints, self._unproven, self._proven_at = checkpoints, False, time.monotonic()
        self._landed_at = store.last_landed_at() or datetime.fromtimestamp(0, UTC)
        self._uncompacted = 0
        self._thread = ThreadPoolExecutor(1, "land-writer")
        self._end: Future[None] | None = None
        self.batch: Batch | None = None
        """The batch that is being stored; None if no batch is being stored."""
        self.landed = Landed()

    @property
    def ready(self) -> bool:
        """Whether no batch is being stored, so that `wait` would return at once."""
        return self._end is None or self._end.done()

    def start(self, batch: Batch) -> None:
        """Begin to store a batch. Before that, the caller must have called `wait` for the last batch."""
        assert self.batch is None
        self.batch, self._end = batch, self._thread.submit(self._write, batch)

    def wait(self) -> Batch | None:
        """
        Wait until nothing is being stored. Return the batch that was being stored, or None if there was none.

        Raises:
            LakeConflict: another process has landed the same offsets. No record of the batch is stored.
            LakeUnavailable: the catalog does not answer, or refuses the commit.
        """
        if self._end is None:
            return None
        self._end.result()
        batch, self.batch, self._end = self.batch, None, None
        return batch

    def check(self) -> None:
        """Validate the rows that have landed and are not validated yet."""
        if self._checks:
            self._checks.run(self._landed_at)

    def checkpoint(self) -> None:
        """
        Write a checkpoint of the audit if entries have landed since the last one.

        If the broker does not answer, the next checkpoint covers these entries too.
        """
        if not self._unproven:
            return
        self._proven_at = time.monotonic()
        try:
            with self._store.reader() as lake:
                self._checkpoints.make(lake)
        except (BrokerUnavailable, KafkaError) as error:
            log.warning("checkpoint_waits", reason=type(error).__name__)
        else:
            self._unproven = False

    def close(self) -> None:
        """Let the thread finish the batch that it is storing, and end the thread."""
        self._thread.shutdown()

    def _write(self, batch: Batch) -> None:
        started = time.monotonic()
        opened = [record for record in batch.rejected if record.reason is Reason.BATCH]
        if opened:
            send_parts(self._parts, opened)
        if len(opened) < len(batch.rejected):
            self._letters.send(one for one in batch.rejected if one.reason is not Reason.BATCH)
        # Checks tell batches apart by ranges of `landed_at`. So `landed_at` must grow even if the clock stands still.
        self._landed_at = max(datetime.now(UTC), self._landed_at + timedelta(microseconds=1))
        self._store.commit(batch.tables(self._landed_at), batch.next_offsets)
        self._count(batch, time.monotonic() - started)
        if self._on_commit:
            self._on_commit(self.landed)
        if self._checks and self._checks.due():
            self.check()
        self._compact()
        self._unproven |= (names.AUDIT, 0) in batch.next_offsets
        if time.monotonic() - self._proven_at >= _CHECKPOINT_SECONDS:
            self.checkpoint()

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
