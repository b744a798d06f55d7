"""Run landing: wait for the landing locks as a standby, then land. Begin again when topics have changed."""

from collections.abc import Callable
from contextlib import ExitStack

import structlog

from streams import names
from streams.audit.checkpoints import Checkpoints
from streams.kafka.client import partitions_of, producer
from streams.kafka.topics import ensure_topics, refuse_differences
from streams.lake.generations import numbered_consumer
from streams.lake.locks import LandingLocks
from streams.lake.sign import Sign, sign_of_life
from streams.land.checks import Validator
from streams.land.dead_letters import DeadLetters
from streams.land.garbage_collection import rarely_collected
from streams.land.lander import CONSUMER, Lander
from streams.land.store import LandingStore
from streams.land.writer import Landed, Writer
from streams.settings import Settings
from streams.times import stops_after

__all__ = ["run"]

log = structlog.get_logger()

_TOPICS = (*names.LANDED_TOPICS, names.AUDIT_CHECKPOINTS)


def run(
    settings: Settings,
    *,
    validator: Validator | None = None,
    on_commit: Callable[[Landed], None] | None = None,
    until: Callable[[], bool] = lambda: False,
    for_seconds: float | None = None,
    once: bool = False,
) -> Landed:
    """
    Land every record of the landed topics. While another process lands them, wait as a standby.

    Args:
        validator: a function that validates the stored rows.
        on_commit: a function that is called after each commit with the totals so far.
        until: called several times a second. When it returns true, all polled records are stored and the run ends.
        for_seconds: the run ends after this time.
        once: the run ends when everything that the topics hold now has landed.

    Raises:
        BrokerUnavailable: no broker answers.
        TopicsUnfit: a topic has settings that would break a guarantee.
        LakeUnavailable: the catalog does not answer. What was committed before is safe.
        LakeConflict: another process has landed the same offsets, or a topic now ends before an offset that has already
            landed.
    """
    stops = stops_after(for_seconds, until)
    landed = Landed()
    with rarely_collected(), sign_of_life(settings, "land") as sign:
        ensure_topics(settings, _TOPICS)
        refuse_differences(settings, _TOPICS)
        while _land(
            settings.acting_as("land"), landed, stops, sign=sign, validator=validator, on_commit=on_commit, once=once
        ):
            log.info("topics_changed")
    return landed


def _land(
    settings: Settings,
    landed: Landed,
    stops: Callable[[], bool],
    *,
    sign: Sign,
    validator: Validator | None,
    on_commit: Callable[[Landed], None] | None,
    once: bool,
) -> bool:
    """Land the partitions that exist now; return whether topics or partitions have changed since."""

    def turns() -> bool:
        sign.turn()
        return stops()

    with ExitStack() as stack:
        kafka = numbered_consumer(settings, **CONSUMER)
        stack.callback(kafka.close)
        kafka.assign(partitions_of(kafka, names.LANDED_TOPICS))
        kafka.seek_to_beginning()
        letters = DeadLetters(settings)
        stack.callback(letters.close)
        parts = producer(settings)
        stack.callback(parts.close)
        locks = LandingLocks(settings, {partition.partition for partition in kafka.assignment()}, is_lease=True)
        stack.callback(locks.close)
        sign.stand_by()
        if not locks.acquire(lambda: not stops()):
            return False
        kafka.generations()  # a standby may have waited long, and the store needs the newest generations
        store = LandingStore(settings)
        stack.callback(store.close)
        writer = Writer(store, letters, parts, validator, on_commit, checkpoints=Checkpoints(settings))
        writer.landed = landed
        stack.callback(writer.close)
        return Lander(settings, kafka=kafka, locks=locks, store=store, writer=writer).run(turns, once=once)
