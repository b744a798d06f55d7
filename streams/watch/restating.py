"""
The next version of an alert that the build judges is said by one at a time.

The build restates such an alert, and the watcher says what people did with it. Either numbers its version after those
that it has heard: it holds a lock from then until the version is on the topic.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime

from streams.contracts.outputs import Alert
from streams.lake.advisory import HeldLock, advisory_lock
from streams.lake.lock_keys import LockKey
from streams.settings import Settings
from streams.watch.alert_book import Place, place_of
from streams.watch.judge import Judge
from streams.watch.leader import Leadership
from streams.watch.publish import Publisher

__all__ = ["Restatements", "restating"]

Say = Callable[[Iterator[list[Alert]], Publisher], None]
"""Publishes versions, chunk by chunk."""


def restating(settings: Settings) -> AbstractContextManager[HeldLock]:
    """
    Hold the lock, as the build does; whoever has it is waited for.

    Raises:
        LakeUnavailable: PostgreSQL does not answer.
        LockTaken: another process had it for ten minutes.
        SettingInvalid: PostgreSQL is reached through a pooler that hands sessions on.
    """
    return advisory_lock(settings, LockKey.RESTATING)


class Restatements:
    """
    The watcher's versions of alerts that the build judges, put off until the build is not saying one.

    The lock is never waited for: a build that hangs holds up no alert of a family.
    """

    def __init__(self, settings: Settings, judge: Judge, leadership: Leadership) -> None:
        self._settings = settings
        self._judge = judge
        self._leadership = leadership
        self._places: dict[Place, datetime] = {}

    @property
    def are_due(self) -> bool:
        """Whether any are put off."""
        return bool(self._places)

    def put_off(self, alerts: Collection[Alert]) -> list[Alert]:
        """Remember where such versions are called for; returns the versions that are the watcher's alone."""
        own = []
        for alert in alerts:
            if alert.version == 1 or alert.test or self._judge.judges(alert):
                own.append(alert)
            else:
                place = place_of(alert)
                self._places[place] = max(alert.received_at, self._places.get(place, alert.received_at))
        return own

    def say(self, hear: Callable[[], None], as_of: Callable[[], datetime], say: Say) -> None:
        """
        Hear what the build has said, and say what is called for then; at another call if the build is speaking.

        Raises:
            LockTaken: the leader's connection is lost.
        """
        if not self._places:
            return
        with self._leadership.holding(LockKey.RESTATING) as lock:
            if lock is not None:
                with closing(Publisher(self._settings, lock)) as publisher:
                    hear()
                    say(self._judge.restate(self._places, as_of(), datetime.now(UTC)), publisher)
                self._places = {}
