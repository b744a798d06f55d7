"""Write times as people at a desk read them: in London time, or as the time that is left."""

from datetime import datetime, timedelta

from streams.times import LONDON

__all__ = ["due", "local"]


def local(moment: datetime, now: datetime) -> str:
    """
    Return a time as London time, for example `Mon 2 Mar 09:15`.

    The year is added if it is not the present year.
    """
    there = moment.astimezone(LONDON)
    year = "" if there.year == now.astimezone(LONDON).year else f" {there:%Y}"
    return f"{there:%a} {there.day} {there:%b}{year} {there:%H:%M}"


def due(deadline: datetime, now: datetime) -> str:
    """Return how much time is left until a deadline, for example `in 2 h 10 min` or `overdue by 3 days 4 h`."""
    return f"overdue by {_length(now - deadline)}" if now > deadline else f"in {_length(deadline - now)}"


def _length(span: timedelta) -> str:
    days, minutes = span.days, span.seconds // 60
    if days:
        return f"{days} day{'s' if days > 1 else ''} {minutes // 60} h"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
