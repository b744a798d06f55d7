"""Offsets as the lake counts them, for the watcher."""

import duckdb
import structlog

from streams.errors import LakeUnavailable
from streams.kafka.client import consumer
from streams.kafka.generations import Generations
from streams.kafka.reading import TolerantConsumer
from streams.lake.generations import generations
from streams.settings import Settings

__all__ = ["watch_consumer"]

log = structlog.get_logger()


def watch_consumer(settings: Settings, **config: object) -> TolerantConsumer:
    """
    A consumer whose offsets are those of the lake; while that is away they are Kafka's.

    Those are never larger, so that something may be judged twice, and nothing is passed over.

    Raises:
        BrokerUnavailable: no broker answers.
    """

    def known(kafka: TolerantConsumer) -> Generations:
        try:
            return generations(settings, kafka)
        except (LakeUnavailable, duckdb.Error) as error:
            log.warning("lake_not_read", reason=type(error).__name__)
            return {}

    return consumer(settings, generations=known, **config)
