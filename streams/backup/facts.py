"""Facts that the manifest of a backup states: up to when it reaches, and what it lacks."""

from dataclasses import dataclass
from datetime import datetime

from streams import names
from streams.errors import BrokerUnavailable
from streams.lake.connect import connect
from streams.lake.generations import numbered_ends
from streams.lake.offsets import OFFSET_TABLES, next_offsets
from streams.lake.one_row import one_row
from streams.settings import Settings
from streams.times import aware

__all__ = ["LandedUntil", "landed_until", "shared_settings", "unlanded"]

_WEEK = "INTERVAL 7 DAY"
_DAY_SECONDS = 86_400
_SHORTEST_SECONDS = 3_600
"""If all events arrived within a shorter time than this, they count as the events of an hour."""
_KEPT_SETTINGS = (
    *("authority", "partitions", "replication", "retention_days", "max_record_bytes", "ended_alert_days", "case_url"),
    *("build_engine", "late_seconds", "stale_minutes"),
)
"""Settings that change what the system does. None of them is secret, or is about one machine."""


@dataclass(frozen=True)
class LandedUntil:
    """
    What had landed in one snapshot.

    Attributes:
        rows: the number of rows of each landing table that holds records.
        until: when the last landed event had arrived on its topic; None if no event had landed.
        events_a_day: how many events landed a day, in the last seven days before `until`.
    """

    rows: dict[str, int]
    until: datetime | None
    events_a_day: float


def shared_settings(settings: Settings) -> dict[str, str]:
    """Return the settings that a restored home should have too, by variable."""
    return {f"CAF_{name.upper()}": str(getattr(settings, name)) for name in _KEPT_SETTINGS}


def landed_until(settings: Settings, snapshot: int) -> LandedUntil:
    """Return what had landed in a snapshot of the landing catalog."""
    with connect(settings, marts=None) as lake:
        at = f"AT (VERSION => {snapshot})"
        rows = {
            table: one_row(lake.execute(f"SELECT count(*) FROM landing.main.{table} {at}"))[0]
            for table in OFFSET_TABLES
        }
        events = f"landing.main.events {at}"
        last, count, seconds = one_row(
            lake.execute(
                f"SELECT max(received_at), count(*), date_diff('second', min(received_at), max(received_at)) "
                f"FROM {events} WHERE received_at > (SELECT max(received_at) FROM {events}) - {_WEEK}"
            )
        )
    return LandedUntil(rows, aware(last), count * _DAY_SECONDS / max(seconds or 0, _SHORTEST_SECONDS))


def unlanded(settings: Settings) -> int | None:
    """Return how many records of the input topics have not landed; None if the broker does not answer."""
    try:
        ends = numbered_ends(settings, names.INPUT_TOPICS)
    except BrokerUnavailable:
        return None
    with connect(settings, marts=None) as lake:
        landed = next_offsets(lake)
    return sum(max(0, end - landed.get((place.topic, place.partition), 0)) for place, end in ends.items())
