"""The parts: their names, the Airflow task that runs each of them, and the time limits for each."""

from dataclasses import dataclass

from streams import names
from streams.kafka.partners import partners_if_valid
from streams.lake.sign import HANG_SECONDS
from streams.settings import Settings

__all__ = ["Part", "groups", "parts"]


def groups(settings: Settings) -> dict[str, tuple[str, tuple[str, ...]]]:
    """
    Return the parts that store their position in a Kafka consumer group, each with its group and the topics that the
    group reads.
    """
    return {
        "intake": (names.INTAKE_GROUP, tuple(one.topic for one in partners_if_valid(settings) or ())),
        "share": (names.SHARE_GROUP, (names.ALERTS,)),
        "feedback": (names.FEEDBACK_GROUP, (names.REFERRAL,)),
    }


@dataclass(frozen=True, kw_only=True)
class Part:
    """
    A part and its limits.

    Attributes:
        name: the part's name.
        task: the Airflow task that runs the part, as `dag.task`.
        work: a verb for sentences that says what the part does to records.
        late_seconds: how long a record may wait for the part, in seconds.
        hang_seconds: how long one round of the part's loop may take, in seconds. A build takes minutes. The watcher
            also needs minutes to fill its tables.
        within_hours: the longest time between two runs, in hours. None means that the part always runs, and 0 that it
            runs only when somebody starts it.
    """

    name: str
    task: str
    work: str
    late_seconds: float = 0.0
    hang_seconds: float = 120.0
    within_hours: float | None = None


def parts(settings: Settings) -> tuple[Part, ...]:
    """Return all parts, in the order in which they process an event."""
    late, stale = settings.late_seconds, settings.stale_minutes * 60
    # Without partners, nothing has to be passed on, so the part need not run.
    hours = 0 if partners_if_valid(settings) == () else None
    return (
        Part(
            name="intake",
            task="relay_records.relay",
            work="passed on",
            late_seconds=late,
            hang_seconds=HANG_SECONDS["intake"],
            within_hours=hours,
        ),
        Part(
            name="watch",
            task="watch_escalations.watch",
            work="evaluated",
            late_seconds=late,
            hang_seconds=HANG_SECONDS["watch"],
        ),
        Part(name="land", task="land_events.land", work="landed", late_seconds=late),
        Part(name="build", task="build_marts.build", work="built", late_seconds=stale, hang_seconds=stale),
        Part(name="reconcile", task="build_marts.reconcile", work="compared", hang_seconds=600, within_hours=0),
        Part(name="share", task="inform_people.share", work="shared", late_seconds=2 * late),
        Part(name="feedback", task="inform_people.feedback", work="answered", late_seconds=2 * late),
        Part(name="publish", task="publish_figures.publish", work="published", hang_seconds=7200, within_hours=26),
        Part(name="maintain", task="maintain_lake.maintain", work="merged", hang_seconds=3600, within_hours=26),
        Part(name="replay", task="replay_quarantine.send", work="sent again", hang_seconds=3600, within_hours=0),
        Part(name="pages", task="", work="shown"),
    )
