"""
Prove that the audit is whole: every entry that a checkpoint covers is unchanged, and none is missing or added.

The rows of the lake are compared with the checkpoints, and, entry by entry, with the records that are still on the
topic. So somebody who wants to change an entry without being found must change the lake, the topic, the checkpoints on
their topic and in the home, and every copy of a checkpoint that is kept elsewhere.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from streams.audit.checkpoints import Checkpoint, kept_checkpoints, sent_checkpoints
from streams.audit.leaves import Leaf, landed_leaves, sent_leaves
from streams.audit.merkle import Tree
from streams.errors import BrokerUnavailable, PartsDisagree
from streams.lake.connect import connect
from streams.lake.transaction import transaction
from streams.settings import Settings

__all__ = ["Difference", "Proof", "prove"]


@dataclass(frozen=True)
class Difference:
    """A range of offsets from `first` up to, but not including, `end`, and what is wrong with the entries in it."""

    first: int
    end: int
    what: str


@dataclass(frozen=True)
class Proof:
    """
    The result: what was compared, and every difference.

    Attributes:
        entries: the number of entries in the lake.
        covered: how many of them a checkpoint covers.
        checkpoints: the number of checkpoints that were compared.
        sent: the number of records on the topic that were compared; None if no broker answered.
        differences: what is wrong.
    """

    entries: int
    covered: int
    checkpoints: int
    sent: int | None
    differences: list[Difference] = field(default_factory=list)

    def raise_if_different(self) -> None:
        """
        Raise an error if there are differences.

        Raises:
            PartsDisagree: an entry was changed, removed or added.
        """
        if self.differences:
            first = self.differences[0]
            raise PartsDisagree(
                f"the audit was changed: {first.what}, offsets {first.first} to {first.end - 1}"
                + (f", and {len(self.differences) - 1} more differences" if len(self.differences) > 1 else "")
            )


def prove(settings: Settings, elsewhere: Iterable[Checkpoint] = ()) -> Proof:
    """
    Compare the entries in the lake with all checkpoints and with the topic. Without a broker, only the checkpoints in
    the home, and those that were kept elsewhere, are compared.

    Args:
        elsewhere: checkpoints that were kept outside this system.

    Raises:
        LakeUnavailable: the lake does not answer.
        SettingInvalid: the file of checkpoints contains something else.
    """
    known = [*kept_checkpoints(settings), *elsewhere]
    answers = True
    try:
        known += sent_checkpoints(settings)
    except BrokerUnavailable:
        answers = False
    with connect(settings, marts=None) as lake, transaction(lake, read_only=True):
        landed = list(landed_leaves(lake))
    # Entries arrive meanwhile. The topic is read last, so that it has everything that was in the lake.
    sent = list(sent_leaves(settings)) if answers else None
    checkpoints = sorted({(one.next_offset, one.size, one.root): one for one in known}.values(), key=_order)
    differences = list(_against_checkpoints(landed, checkpoints))
    if sent is not None:
        differences += _against_topic(landed, sent)
    covered_to = checkpoints[-1].next_offset if checkpoints else 0
    covered = sum(leaf.offset < covered_to for leaf in landed)
    return Proof(len(landed), covered, len(checkpoints), None if sent is None else len(sent), differences)


def _order(one: Checkpoint) -> tuple[int, int]:
    return one.next_offset, one.size


def _against_checkpoints(landed: list[Leaf], checkpoints: list[Checkpoint]) -> Iterator[Difference]:
    """
    Yield the first range between two checkpoints in which the entries differ.

    All later checkpoints then differ too, so they say nothing about the entries after this range.
    """
    tree, place, begins = Tree(), 0, 0
    for one in checkpoints:
        while place < len(landed) and landed[place].offset < one.next_offset:
            tree.add(landed[place].hash)
            place += 1
        if (tree.size, tree.root.hex()) != (one.size, one.root):
            what = _changed(one.size - tree.size, one.size)
            at = f"{one.made_at:%Y-%m-%d %H:%M} UTC"
            yield Difference(begins, one.next_offset, f"{what}, says the checkpoint of {at}")
            return
        begins = one.next_offset


def _changed(missing: int, size: int) -> str:
    if missing > 0:
        return f"{missing} of {size} entries are missing"
    return f"{-missing} entries were added" if missing else "entries are not what they were"


def _against_topic(landed: list[Leaf], sent: list[Leaf]) -> Iterator[Difference]:
    """Yield each entry that differs between lake and topic. Entries that have not landed yet are no difference."""
    if not sent:
        return
    on_topic = {leaf.offset: leaf.hash for leaf in sent}
    in_lake = [leaf for leaf in landed if leaf.offset >= sent[0].offset]
    seen: set[int] = set()
    for leaf in in_lake:
        if leaf.offset in seen:
            yield Difference(leaf.offset, leaf.offset + 1, "an entry is in the lake twice")
        elif leaf.offset not in on_topic:
            yield Difference(leaf.offset, leaf.offset + 1, "an entry of the lake is not on the topic")
        elif on_topic[leaf.offset] != leaf.hash:
            yield Difference(leaf.offset, leaf.offset + 1, "an entry is not the same in the lake and on the topic")
        seen.add(leaf.offset)
    landed_to = in_lake[-1].offset if in_lake else -1
    for offset in on_topic:
        if offset < landed_to and offset not in seen:
            yield Difference(offset, offset + 1, "an entry of the topic is not in the lake")
