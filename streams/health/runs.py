"""What parts have signed, and what was seen of their work before."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from streams.health.backlog import Backlog
from streams.lake.sign import BEAT_SECONDS
from streams.lake.sign_table import entered
from streams.settings import Settings

__all__ = ["Look", "Run", "Signs", "read_signs", "remember"]

_SILENT_SECONDS = 5 * BEAT_SECONDS
"""Age of a sign from which the process counts as gone or stopped; also that of a sign from the future."""

_LOOKS_EVERY = 10
"""Seconds between two looks that are remembered."""
_COMPARED_SECONDS = 60
"""A look is compared with the newest one that is at least so old: within it a batch is done, and a bulk makes way."""

# Runs of the last hour, and the latest of each part, however old.
_RUNS = """
    SELECT part, host, pid, task, started_at, ended_at, is_standby, error, says, beat_at,
           extract(epoch FROM now - beat_at)::float AS silent_seconds,
           extract(epoch FROM now - turned_at)::float AS still_seconds
    FROM health.runs, (SELECT clock_timestamp() AS now) AS clock
    WHERE greatest(started_at, beat_at) > now - interval '1 hour'
        OR run IN (SELECT DISTINCT ON (part) run FROM health.runs ORDER BY part, started_at DESC)
    ORDER BY started_at
"""
_LOOKS = """
    SELECT DISTINCT ON (part) part, done, waiting_seconds,
           extract(epoch FROM clock_timestamp() - looked_at)::float AS seconds_ago
    FROM health.looks
    WHERE looked_at BETWEEN clock_timestamp() - interval '10 minutes' AND clock_timestamp() - %s * interval '1 second'
    ORDER BY part, looked_at DESC
"""
_REMEMBER = """
    INSERT INTO health.looks
    SELECT %(part)s, clock_timestamp(), %(done)s, %(seconds)s
    WHERE NOT EXISTS (
        SELECT FROM health.looks
        WHERE part = %(part)s AND looked_at > clock_timestamp() - %(every)s * interval '1 second'
    )
    ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a part, as it has signed; seconds are by the database's clock."""

    part: str
    host: str
    pid: int
    task: str
    started_at: datetime
    ended_at: datetime | None
    is_standby: bool
    error: str
    says: str
    beat_at: datetime
    silent_seconds: float
    still_seconds: float

    @property
    def is_alive(self) -> bool:
        """Whether it gives signs; one from the future was given before the clock was set back, and is none."""
        return self.ended_at is None and abs(self.silent_seconds) < _SILENT_SECONDS

    @property
    def has_failed(self) -> bool:
        """Whether it ended by an error, or without a word."""
        return not self.is_alive and (self.ended_at is None or bool(self.error))

    @property
    def over_at(self) -> datetime:
        """When it ended, or gave its last sign."""
        return self.ended_at or self.beat_at


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a part's work stood a while ago."""

    done: int
    waiting_seconds: float
    seconds_ago: float


@dataclass(frozen=True, kw_only=True)
class Signs:
    """All that was signed; `now` is the database's, `made_at` when the tables were made."""

    now: datetime
    made_at: datetime
    runs: list[Run]
    looks: dict[str, Look]


def read_signs(settings: Settings) -> Signs:
    """
    Read what parts have signed.

    Raises:
        LakeUnavailable: PostgreSQL does not answer.
    """
    with entered(settings) as cursor:
        cursor.execute("SELECT clock_timestamp(), made_at FROM health.home")
        now, made_at = cursor.fetchone()
        cursor.execute(_RUNS)
        names = [column.name for column in cursor.description]
        runs = [Run(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]
        cursor.execute(_LOOKS, [_COMPARED_SECONDS])
        looks = {
            part: Look(done=done, waiting_seconds=seconds, seconds_ago=ago)
            for part, done, seconds, ago in cursor.fetchall()
        }
    return Signs(now=now, made_at=made_at, runs=runs, looks=looks)


def remember(settings: Settings, backlogs: Mapping[str, Backlog]) -> None:
    """
    Keep what was seen, so that the next look can tell the direction; an hour of it.

    Raises:
        LakeUnavailable: PostgreSQL does not answer.
    """
    with entered(settings) as cursor:
        for part, backlog in backlogs.items():
            values = {"part": part, "done": backlog.done, "seconds": backlog.seconds, "every": _LOOKS_EVERY}
            cursor.execute(_REMEMBER, values)
        cursor.execute("DELETE FROM health.looks WHERE looked_at < clock_timestamp() - interval '1 hour'")
