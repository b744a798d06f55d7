"""How a batch is taken in: all of it in one transaction, whatever PostgreSQL refuses of it."""

from collections.abc import Callable, Mapping, Sequence

import psycopg2.errors
import structlog
from kafka import TopicPartition

from streams.contracts import Accepted, Rejected
from streams.contracts.decode import Reason
from streams.contracts.outputs import Alert
from streams.watch.alerting import PENDING_PLACES, Alerting
from streams.watch.state.agenda import Pending
from streams.watch.state.state import REFUSED, REFUSED_ALLOWED, State

__all__ = ["Batches", "Evaluate"]

log = structlog.get_logger()

Evaluate = Callable[[Sequence[Accepted | Rejected]], None]
"""What is done with the records of a batch, in its transaction."""


class Batches:
    """Judges batches, large ones together with the watchers that stand by."""

    def __init__(self, state: State, evaluate: Alerting, alive: Callable[[], None]) -> None:
        """
        Args:
            alive: called now and then.
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
        Judge records, hear versions of alerts, and keep both with the offsets.

        Returns:
            Whether there are records that nobody can read.

        Raises:
            LockTaken: another watcher has begun.
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
        Judge what a large batch has left pending until nothing is left of it.

        Returns:
            Whether there are records of which PostgreSQL refuses what they call for.
        """
        size, has_refused = PENDING_PLACES, False
        while self._state.agenda.has_pending():
            taken: list[Pending] = []
            try:
                with self._state.writing():
                    taken = self._state.agenda.take_pending(size, waits=True)
                    self._alerting.evaluate_pending(taken)
            except psycopg2.errors.LockNotAvailable:
                log.warning("helpers_ended", reason="one that stands by has had some of a batch for long")
                self._state.end_helpers()
            except REFUSED as error:
                if len(taken) == 1:
                    self._refuse(taken[0], error)
                    has_refused = True
                size = 1
            self._alive()
        return has_refused

    def _evaluate_apart(self, records: Sequence[Accepted | Rejected], evaluate: Evaluate) -> None:
        """Judge records of which PostgreSQL refuses one, so that none but that one goes unjudged."""
        try:
            with self._state.writing():
                evaluate(records)
            # The next part may concern the same families, and each is pending once.
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
    """Without what the server says, which may quote the record."""
    topic, partition, offset = place
    log.warning("record_refused", topic=topic, partition=partition, offset=offset, by=type(error).__name__)


def _unheld(one: Accepted | Rejected) -> Rejected:
    reason = Reason.SCHEMA, None, REFUSED_ALLOWED, None, None
    return Rejected(one.topic, one.partition, one.offset, one.received_ms, *reason, ())
