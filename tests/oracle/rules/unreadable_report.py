"""`unreadable_report`: an unreadable record may be about a child."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from streams.contracts import Accepted, Rejected
from streams.names import SAFEGUARDING_TOPICS
from tests.oracle.alert import Expected

__all__ = ["expected"]


def expected(events: Iterable[Accepted], rejected: Iterable[Rejected]) -> Iterator[Expected]:
    """
    Raise an alert at every rejected record of the referral and escalation topics.

    The alert is cleared by an accepted record that replays the rejected record.

    Evidence: none. A rejected record has no `(source, id)`, so the anchor consists of the record's topic and position.
    """
    replayed = {event.replay_of for event in events}
    for record in rejected:
        if record.topic not in SAFEGUARDING_TOPICS:
            continue
        place = f"{record.partition}/{record.offset}"
        yield Expected(
            rule="unreadable_report",
            entity_kind="record",
            entity_id=f"{record.topic}/{place}",
            anchor=(record.topic, place),
            anchored_at=datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=record.received_ms),
            severity="red",
            status="cleared" if f"{record.topic}/{place}" in replayed else "open",
        )
