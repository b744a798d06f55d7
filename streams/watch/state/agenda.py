"""The families and records to evaluate: pending after a large batch, put off, with a passed deadline, or to review."""

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
"""The channel on which standbys are notified that families or records are pending."""
_HELPER_SECONDS = 5
"""How many seconds the leader waits for a standby that is evaluating families and records."""


class Pending(NamedTuple):
    """A family or record to evaluate, with the rules and the reason: a record arrived, or an event was amended."""

    number: int
    place: Place
    asked: list[str]
    arrived_at: datetime
    amendment: str | None
    as_of: datetime
    """The time up to which every arrived record was known when this row was stored."""
    taken_in_at: datetime
    """The time by the leader's clock. The watcher that evaluates this row uses it as the current time."""


class Agenda:
    """
    The tables of families and records to evaluate, as one database session sees them.

    Args:
        rules: the checksum of the rules. A watcher takes only rows that are pending for its own rules.
    """

    def __init__(self, session: Session, rules: str) -> None:
        self._session, self._rules = session, rules
        self._has_pending = True
        """Whether rows may be pending. Only the leader's session adds rows, so only its value is right."""

    def put_pending(
        self, places: Iterable[tuple[Place, Collection[str], datetime, str | None]], as_of: datetime, now: datetime
    ) -> None:
        """
        Add families and records to evaluate.

        Args:
            places: each family or record, with its rules, the arrival time of its newest record, and the newest change
                (corrected or withdrawn) of an event about it.
        """
        rows = [(*place, ";".join(rules), arrived_at, amendment) for place, rules, arrived_at, amendment in places]
        self._has_pending = True
        self._session.run(sql.PUT_PENDING, *columns(rows), as_of, now, self._rules)
        self._session.command(f"NOTIFY {PENDING}")

    def has_pending(self) -> bool:
        """Return whether any row is pending or being evaluated by a standby. Only the leader's session can tell."""
        self._has_pending = self._has_pending and bool(self._session.run("SELECT 1 FROM pending LIMIT 1"))
        return self._has_pending

    def take_pending(self, limit: int, *, waits: bool = False) -> list[Pending]:
        """
        Take up to `limit` pending rows. If the transaction fails, the rows are pending again.

        Args:
            waits: whether to wait for rows that other watchers have taken, if no other rows are left.

        Raises:
            psycopg2.errors.LockNotAvailable: other watchers have held the rows for five seconds.
        """
        rows = self._session.run(sql.TAKE_PENDING, limit, self._rules)
        if not rows and waits:
            self._session.command(f"SET LOCAL lock_timeout = '{_HELPER_SECONDS}s'")
            rows = self._session.run(sql.WAIT_FOR_PENDING, limit, self._rules)
        return [Pending(number, (kind, place), rules.split(";"), *rest) for number, kind, place, rules, *rest in rows]

    def put_off(self, places: Mapping[Place, datetime]) -> None:
        """Put families and records off until later, each with the (timezone-aware) arrival time of its cause."""
        self._session.run(sql.PUT_OFF, *columns([(*place, at) for place, at in places.items()], 3))

    def take_up(self) -> dict[Place, datetime]:
        """Remove and return the families and records that were put off."""
        rows = self._session.run("DELETE FROM restatements RETURNING *")
        return {(kind, place): at for kind, place, at in rows}

    def to_review(self, limit: int) -> dict[str, datetime]:
        """
        Remove and return up to `limit` families to review, newest events first.

        Each family comes with the arrival time of its newest event.
        """
        rows = self._session.run(sql.REVIEWED, limit)
        return {family: aware(at) for family, at in rows}

    def unevaluated(self, limit: int) -> dict[str, datetime]:
        """Mark up to `limit` unreadable records as evaluated; return them, each with its (aware) arrival time."""
        rows = self._session.run(sql.UNJUDGED, limit)
        return {record: aware(received_at) for record, received_at in rows}

    def replace_deadlines(
        self, families: Collection[str], rules: Collection[str], deadlines: Iterable[Deadline], as_of: datetime
    ) -> None:
        """
        Replace the stored deadlines of the given families and rules.

        Deadlines before `as_of` (timezone-aware) have passed and are not stored. Deadlines of other families are
        ignored.
        """
        clock = naive(as_of)
        kept = [(one.family_id, one.rule, one.due_at) for one in deadlines if one.family_id in families]
        kept = [one for one in kept if one[2] >= clock]
        self._session.run(sql.REPLACE_DEADLINES, list(families), sorted(rules), *columns(kept, 3))

    def next_due(self) -> tuple[datetime | None, bool]:
        """Return when the next deadline passes (timezone-aware), and whether any family or record was put off."""
        ((due, has_put_off),) = self._session.run(sql.NEXT_DUE)
        return aware(due), has_put_off

    def pop_due(self, as_of: datetime) -> list[Deadline]:
        """Remove and return the deadlines before `as_of`."""
        return [Deadline(*row) for row in self._session.run(sql.POP_DUE, naive(as_of))]
