"""
One `(source, id)`, one content: judged by topic-partition in offset order, the same for every consumer.

A copy of an event is accepted, also when it was written as JSON anew; other content under an earlier event's
name is rejected.
"""

from collections import defaultdict
from collections.abc import Callable

import msgspec

from streams.contracts.decode import Accepted, Reason, Rejected, reject

__all__ = ["Fetch", "Identities"]

Fetch = Callable[[str, int, int], bytes]
"""Gives the value of the accepted record at topic, partition and offset."""

_HASH_BITS = 64
_HASH_MASK = (1 << _HASH_BITS) - 1


class Identities:
    """
    Every event seen so far by the hash of its name, with its first offset and the hash of its content.

    About 150 bytes an event; the earlier content itself is fetched only when hashes differ.
    """

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._seen: dict[tuple[str, int], dict[int, int]] = defaultdict(dict)

    def remember(self, topic: str, partition: int, offset: int, identity: tuple[str, str], content_hash: int) -> None:
        """Take in an event that was accepted before; those of a partition come in offset order."""
        self._seen[topic, partition].setdefault(hash(identity), _packed(offset, content_hash))

    def judge(self, event: Accepted) -> Accepted | Rejected:
        """Accept an event that is new, or a copy; each offset is judged once, in order."""
        seen = self._seen[event.topic, event.partition]
        known = seen.setdefault(hash(event.identity), _packed(event.offset, event.content_hash))
        if known & _HASH_MASK == event.content_hash & _HASH_MASK:
            return event
        earlier = self._fetch(event.topic, event.partition, known >> _HASH_BITS)
        if _same_or_unrelated(earlier, event):
            return event
        return reject(event, Reason.SAME_ID_OTHER_CONTENT, "$.id", "an id of its own, or the very content sent before")


def _packed(offset: int, content_hash: int) -> int:
    """Offset and hash in one number: half the memory of a pair."""
    return offset << _HASH_BITS | content_hash & _HASH_MASK


def _same_or_unrelated(earlier: bytes, event: Accepted) -> bool:
    """Whether two values say the same, or are two events whose names have one hash by chance."""
    try:
        before, now = msgspec.json.decode(earlier), msgspec.json.decode(event.value)
    except msgspec.DecodeError:  # a number beyond any range, in a member that the contract skips
        return False
    return before == now or (before["source"], before["id"]) != event.identity
