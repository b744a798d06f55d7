"""
Merge the records that a subject sees, so that they do not show when and how often something was recorded.

Each report brings a record of the person. So two answers of different months would otherwise show that somebody has
reported in between, although they say the same about the person.
"""

import json
from collections.abc import Iterable

from streams.subject_access.withhold import Judged
from streams.subject_access.words import plain

__all__ = ["merged"]

_REPLACED = frozenset({"person-recorded", "custody-release-planned"})
"""Facts of which the latest about a person replaces the earlier ones, as the contract and the rules have it."""


def merged(records: Iterable[Judged]) -> list[Judged]:
    """
    Return each record once, and of replaced facts only the latest one, sorted by what they say.

    Args:
        records: the records that a subject may see, oldest first.
    """
    found = {}
    for one in records:
        about = one.shown.get("person_id") if one.record in _REPLACED else one.shown
        found[_text(one.record, about)] = one
    return sorted(found.values(), key=lambda one: _text(one.record, one.shown))


def _text(record: str, said: object) -> str:
    return json.dumps([record, said], default=plain, sort_keys=True)
