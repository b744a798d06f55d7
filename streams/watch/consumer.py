"""A Kafka consumer that numbers records in the same way as the lake."""

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
    Make a consumer that numbers records in the same way as the lake.

    If the lake cannot be read, the consumer uses Kafka's offsets. Kafka's offsets are never higher than the lake's
    numbers. So some records may be evaluated twice, but no record is skipped.

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
