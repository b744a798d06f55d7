"""What is to be evaluated: what a large batch left pending, what was put off, passed deadlines, and reviews."""

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
"""The channel on which standbys are notified that something is pending."""
_HELPER_SECONDS = 5
"""How long the leader waits for what a standby is evaluating."""


class Pending(NamedTuple):
    """A family or record to evaluate, with the rules, and the reason: something about it arrived or was amended."""

    number: int
    place: Place
    asked: list[str]
    arrived_at: datetime
    amendment: str | None
    as_of: datetime
    """Everything that had arrived up to this time was known then."""
    taken_in_at: datetime
    """The time by the leader's clock. Whichever watcher evaluates this uses it as the current time."""


class Agenda:
    """
    The tables of what is to be evaluated, as one session sees them.

    Args:
        rules: the checksum of the rules. A watcher takes only what is pending for its own rules.
    """

    def __init__(self, session: Session, rules: str) -> None:
        self._session, self._rules = session, rules
        self._has_pending = True
        """Whether there may be something pending. Only the leader's session adds rows, so only its value is right."""

    def put_pending(
        self, places: Iterable[tuple[Place, Collection[str], datetime, str | None]], as_of: datetime, now: datetime
    ) -> None:
        """
        Add families and records to evaluate.

        Args:
            places: each with its rules, the time of its newest arrival, and how it was amended.
        """
        rows = [(*place, ";".join(rules), arrived_at, amendment) for place, rules, arrived_at, amendment in places]
        self._has_pending = True
        self._session.run(sql.PUT_PENDING, *columns(rows), as_of, now, self._rules)
        self._session.command(f"NOTIFY {PENDING}")

    def has_pending(self) -> bool:
        """Whether anything is pending or being evaluated by a standby; only the leader's session can tell."""
        self._has_pending = self._has_pending and bool(self._session.run("SELECT 1 FROM pending LIMIT 1"))
        return self._has_pending

    def take_pending(self, limit: int, *, waits: bool = False) -> list[Pending]:
        """
        Take some of what is pending. If the transaction fails, it is pending again for others.

        Args:
            waits: if everything left is taken by others, wait for that.

        Raises:
            psycopg2.errors.LockNotAvailable: others have held it for five seconds.
        """
        rows = self._session.run(sql.TAKE_PENDING, limit, self._rules)
        if not rows and waits:
            self._session.command(f"SET LOCAL lock_timeout = '{_HELPER_SECONDS}s'")
            rows = self._session.run(sql.WAIT_FOR_PENDING, limit, self._rules)
        return [Pending(number, (kind, place), rules.split(";"), *rest) for number, kind, place, rules, *rest in rows]

    def put_off(self, places: Mapping[Place, datetime]) -> None:
        """Put off families and records until later, each with the (aware) time at which the cause arrived."""
        self._session.run(sql.PUT_OFF, *columns([(*place, at) for place, at in places.items()], 3))

    def take_up(self) -> dict[Place, datetime]:
        """Remove and return the families and records that were put off."""
        rows = self._session.run("DELETE FROM restatements RETURNING *")
        return {(kind, place): at for kind, place, at in rows}

    def to_review(self, limit: int) -> dict[str, datetime]:
        """Some families to review, newest events first, each with the time of arrival of its newest event."""
        rows = self._session.run(sql.REVIEWED, limit)
        return {family: aware(at) for family, at in rows}

    def unevaluated(self, limit: int) -> dict[str, datetime]:
        """Mark some unreadable records as evaluated and return them, each with its (aware) time of arrival."""
        rows = self._session.run(sql.UNJUDGED, limit)
        return {record: aware(received_at) for record, received_at in rows}

    def replace_deadlines(
        self, families: Collection[str], rules: Collection[str], deadlines: Iterable[Deadline], as_of: datetime
    ) -> None:
        """Replace the deadlines of families by some rules. Those before `as_of` (aware) have passed: leave them out."""
        clock = naive(as_of)
        kept = [(one.family_id, one.rule, one.due_at) for one in deadlines if one.family_id in families]
        kept = [one for one in kept if one[2] >= clock]
        self._session.run(sql.REPLACE_DEADLINES, list(families), sorted(rules), *columns(kept, 3))

    def next_due(self) -> tuple[datetime | None, bool]:
        """When the next deadline passes (aware), and whether anything was put off."""
        ((due, has_put_off),) = self._session.run(sql.NEXT_DUE)
        return aware(due), has_put_off

    def pop_due(self, as_of: datetime) -> list[Deadline]:
        """Remove and return the deadlines that lie before `as_of`."""
        return [Deadline(*row) for row in self._session.run(sql.POP_DUE, naive(as_of))]
