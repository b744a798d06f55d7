"""
The families and records that must be evaluated.

They belong to a large batch, were put off until later, have a deadline that has passed, or must be reviewed.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from streams.alerts.standing import Place
from streams.lake.session import Session
from streams.rules.answers import Deadline
from streams.times import aware, naive
from streams.watch.state import agenda_statements as sql
from streams.watch.state.parameters import columns

__all__ = ["PENDING", "Agenda", "Pending"]

PENDING = "watch_pending"
"""The PostgreSQL channel that tells standbys that families or records are pending."""
_HELPER_SECONDS = 5
"""How many seconds the leader waits for a standby that is evaluating families and records."""


class Pending(NamedTuple):
    """
    A family or record that must still be evaluated, because a large batch affects it.

    The object also contains the rules to evaluate, and the reason: a new record, or a corrected or withdrawn event.
    """

    number: int
    place: Place
    asked: list[str]
    arrived_at: datetime
    amendment: str | None
    as_of: datetime
    """The time up to which all records had been read when this row was stored."""
    taken_in_at: datetime
    """The leader's time when it stored this row. The watcher that evaluates the row uses it as the present time."""


class Agenda:
    """
    The tables of families and records to evaluate, as one database session sees them.

    Args:
        rules: the checksum of this watcher's rules. The watcher takes only rows that must be evaluated by these rules.
    """

    def __init__(self, session: Session, rules: str) -> None:
        self._session, self._rules = session, rules
        self._has_pending = True
        """
        Whether rows may be pending. This is reliable only in the leader's session, because only the leader
        adds rows.
        """

    def put_pending(
        self, places: Iterable[tuple[Place, Collection[str], datetime, str | None]], as_of: datetime, now: datetime
    ) -> None:
        """
        Add families and records to evaluate.

        Args:
            places: for each family or record, its rules, the arrival time of its newest record, and the last change of
                an event about it (a correction, a withdrawal or None).
        """
        rows = [(*place, ";".join(rules), arrived_at, amendment) for place, rules, arrived_at, amendment in places]
        self._has_pending = True
        self._session.run(sql.PUT_PENDING, *columns(rows), as_of, now, self._rules)
        self._session.command(f"NOTIFY {PENDING}")

    def has_pending(self) -> bool:
        """
        Return whether any row is pending, or is being evaluated by a standby.

        The answer is reliable only in the leader's session.
        """
        self._has_pending = self._has_pending and bool(self._session.run("SELECT 1 FROM pending LIMIT 1"))
        return self._has_pending

    def take_pending(self, limit: int, *, waits: bool = False) -> list[Pending]:
        """
        Take up to `limit` pending rows. If the transaction fails, the rows are pending again.

        Args:
            waits: whether to wait if other watchers have taken all rows that are left.

        Raises:
            psycopg2.errors.LockNotAvailable: other watchers have held the rows for five seconds.
        """
        rows = self._session.run(sql.TAKE_PENDING, limit, self._rules)
        if not rows and waits:
            self._session.command(f"SET LOCAL lock_timeout = '{_HELPER_SECONDS}s'")
            rows = self._session.run(sql.WAIT_FOR_PENDING, limit, self._rules)
        return [Pending(number, (kind, place), rules.split(";"), *rest) for number, kind, place, rules, *rest in rows]

    def put_off(self, places: Mapping[Place, datetime]) -> None:
        """
        Put off families and records until later.

        `places` contains, for each of them, when the cause of its new alert version arrived (with a time zone).
        """
        self._session.run(sql.PUT_OFF, *columns([(*place, at) for place, at in places.items()], 3))

    def take_up(self) -> dict[Place, datetime]:
        """Remove and return the families and records that were put off."""
        rows = self._session.run("DELETE FROM restatements RETURNING *")
        return {(kind, place): at for kind, place, at in rows}

    def to_review(self, limit: int) -> dict[str, datetime]:
        """
        Remove and return up to `limit` of the families to review. Families with the newest events come first.

        Each family has the arrival time of its newest event.
        """
        rows = self._session.run(sql.REVIEWED, limit)
        return {family: aware(at) for family, at in rows}

    def unevaluated(self, limit: int) -> dict[str, datetime]:
        """
        Mark up to `limit` unreadable records as evaluated.

        Return them with their arrival times, which have a time zone.
        """
        rows = self._session.run(sql.UNJUDGED, limit)
        return {record: aware(received_at) for record, received_at in rows}

    def replace_deadlines(
        self, families: Collection[str], rules: Collection[str], deadlines: Iterable[Deadline], as_of: datetime
    ) -> None:
        """
        Replace the stored deadlines of the given families and rules.

        Deadlines before `as_of` (with a time zone) have passed and are not stored. Deadlines of other families are
        ignored.
        """
        clock = naive(as_of)
        kept = [(one.family_id, one.rule, one.due_at) for one in deadlines if one.family_id in families]
        kept = [one for one in kept if one[2] >= clock]
        self._session.run(sql.REPLACE_DEADLINES, list(families), sorted(rules), *columns(kept, 3))

    def next_due(self) -> tuple[datetime | None, bool]:
        """Return when the next deadline passes (with a time zone), and whether any family or record was put off."""
        ((due, has_put_off),) = self._session.run(sql.NEXT_DUE)
        return aware(due), has_put_off

    def pop_due(self, as_of: datetime) -> list[Deadline]:
        """Remove and return the deadlines before `as_of`."""
        return [Deadline(*row) for row in self._session.run(sql.POP_DUE, naive(as_of))]
