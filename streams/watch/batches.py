"""Takes in each batch in one transaction. If PostgreSQL refuses a record, all other records are still taken in."""

from collections.abc import Callable, Mapping, Sequence

import psycopg2.errors
import structlog
from kafka import TopicPartition

from streams.contracts import Accepted, Rejected
from streams.contracts.checks import Reason
from streams.contracts.outputs import Alert
from streams.watch.alerting import PENDING_PLACES, Alerting
from streams.watch.state.agenda import Pending
from streams.watch.state.state import REFUSED, REFUSED_ALLOWED, State

__all__ = ["Batches", "Evaluate"]

log = structlog.get_logger()

Evaluate = Callable[[Sequence[Accepted | Rejected]], None]
"""A function that handles the records of a batch within the transaction of the batch."""


class Batches:
    """Takes in batches and evaluates them. The standbys help with large batches."""

    def __init__(self, state: State, evaluate: Alerting, alive: Callable[[], None]) -> None:
        """
        Create the object.

        Args:
            alive: a function that is called from time to time to show that the watcher is alive.
        """
        self._state, self._alerting, self._alive = state, evaluate, alive

    def take(
        self,
        records: Sequence[Accepted | Rejected],
        heard: Sequence[Alert],
        offsets: Mapping[TopicPartition, int],
        evaluate: Evaluate,
    ) -> bool:
        """
        Evaluate the records of a batch, and store their alerts together with the new offsets.

        1. One transaction does all of the following. `State.writing` checks that no other watcher has begun a term.
           `hear` stores the alert versions that were read from the alerts topic. `evaluate` stores and evaluates the
           records. `advance` stores the offsets. After a crash, the database has either all of these changes or none.
        2. If PostgreSQL refuses a value in the batch, it rolls the transaction back. The batch is then divided in
           halves, again and again, until the refused record is alone. Each half has its own transaction. The refused
           record is stored as unreadable. A last transaction stores the alert versions and the offsets. If a crash
           comes before that, the batch is read again, and whatever is already stored is not stored twice.
        3. If the batch affects many families and records, step 1 has only listed them as pending. `finish` evaluates
           them before this method returns. So no batch is taken in while families or records are pending.

        Returns:
            Whether there are unreadable records to report.

        Raises:
            LockTaken: another watcher has begun a term.
        """
        has_unread = any(isinstance(one, Rejected) for one in records)
        try:
            with self._state.writing():
                self._alerting.hear(heard)
                evaluate(records)
                self._state.advance(offsets)
        except REFUSED:
            self._evaluate_apart(records, evaluate)
            with self._state.writing():
                self._alerting.hear(heard)
                self._state.advance(offsets)
            has_unread = True
        return self.finish() or has_unread

    def finish(self) -> bool:
        """
        Evaluate the families and records that a large batch left pending, until all are evaluated.

        1. Each round is one transaction. The round takes up to 250 pending families and records, evaluates them, and
           stores the resulting alert versions. Taking a family or record deletes its row. After a crash, the row
           exists again, so the family or record is still pending.
        2. Rows that a standby has taken are locked. The leader first takes all rows that are not locked. When only
           locked rows are left, the leader waits for five seconds. Then it ends the standbys' database sessions.
           PostgreSQL rolls their transactions back, and the leader takes the rows.
        3. If PostgreSQL refuses a round, each later round takes only one family or record. If PostgreSQL refuses a
           single family, the newest records about it are stored as unreadable, and the family is no longer pending.
        4. After each round, `alive` is called.

        Returns:
            Whether PostgreSQL refused a family or record. If so, there may be unreadable records to report.
        """
        size, has_refused = PENDING_PLACES, False
        while self._state.agenda.has_pending():
            taken: list[Pending] = []
            try:
                with self._state.writing():
                    taken = self._state.agenda.take_pending(size, waits=True)
                    self._alerting.evaluate_pending(taken)
            except psycopg2.errors.LockNotAvailable:
                log.warning("helpers_ended", reason="a standby has held part of a batch for too long")
                self._state.end_helpers()
            except REFUSED as error:
                if len(taken) == 1:
                    self._refuse(taken[0], error)
                    has_refused = True
                size = 1
            self._alive()
        return has_refused

    def _evaluate_apart(self, records: Sequence[Accepted | Rejected], evaluate: Evaluate) -> None:
        """Evaluate the records of a batch apart from each other, because PostgreSQL refuses one of them."""
        try:
            with self._state.writing():
                evaluate(records)
            # Evaluate what is pending before the next half begins. The next half may affect the same families, and a
            # family can be pending only once.
            self.finish()
        except REFUSED as error:
            if len(records) > 1:
                self._evaluate_apart(records[: len(records) // 2], evaluate)
                self._evaluate_apart(records[len(records) // 2 :], evaluate)
                return
            (one,) = records
            _log_refused((one.topic, one.partition, one.offset), error)
            with self._state.writing():
                self._state.events.quarantine([_unheld(one)])

    def _refuse(self, one: Pending, error: Exception) -> None:
        with self._state.writing():
            refused = self._state.refuse(one)
        log.warning("place_refused", kind=one.place[0], records=len(refused), by=type(error).__name__)
        for place in refused:
            _log_refused(place, error)


def _log_refused(place: tuple[str, int, int], error: Exception) -> None:
    """Log the position of a refused record, but not the server's message, which may contain data from the record."""
    topic, partition, offset = place
    log.warning("record_refused", topic=topic, partition=partition, offset=offset, by=type(error).__name__)


def _unheld(one: Accepted | Rejected) -> Rejected:
    reason = Reason.SCHEMA, None, REFUSED_ALLOWED, None, None
    return Rejected(one.topic, one.partition, one.offset, one.received_ms, *reason, ())
