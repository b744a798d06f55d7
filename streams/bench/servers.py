"""Start servers for a bench, so that the bench and the stack of a home do not disturb each other."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from streams.kafka.topics import ensure_topics
from streams.settings import Settings
from streams.stack import broker, postgres, stack
from streams.stack.ports import free_ports

__all__ = ["own_home", "own_servers"]

Say = Callable[[str], None]


@contextmanager
def own_home(settings: Settings, say: Say) -> Iterator[Settings]:
    """
    Yield the settings of a temporary home, in which nothing runs yet. It has free ports for Kafka and Airflow.

    At the end, all processes of the home are stopped, and the home is removed.
    """
    with tempfile.TemporaryDirectory(prefix="caf-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # PostgreSQL does not run as root, but must be able to find its files here
        kafka_port, airflow_port = free_ports(2)
        own = replace(
            settings,
            home=Path(folder) / "home",
            kafka="",
            kafka_config="",
            kafka_port=kafka_port,
            postgres="",
            lake_data="",
            airflow="",
            airflow_port=airflow_port,
        )
        # The rules of the project are compiled only once for all benches of a home.
        (settings.home / "rules").mkdir(parents=True, exist_ok=True)
        own.home.mkdir()
        (own.home / "rules").symlink_to((settings.home / "rules").resolve())
        try:
            yield own
        finally:
            say("Stopping the servers …")
            stack.down(own)


@contextmanager
def own_servers(settings: Settings, say: Say, *, with_kafka: bool = True) -> Iterator[Settings]:
    """
    Start PostgreSQL and, unless `with_kafka` is false, Kafka with empty topics. Yield the settings of their temporary
    home.

    At the end, all processes of the home are stopped, and the home is removed.

    Raises:
        StackFailed: a server cannot be started.
    """
    with own_home(settings, say) as own:
        stack.up(own, (postgres.NAME, broker.NAME) if with_kafka else (postgres.NAME,), say=say)
        if with_kafka:
            ensure_topics(own)
        yield own
