"""The names by which rules refer to facts."""

from streams.contracts import Accepted
from streams.contracts.event import fact_name

__all__ = ["fact_of"]


def fact_of(event: Accepted) -> str | None:
    """Return the fact that an event or correction records, such as `referral-submitted`; None for a withdrawal."""
    return None if event.fact is None else fact_name(event.fact.type)
