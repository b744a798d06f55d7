"""
Report the state of a part: whether it runs, whether its loop makes progress, and which error ended it.

Such a report is called a sign of life. The loop keeps the report only in memory, so reporting takes no time. A thread
writes it to PostgreSQL every two seconds, and tries again if PostgreSQL does not answer. No part waits for this thread,
and no part fails because of it.
"""

import os
import socket
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from uuid import uuid4

import psycopg2
import structlog

from streams.errors import CafError, LakeUnavailable
from streams.lake.sign_table import connect
from streams.settings import PROJECT, Settings

__all__ = ["BEAT_SECONDS", "HANG_SECONDS", "Sign", "error_of", "sign_of_life"]

log = structlog.get_logger()

BEAT_SECONDS = 2.0
"""Seconds between two writes while a part runs."""
HANG_SECONDS = {"intake": 120.0, "watch": 600.0}
"""How long one round of a part's loop may take, for parts that lose the lead if it takes longer."""
_LAST_WORDS_SECONDS = 5.0
"""When a part ends, it waits at most this many seconds for its last report to be written."""
_LONGEST = 400
"""How many characters of an error message are stored."""

# The commit does not wait for the disk. If the server loses the report, the next one is written two seconds later.
_BEAT = """
    SET LOCAL synchronous_commit = off;
    INSERT INTO health.runs AS known
    SELECT %(run)s, %(part)s, %(host)s, %(pid)s, now - %(lived)s * second, now, now - %(still)s * second,
           CASE WHEN %(ended)s THEN now END, %(is_standby)s, %(task)s, %(error)s, %(says)s
    FROM (SELECT clock_timestamp() AS now, interval '1 second' AS second) AS clock
    ON CONFLICT (run) DO UPDATE SET
        beat_at = excluded.beat_at, turned_at = excluded.turned_at, ended_at = excluded.ended_at,
        is_standby = excluded.is_standby, error = excluded.error, says = excluded.says
"""
# The newest run of a part keeps its row even if it ended long ago. The row shows when the part stopped.
_FORGET = "DELETE FROM health.runs WHERE part = %(part)s AND beat_at < clock_timestamp() - interval '1 day'"


class Sign:
    """What a running part reports about itself. No method waits or fails."""

    def __init__(self, part: str) -> None:
        self.part = part
        self.error: BaseException | None = None
        self.is_standby = False
        self.turned = monotonic()

    def turn(self) -> None:
        """Report that the part's loop has completed a round. This shows that everything in the round worked."""
        self.turned, self.is_standby, self.error = monotonic(), False, None

    def lead(self) -> None:
        """
        Report that the part is starting, which takes a while.

        An error that was reported before is kept, because its cause may still be there.
        """
        self.turned, self.is_standby = monotonic(), False

    def stand_by(self) -> None:
        """Report that the part is a standby: it waits until another process of the same part ends."""
        self.turned, self.is_standby = monotonic(), True

    def is_turning(self) -> bool:
        """Return whether the part's loop has made progress within the time that one round may take."""
        return monotonic() - self.turned <= HANG_SECONDS[self.part]

    def trouble(self, error: BaseException) -> None:
        """Report that an error keeps the part from working, and that the part will try again."""
        self.turned, self.error = monotonic(), error


@contextmanager
def sign_of_life(settings: Settings, part: str) -> Iterator[Sign]:
    """Write reports about a part until the block ends. If an error ends the block, it is recorded and raised again."""
    sign = Sign(part)
    recorder = _Recorder(settings, sign)
    recorder.start()
    try:
        yield sign
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        sign.error = error
        raise
    else:
        sign.error = None
    finally:
        recorder.end()


def error_of(error: BaseException | None) -> tuple[str, str]:
    """
    Return the class name of an error, and a message without data from records.

    The messages of our own errors contain no data from records. For any other error, the message only says where in our
    code the error occurred.
    """
    if error is None:
        return "", ""
    if isinstance(error, CafError):
        return type(error).__name__, str(error)[:_LONGEST]
    ours = [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(PROJECT)
    ]
    where = f"{Path(ours[-1].filename).relative_to(PROJECT)}, line {ours[-1].lineno}" if ours else ""
    return type(error).__name__, where


class _Recorder(threading.Thread):
    """The thread that writes the reports of one run to PostgreSQL."""

    def __init__(self, settings: Settings, sign: Sign) -> None:
        super().__init__(name=f"sign-of-{sign.part}", daemon=True)
        self._settings, self._sign = settings, sign
        self._id, self._since = str(uuid4()), monotonic()
        self._connection: psycopg2.extensions.connection | None = None
        self._ended = threading.Event()
        self._is_away = False

    def run(self) -> None:
        """Write the report every two seconds until the run ends, and then once more."""
        self._write(_FORGET)
        while not self._ended.wait(BEAT_SECONDS):
            self._write()
        self._write()
        if self._connection is not None:
            with suppress(psycopg2.Error):
                self._connection.close()

    def end(self) -> None:
        """Tell the thread to write the end of the run; wait at most five seconds for this."""
        self._ended.set()
        self.join(_LAST_WORDS_SECONDS)

    def _write(self, also: str = "") -> None:
        try:
            if self._connection is None:
                self._connection = connect(self._settings)
            with self._connection, self._connection.cursor() as cursor:
                cursor.execute(";".join(filter(None, (_BEAT, also))), self._facts())
            self._is_away = False
        except (psycopg2.Error, LakeUnavailable) as error:
            if not self._is_away:
                log.warning("sign_of_life_unwritten", part=self._sign.part, error=type(error).__name__)
            self._is_away, self._connection = True, None

    def _facts(self) -> dict[str, object]:
        sign, now = self._sign, monotonic()
        error, says = error_of(sign.error)
        return {
            "run": self._id,
            "part": sign.part,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "lived": now - self._since,
            "still": now - sign.turned,
            "ended": self._ended.is_set(),
            "is_standby": sign.is_standby,
            # Airflow tells each task its DAG and its name in environment variables.
            "task": ".".join(filter(None, map(os.environ.get, ("AIRFLOW_CTX_DAG_ID", "AIRFLOW_CTX_TASK_ID")))),
            "error": error,
            "says": says.replace("\0", ""),
        }
