"""What is to be judged: what a large batch has left, what was put off, what falls due, and what is to be reviewed."""

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
"""The channel on which those that stand by are told that there is something to judge."""
_HELPER_SECONDS = 5
"""How long the leader waits for what one that stands by has in hand."""


class Pending(NamedTuple):
    """A family or record to be judged, by which rules, and why: something about it arrived, or was amended."""

    number: int
    place: Place
    asked: list[str]
    arrived_at: datetime
    amendment: str | None
    as_of: datetime
    """Up to when everything that arrived was known then."""
    taken_in_at: datetime
    """By the clock of the leader, which whoever judges it uses."""


class Agenda:
    """
    The tables of what is to be judged, seen by one session.

    Args:
        rules: a name of the rules' version, by which it is judged.
    """

    def __init__(self, session: Session, rules: str) -> None:
        self._session, self._rules = session, rules
        self._has_pending = True
        """Whether there may be something pending: only the session that leads puts it there."""

    def put_pending(
        self, places: Iterable[tuple[Place, Collection[str], datetime, str | None]], as_of: datetime, now: datetime
    ) -> None:
        """Have places judged: each by some rules, with when something about it arrived, and how it was amended."""
        rows = [(*place, ";".join(rules), arrived_at, amendment) for place, rules, arrived_at, amendment in places]
        self._has_pending = True
        self._session.run(sql.PUT_PENDING, *columns(rows), as_of, now, self._rules)
        self._session.command(f"NOTIFY {PENDING}")

    def has_pending(self) -> bool:
        """Whether anything is to be judged, or in somebody's hand; only the session that leads can tell."""
        self._has_pending = self._has_pending and bool(self._session.run("SELECT 1 FROM pending LIMIT 1"))
        return self._has_pending

    def take_pending(self, limit: int, *, waits: bool = False) -> list[Pending]:
        """
        Take some of what is to be judged; it is left to others if the transaction ends badly.

        Args:
            waits: for what others have in hand, if there is nothing else.

        Raises:
            psycopg2.errors.LockNotAvailable: they have had it for long.
        """
        rows = self._session.run(sql.TAKE_PENDING, limit, self._rules)
        if not rows and waits:
            self._session.command(f"SET LOCAL lock_timeout = '{_HELPER_SECONDS}s'")
            rows = self._session.run(sql.WAIT_FOR_PENDING, limit, self._rules)
        return [Pending(number, (kind, place), rules.split(";"), *rest) for number, kind, place, rules, *rest in rows]

    def put_off(self, places: Mapping[Place, datetime]) -> None:
        """Remember places at which something is to be said later, each with when its cause arrived (aware)."""
        self._session.run(sql.PUT_OFF, *columns([(*place, at) for place, at in places.items()], 3))

    def take_up(self) -> dict[Place, datetime]:
        """The places that were put off, which are so no more."""
        rows = self._session.run("DELETE FROM restatements RETURNING *")
        return {(kind, place): at for kind, place, at in rows}

    def to_review(self, limit: int) -> dict[str, datetime]:
        """Some families that are to be looked at again, the latest first, with when their newest event arrived."""
        rows = self._session.run(sql.REVIEWED, limit)
        return {family: aware(at) for family, at in rows}

    def unevaluated(self, limit: int) -> dict[str, datetime]:
        """Some of the records that nobody can read and that are not judged yet, with when each arrived (aware)."""
        rows = self._session.run(sql.UNJUDGED, limit)
        return {record: aware(received_at) for record, received_at in rows}

    def replace_deadlines(
        self, families: Collection[str], rules: Collection[str], deadlines: Iterable[Deadline], as_of: datetime
    ) -> None:
        """Take over the deadlines of families by some rules; those before `as_of` (aware) are over."""
        clock = naive(as_of)
        kept = [(one.family_id, one.rule, one.due_at) for one in deadlines if one.family_id in families]
        kept = [one for one in kept if one[2] >= clock]
        self._session.run(sql.REPLACE_DEADLINES, list(families), sorted(rules), *columns(kept, 3))

    def next_due(self) -> tuple[datetime | None, bool]:
        """When the next deadline passes (aware), and whether anything was put off."""
        ((due, has_put_off),) = self._session.run(sql.NEXT_DUE)
        return aware(due), has_put_off

    def pop_due(self, as_of: datetime) -> list[Deadline]:
        """Remove and return the deadlines that have passed (`as_of` is later than they are)."""
        return [Deadline(*row) for row in self._session.run(sql.POP_DUE, naive(as_of))]
