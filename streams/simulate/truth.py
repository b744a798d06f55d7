"""
Claims that say which alerts the planted stories must raise, and which they must not raise. Each line of the truth file
is one claim.
"""

from collections.abc import Iterable
from datetime import datetime
from hashlib import md5
from pathlib import Path

import msgspec

__all__ = ["Claim", "write_truth"]


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """
    A claim that a story must raise an alert, or that it must not raise one.

    If `expected` is false, the rule must raise no alert about the entity. If `clause` is also given, this applies only
    to that clause of the rule.
    """

    story_id: str
    rule: str
    clause: str | None = None
    expected: bool
    entity_kind: str
    entity_id: str | None
    """
    The id of the entity that the alert is about. An unreadable record has no id until it is sent, because its id is its
    offset.
    """
    family_id: str | None
    anchor_source: str | None
    anchor_id: str | None
    anchored_at: datetime | None
    status: str | None = None
    """`cleared` if the story itself clears the alert; None if the alert may have any status."""
    why: str
    is_live: bool = False

    @property
    def alert_id(self) -> str:
        """The id of the alert that the claim is about: a hash of rule, clause, entity and anchor."""
        parts = (
            self.rule, self.clause or "", self.entity_kind, self.entity_id or "",
            self.anchor_source or "", self.anchor_id or "",
            *([self.family_id or ""] if self.entity_kind in ("referral", "child") else []),
        )  # fmt: skip
        return md5("|".join(parts).encode(), usedforsecurity=False).hexdigest()


def write_truth(path: Path, claims: Iterable[Claim], *, append: bool = False) -> int:
    """Write claims to a file, one on each line; return the number of claims written."""
    encoder = msgspec.json.Encoder()
    lines = [encoder.encode(claim) for claim in claims]
    with path.open("ab" if append else "wb") as file:
        file.writelines(line + b"\n" for line in lines)
    return len(lines)
