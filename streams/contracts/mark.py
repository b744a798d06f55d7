"""
The header that the relay `intake` adds to each record that it passes on.

The header says which record of which inbound topic this is. If `intake` has refused the record, the header also has the
reason. The contract then rejects the record for this reason, so there is one place for all rejections.
"""

from collections.abc import Sequence

import msgspec

from streams.contracts.checks import Reason, Refusal

__all__ = ["MARK_HEADER", "OWN_HEADERS", "Mark", "mark_of"]

OWN_HEADERS = "caf-"
"""The beginning of the names of headers that only the system's own parts may add."""

MARK_HEADER = f"{OWN_HEADERS}inbound"


class Mark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    Where a record comes from, and why `intake` has refused it.

    Attributes:
        record: the partner's record as `topic/partition/offset/topic id`. A recreated topic has another id, so two
            records never have the same text.
        reason: the reason for the refusal; None if `intake` has not refused the record.
        path: where the record is wrong, as a JSON path.
        allowed: what is allowed there; never a value of the record.
    """

    record: str
    reason: Reason | None = None
    path: str | None = None
    allowed: str | None = None

    @property
    def refusal(self) -> Refusal | None:
        """The refusal of the record; None if `intake` has not refused it."""
        return Refusal(self.reason, self.path, self.allowed) if self.reason else None

    def header(self) -> tuple[str, bytes]:
        """Return the header with this mark."""
        return MARK_HEADER, msgspec.json.encode(self)


_MARK = msgspec.json.Decoder(Mark)


def mark_of(headers: Sequence[tuple[str, bytes | None]]) -> Mark | None:
    """
    Return the mark of a record; None if it has none.

    Only the last header counts, because `intake` adds its header after those of the partner.
    """
    for name, value in reversed(headers):
        if name == MARK_HEADER:
            try:
                return _MARK.decode(value or b"")
            except (msgspec.DecodeError, UnicodeDecodeError):
                return None
    return None
