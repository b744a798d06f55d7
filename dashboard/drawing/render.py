"""Render templates. Make the filters that all templates share: London times, ages, and names in words."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from dashboard.access.audience import Audience
from dashboard.drawing.figures import said
from dashboard.live.freshness import Beat
from dashboard.site import Asked
from streams.times import LONDON, aware

__all__ = ["render", "staleness"]


def render(template: str, asked: Asked, **content: Any) -> str:
    """
    Render a page as HTML.

    The head of the page shows who is logged in. It also warns if the figures are old. Readers who are not logged in get
    this warning only on the first page, or if the lake does not answer.
    """
    beat, settings = asked.site.pulse.beat, asked.site.settings
    stale = staleness(beat, datetime.now(UTC), stale_minutes=settings.stale_minutes)
    if asked.audience is Audience.EVERYBODY and beat.is_lake_there and content["here"] != "/":
        stale = ""
    shared = {"who": asked.who, "is_desk": asked.is_desk, "beat": beat, "stale": stale}
    return _environment().get_template(template).render(**shared, **content)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parents[1] / "templates"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"said": said, "clock": clock, "ago": ago, "day_clock": day_clock, "words": _words}
    environment.globals["now"] = lambda: datetime.now(UTC)
    return environment


def clock(moment: datetime) -> str:
    """Return a time as time of day in London."""
    return f"{aware(moment).astimezone(LONDON):%H:%M:%S}"


def day_clock(moment: datetime) -> str:
    """Return a time as day and time of day in London."""
    return f"{aware(moment).astimezone(LONDON):%-d %b %Y, %H:%M}"


def ago(moment: datetime | None) -> str:
    """Return how long ago a time was, in the largest unit that fits."""
    if moment is None:
        return "never"
    return f"{_span((datetime.now(UTC) - aware(moment)).total_seconds())} ago"


def staleness(beat: Beat, now: datetime, *, stale_minutes: float) -> str:
    """
    Return the warning that readers need before they trust the figures. Return an empty text if there is no
    problem.
    """
    if not beat.is_lake_there:
        return "The lake does not answer. What you see may be old, and new figures cannot be read."
    if beat.failed:
        return "The latest build of figures failed. You see the last good figures."
    age = None if beat.as_of is None else (now - beat.as_of).total_seconds()
    if age is not None and age > stale_minutes * 60:
        return f"Live figures are {_span(age)} old. No newer figures have been built."
    return ""


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{max(0, int(seconds))} s"


def _words(name: str) -> str:
    return name.replace("_", " ").replace("-", " ")
