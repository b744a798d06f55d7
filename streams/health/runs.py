"""Read what each part last reported about itself (its sign of life), and the stored results of earlier checks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from streams.health.backlog import Backlog
from streams.lake.lock_rights import lock_takers
from streams.lake.one_row import one_row
from streams.lake.sign import BEAT_SECONDS
from streams.lake.sign_table import entered
from streams.settings import Settings

__all__ = ["Look", "Run", "Signs", "read_signs", "remember"]

_SILENT_SECONDS = 5 * BEAT_SECONDS
"""
If a part's last sign of life is older than this many seconds, its process counts as gone or paused.

The same is true if the time of the sign of life lies more than this many seconds in the future.
"""

_LOOKS_EVERY = 10
"""The minimum number of seconds between two checks whose results are stored."""
_COMPARED_SECONDS = 60
"""
A check is compared with the newest stored check that is at least this many seconds old.

In this time, a part can finish a batch, and a large backlog becomes visibly smaller.
"""

# Select the runs of the last hour, and the latest run of each part, however old it is.
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
    """
    One run of a part, as the part reported it. Seconds are measured by the database's clock.

    Attributes:
        part: the name of the part.
        host: the machine's name.
        pid: the id of the process.
        task: the Airflow task that runs the part, if there is one.
        started_at: when the run started.
        ended_at: when the run ended. None if the run did not report an end.
        is_standby: True if the run waits for another process to end.
        error: the type of the error that ended the run or keeps it from working.
        says: the message of that error.
        beat_at: when the run last reported that it is alive (its last sign of life).
        silent_seconds: the seconds since then.
        still_seconds: the seconds since the run's loop last completed a round.
    """

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
        """
        Return True if the process has recently reported that it is alive.

        A report from the future does not count, because it was made before the clock was set back.
        """
        return self.ended_at is None and abs(self.silent_seconds) < _SILENT_SECONDS

    @property
    def has_failed(self) -> bool:
        """Return True if the run ended with an error, or stopped reporting and never reported its end."""
        return not self.is_alive and (self.ended_at is None or bool(self.error))

    @property
    def over_at(self) -> datetime:
        """When the run ended or, if it reported no end, when it last reported that it was alive."""
        return self.ended_at or self.beat_at


@dataclass(frozen=True, kw_only=True)
class Look:
    """
    What an earlier check found out about a part.

    It says how many records the part had processed, how long the oldest record had waited, and how long ago the check
    was. Times are in seconds.
    """

    done: int
    waiting_seconds: float
    seconds_ago: float


@dataclass(frozen=True, kw_only=True)
class Signs:
    """
    What all parts reported about themselves, and the results of earlier checks.

    `now` is the database's time. `made_at` is when the tables were created. `lock_takers` are the logins of analysts
    that could take the locks of the parts.
    """

    now: datetime
    made_at: datetime
    runs: list[Run]
    looks: dict[str, Look]
    lock_takers: list[str]


def read_signs(settings: Settings) -> Signs:
    """
    Read what all parts reported about themselves, and the results of earlier checks.

    Raises:
        LakeUnavailable: PostgreSQL does not answer.
    """
    with entered(settings) as cursor:
        cursor.execute("SELECT clock_timestamp(), made_at FROM health.home")
        now, made_at = one_row(cursor)
        cursor.execute(_RUNS)
        names = [column.name for column in cursor.description or ()]
        runs = [Run(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]
        cursor.execute(_LOOKS, [_COMPARED_SECONDS])
        looks = {
            part: Look(done=done, waiting_seconds=seconds, seconds_ago=ago)
            for part, done, seconds, ago in cursor.fetchall()
        }
        takers = lock_takers(cursor)
    return Signs(now=now, made_at=made_at, runs=runs, looks=looks, lock_takers=takers)


def remember(settings: Settings, backlogs: Mapping[str, Backlog]) -> None:
    """
    Store the results of a check, so that a later check can see whether a backlog grows. Results are kept for an hour.

    Raises:
        LakeUnavailable: PostgreSQL does not answer.
    """
    with entered(settings) as cursor:
        for part, backlog in backlogs.items():
            values = {"part": part, "done": backlog.done, "seconds": backlog.seconds, "every": _LOOKS_EVERY}
            cursor.execute(_REMEMBER, values)
        cursor.execute("DELETE FROM health.looks WHERE looked_at < clock_timestamp() - interval '1 hour'")
