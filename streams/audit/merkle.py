"""
The Merkle tree over the audit's entries. Its root changes if any entry is changed, removed, added or moved.

The hashes are those of RFC 6962, section 2.1: a leaf is hashed with the prefix 0, an inner node with the prefix 1. Only
the peaks of the tree are kept, that is, the roots of its perfect subtrees. They are enough to add entries.

Source: https://www.rfc-editor.org/rfc/rfc6962#section-2.1
"""

import hashlib
from collections.abc import Iterable

__all__ = ["Tree", "leaf"]


def leaf(data: bytes) -> bytes:
    """Return the hash of an entry."""
    return hashlib.sha256(b"\x00" + data).digest()


class Tree:
    """A tree that grows by one leaf at a time."""

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self.peaks = list(peaks)
        """The roots of the perfect subtrees, the largest first: one for each 1 among the binary digits of `size`."""

    def add(self, hashed: bytes) -> None:
        """Add the hash of one more entry at the end."""
        self.size += 1
        self.peaks.append(hashed)
        # Each 0 at the end of the size stands for two subtrees of equal size, which become one.
        size = self.size
        while size % 2 == 0:
            right, left = self.peaks.pop(), self.peaks.pop()
            self.peaks.append(_node(left, right))
            size //= 2

    @property
    def root(self) -> bytes:
        """The hash of the whole tree."""
        if not self.peaks:
            return hashlib.sha256().digest()
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = _node(peak, root)
        return root


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
