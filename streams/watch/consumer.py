"""A consumer for the watcher, which numbers records as the lake does."""

from typing import Any

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


def watch_consumer(settings: Settings, **config: Any) -> TolerantConsumer:
    """
    Make a consumer that numbers records as the lake does. If the lake cannot be read, Kafka's offsets are used.

    Kafka's own offsets are never larger than the lake's numbers. So some records may be evaluated twice, but none is
    skipped.

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
