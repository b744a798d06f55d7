"""The names of facts in the rules."""

from streams.contracts import Accepted
from streams.contracts.event import fact_name

__all__ = ["fact_of"]


def fact_of(event: Accepted) -> str | None:
    """The fact that an event records, or to which it corrects, such as `referral-submitted`; None for a withdrawal."""
    return None if event.fact is None else fact_name(event.fact.type)
