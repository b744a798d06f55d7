"""Count how many records were produced, landed, evaluated by the watcher, and built."""

from dataclasses import dataclass
from datetime import datetime

import duckdb

from streams import names
from streams.kafka.heartbeat import last_heartbeat
from streams.lake.connect import connect
from streams.lake.generations import numbered_ends
from streams.marts.snapshot import landed_offsets
from streams.settings import Settings
from streams.times import aware

__all__ = ["Progress", "last_build", "progress"]


@dataclass(frozen=True)
class Progress:
    """
    The next offsets of the input topics at each stage, by topic and partition number. Times are timezone-aware.

    Attributes:
        produced: the ends of the topics.
        landed: the next offsets to land.
        evaluated: the watermark of the last heartbeat.
        is_reporting: whether unreadable records before this watermark are still waiting for their alerts.
        built: the snapshot of the last good build.
        judged_at: when the last heartbeat arrived.
        built_at: when the last good build finished.
    """

    produced: dict[str, list[int]]
    landed: dict[str, list[int]]
    evaluated: dict[str, list[int]]
    is_reporting: bool
    built: dict[str, list[int]]
    judged_at: datetime | None
    built_at: datetime | None

    def behind(self, stage: dict[str, list[int]]) -> int:
        """Return the number of records of the input topics that a stage has not read yet."""
        return sum(sum(self.produced.get(topic, [])) - sum(stage.get(topic, [])) for topic in names.INPUT_TOPICS)

    @property
    def settled(self) -> bool:
        """True if everything that was produced has been evaluated, landed and built."""
        return not (
            self.is_reporting or self.behind(self.landed) or self.behind(self.evaluated) or self.behind(self.built)
        )


def progress(settings: Settings) -> Progress:
    """
    Read the offsets from the broker, the last heartbeat and the lake.

    Raises:
        BrokerUnavailable: no broker answers.
        LakeUnavailable: the lake does not answer.
    """
    heartbeat = last_heartbeat(settings)
    with connect(settings) as lake:
        landed = landed_offsets(lake)
        built = last_build(lake)
    produced: dict[str, dict[int, int]] = {}
    for place, following in numbered_ends(settings, names.INPUT_TOPICS).items():
        produced.setdefault(place.topic, {})[place.partition] = following
    return Progress(
        produced={topic: [parts[number] for number in sorted(parts)] for topic, parts in produced.items()},
        landed=landed,
        evaluated=heartbeat[0].offsets if heartbeat else {},
        is_reporting=heartbeat[0].is_reporting if heartbeat else False,
        built=built[0] if built else {},
        judged_at=heartbeat[1] if heartbeat else None,
        built_at=aware(built[1]) if built else None,
    )


def last_build(lake: duckdb.DuckDBPyConnection) -> tuple[dict[str, list[int]], datetime] | None:
    """Return the snapshot of the last good build, and when that build finished (UTC, without a time zone)."""
    known = lake.execute(
        "select 1 from duckdb_tables() where database_name = 'marts' and schema_name = 'run' and table_name = 'builds'"
    ).fetchone()
    if not known:
        return None
    # The rows are ordered by when they were inserted, not by their time. If a machine's clock was ahead, a build on it
    # would otherwise count as the last build until the other clocks reach its time.
    return lake.execute("select cut, finished_at from marts.run.builds where ok order by rowid desc limit 1").fetchone()
