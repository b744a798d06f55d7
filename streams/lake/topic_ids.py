"""
Which topics the landed offsets are of.

A topic that was deleted and made again has its name, but another id; its offsets begin again, and say nothing of the
rows that the lake has.
"""

from collections.abc import Mapping
from contextlib import closing

import duckdb

from streams import names
from streams.errors import LakeConflict
from streams.kafka.client import consumer
from streams.lake.connect import connect
from streams.settings import Settings

__all__ = ["check_made_anew", "landed_topic_ids", "made_anew", "topics_made_anew"]


def landed_topic_ids(lake: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Ids of the topics of which records have landed; without those that landed before ids were kept."""
    try:
        return dict(lake.execute("SELECT topic, topic_id FROM landing.main.topics").fetchall())
    except duckdb.CatalogException:
        return {}


def made_anew(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Topics whose id is another one than before."""
    return sorted(topic for topic, id_ in now.items() if before.get(topic, id_) != id_)


def check_made_anew(before: Mapping[str, str], now: Mapping[str, str]) -> None:
    """
    Make sure that the topics are those that have landed.

    Raises:
        LakeConflict: one was deleted and made again.
    """
    if topics := made_anew(before, now):
        raise LakeConflict(
            f"{', '.join(topics)} was deleted and made again: its offsets begin anew, and this lake has rows of the "
            "topic before; see 'A topic that was made again' in docs/operate.md"
        )


def topics_made_anew(settings: Settings) -> list[str]:
    """
    Topics that are not those of which the lake has rows.

    Raises:
        BrokerUnavailable: no broker answers.
        LakeUnavailable: the lake does not answer.
    """
    with connect(settings, marts=None) as lake, closing(consumer(settings)) as kafka:
        return made_anew(landed_topic_ids(lake), kafka.topic_ids(names.LANDED_TOPICS))
