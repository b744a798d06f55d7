"""The parts: what each is, which task of Airflow runs it, and how long it may need."""

from dataclasses import dataclass

from streams.feedback import post
from streams.settings import Settings
from streams.sharing import share

__all__ = ["GROUPS", "Part", "parts"]

GROUPS = {"share": share.NAME, "feedback": post.NAME}
"""Parts that keep how far they are in a consumer group of Kafka."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """
    A part that runs always, or by a schedule.

    Args:
        name: as it signs.
        task: Airflow's task that runs it, `dag.task`.
        work: what it does, to be put into a sentence.
        late_seconds: how long a record may wait for it.
        hang_seconds: how long one round of its loop may take; building and restoring take minutes.
        within_hours: it ends by itself and is started within so many hours; None for one that runs always, 0 for one
            that runs when asked.
    """

    name: str
    task: str
    work: str
    late_seconds: float = 60.0
    hang_seconds: float = 120.0
    within_hours: float | None = None


def parts(settings: Settings) -> tuple[Part, ...]:
    """Every part, in the order in which an event meets them."""
    stale = settings.stale_minutes * 60
    return (
        Part(name="watch", task="watch_escalations.watch", work="judged", hang_seconds=600),
        Part(name="land", task="land_events.land", work="landed"),
        Part(name="build", task="build_marts.build", work="built", late_seconds=stale, hang_seconds=stale),
        Part(name="reconcile", task="build_marts.reconcile", work="compared", hang_seconds=600, within_hours=0),
        Part(name="share", task="inform_people.share", work="shared", late_seconds=120),
        Part(name="feedback", task="inform_people.feedback", work="answered", late_seconds=120),
        Part(name="publish", task="publish_figures.publish", work="published", hang_seconds=7200, within_hours=26),
        Part(name="maintain", task="maintain_lake.maintain", work="merged", hang_seconds=3600, within_hours=26),
        Part(name="replay", task="replay_quarantine.send", work="sent again", hang_seconds=3600, within_hours=0),
        Part(name="pages", task="", work="shown"),
    )
