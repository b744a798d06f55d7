"""Claims about which alerts the planted stories must raise and must not raise. The truth file has one claim a line."""

from collections.abc import Iterable
from datetime import datetime
from hashlib import md5
from pathlib import Path

import msgspec

__all__ = ["Claim", "write_truth"]


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """
    One alert that a story must raise, or must not raise.

    If the alert is not expected, the rule must raise nothing for the entity. If `clause` is given, only that clause of
    the rule must raise nothing.
    """

    story_id: str
    rule: str
    clause: str | None = None
    expected: bool
    entity_kind: str
    entity_id: str | None
    """
    The id of the entity that the alert is about. For an unreadable record, the id is None until the record is sent and
    has a position.
    """
    family_id: str | None
    anchor_source: str | None
    anchor_id: str | None
    anchored_at: datetime | None
    status: str | None = None
    """`cleared` if the story itself clears the alert; None if the claim says nothing about the status."""
    why: str
    is_live: bool = False

    @property
    def alert_id(self) -> str:
        """The id of the expected alert: a hash of rule, clause, entity and anchor."""
        parts = (
            self.rule, self.clause or "", self.entity_kind, self.entity_id or "",
            self.anchor_source or "", self.anchor_id or "",
            *([self.family_id or ""] if self.entity_kind in ("referral", "child") else []),
        )  # fmt: skip
        return md5("|".join(parts).encode(), usedforsecurity=False).hexdigest()


def write_truth(path: Path, claims: Iterable[Claim], *, append: bool = False) -> int:
    """Write claims as JSON lines; returns how many were written."""
    encoder = msgspec.json.Encoder()
    lines = [encoder.encode(claim) for claim in claims]
    with path.open("ab" if append else "wb") as file:
        file.writelines(line + b"\n" for line in lines)
    return len(lines)
