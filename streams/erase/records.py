"""
The record of each erasure: who asked for it, who approved it, why, and what was erased. One file each, in
`CAF_HOME/erasures`, which only the owner of the home can read.

As soon as an erasure is finished, its record holds the erased ids only as keyed hashes. The key is a file of its own,
`CAF_HOME/erasures/key`. With the key and the records, a restored backup can be searched for the ids.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal

import msgspec

from streams.erase.reach import Reach
from streams.erase.subject import KINDS, Subject, hashed, with_kind
from streams.errors import ErasureInvalid, ErasureWaits
from streams.private import held, is_unfinished, locked, write_privately
from streams.settings import Settings

__all__ = ["Erasure", "Hold", "Records"]

Cut = tuple[str, int, int]


class Erasure(msgspec.Struct, kw_only=True):
    """
    One erasure.

    `families` and `persons` are empty once it is done. `reach`, `cuts`, `configs` and `has_begun` are the journal: they
    let an interrupted erasure go on. `reach` says what the approval covers, and `has_begun` whether the lake may have
    been changed. If the retention schedule asked for it, `schedule` is a checksum of the schedule, and the erasure is
    carried out only if everything in it is still due. `unattributed` are rejected records that name nobody: topic,
    partition and offset. `seen` says what had landed when the schedule looked.
    """

    id: str
    state: Literal["requested", "approved", "done", "withdrawn"] = "requested"
    because: str
    requested_by: str
    requested_at: datetime
    approved_by: str | None = None
    approved_at: datetime | None = None
    done_at: datetime | None = None
    families: list[str] = []
    persons: list[str] = []
    markers: dict[str, str] = {}
    hashes: list[str] = []
    counts: dict[str, int] = {}
    cuts: list[Cut] = []
    configs: dict[str, dict[str, str]] = {}
    schedule: str = ""
    unattributed: list[Cut] = []
    seen: dict[str, int] = {}
    reach: Reach | None = None
    has_begun: bool = False

    @property
    def subject(self) -> Subject:
        """The families and persons to erase."""
        return Subject(self.families, self.persons, self.markers)


class Hold(msgspec.Struct, kw_only=True):
    """A legal hold: what is about this id must not be erased. The id itself is not stored, only its keyed hash."""

    hash: str
    because: str
    by: str
    at: datetime


class Records:
    """The records and legal holds of a home."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.home / "erasures"
        self._key_file = self._folder / "key"
        self._running = self._folder / "running"

    def all(self) -> list[Erasure]:
        """Return all erasures, oldest first."""
        files = self._folder.glob("e-*.json")
        found = [msgspec.json.decode(file.read_bytes(), type=Erasure) for file in files]
        return sorted(found, key=lambda one: one.requested_at)

    def get(self, erasure: str) -> Erasure:
        """
        Return an erasure.

        Raises:
            ErasureInvalid: there is none with this id.
        """
        for one in self.all():
            if one.id == erasure:
                return one
        raise ErasureInvalid(f"there is no erasure {erasure!r}; './caf erase list' shows all")

    def request(
        self,
        families: Iterable[str],
        persons: Iterable[str],
        because: str,
        by: str,
        *,
        schedule: str = "",
        unattributed: Iterable[Cut] = (),
        seen: Mapping[str, int] = MappingProxyType({}),
        note: Callable[[str], None] = lambda _: None,
    ) -> Erasure:
        """
        Store a request. Nothing is erased until another person approves it.

        Args:
            note: a function that is called with the id of the request before it is stored.

        Raises:
            ErasureInvalid: no id or no reason was given.
        """
        subject, unattributed = Subject.of(families, persons), list(unattributed)
        if not subject.ids and not unattributed:
            raise ErasureInvalid("no family and no person was named; name at least one")
        if not because.strip():
            raise ErasureInvalid("no reason was given; say who asked for the erasure, and on which ground")
        made = Erasure(
            id=f"e-{secrets.token_hex(4)}",
            because=because,
            requested_by=by,
            requested_at=datetime.now(UTC),
            families=subject.families,
            persons=subject.persons,
            markers=subject.markers,
            hashes=hashed(self._key(), subject.with_kinds),
            schedule=schedule,
            unattributed=unattributed,
            seen=dict(seen),
        )
        note(made.id)
        self.save(made)
        return made

    def approve(self, erasure: str, by: str) -> Erasure:
        """
        Approve a request. An erasure that was approved before, and was interrupted, is returned as it is.

        Raises:
            ErasureInvalid: the same person asked for it, or it is done or withdrawn.
        """
        with locked(self._folder):
            found = self.get(erasure)
            if found.state == "approved":
                return found
            if found.state != "requested":
                raise ErasureInvalid(f"erasure {erasure} is {found.state}; only one that is requested can be approved")
            if found.requested_by.casefold() == by.casefold():
                raise ErasureInvalid(f"{by} asked for this erasure; somebody else must approve it")
            found.state, found.approved_by, found.approved_at = "approved", by, datetime.now(UTC)
            self._store(found)
            return found

    def reopen(self, erasure: str) -> None:
        """
        Let an erasure that was approved, but was refused before anything was erased, wait for an approval again.

        If somebody has taken it back or finished it meanwhile, it stays as it is.
        """
        with locked(self._folder):
            found = self.get(erasure)
            if found.state == "approved" and not found.cuts and not found.has_begun:
                found.state, found.approved_by, found.approved_at, found.reach = "requested", None, None, None
                self._store(found)

    @contextmanager
    def carried_out(self, erasure: str) -> Iterator[Erasure]:
        """
        Yield an approved erasure as it is now. Until the block ends, no other one is carried out, and none is taken
        back.

        Raises:
            ErasureInvalid: somebody has taken it back or finished it.
            ErasureWaits: another process carries out an erasure.
        """
        with held(self._running) as is_alone:
            if not is_alone:
                raise ErasureWaits("another erasure is being carried out; repeat the command when it has ended")
            found = self.get(erasure)
            if found.state != "approved":
                raise ErasureInvalid(f"erasure {erasure} is {found.state}, so it does not go on")
            yield found

    def withdraw(self, erasure: str) -> None:
        """
        Take an erasure back that has erased nothing in the lake yet. Its ids are removed from the record.

        Raises:
            ErasureInvalid: it has erased records or is being carried out, or is done or withdrawn.
        """
        self.get(erasure)  # refuses an unknown one
        with held(self._running) as is_alone:
            found = self.get(erasure)
            if found.state not in {"requested", "approved"}:
                raise ErasureInvalid(f"erasure {erasure} is {found.state}; it can no longer be taken back")
            if not is_alone and found.state == "approved":
                raise ErasureInvalid("an erasure is being carried out, perhaps this one; wait until it has ended")
            if found.has_begun or found.configs:
                raise ErasureInvalid(f"erasure {erasure} has begun; repeat './caf erase approve {erasure}'")
            found.state = "withdrawn"
            self.forget_ids(found)

    def forget_ids(self, erasure: Erasure) -> None:
        """Store an erasure without its ids, so that only the keyed hashes are left."""
        erasure.families, erasure.persons, erasure.markers = [], [], {}
        self.save(erasure)
        with locked(self._folder):
            for file in self._folder.iterdir():
                if is_unfinished(file.name):  # left by a process that was killed, and may name the ids
                    file.unlink()

    def save(self, erasure: Erasure) -> None:
        """Store an erasure, so that it survives a crash of the machine."""
        with locked(self._folder):
            self._store(erasure)

    def hold(self, subject: str, because: str, by: str) -> None:
        """Forbid to erase what is about an id."""
        (hash_,) = hashed(self._key(), [subject])
        hold = Hold(hash=hash_, because=because, by=by, at=datetime.now(UTC))
        with locked(self._folder):
            self._store_holds([*(one for one in self.holds() if one.hash != hash_), hold])

    def release(self, subject: str) -> None:
        """
        End a legal hold.

        Raises:
            ErasureInvalid: there is no hold on this id.
        """
        (hash_,) = hashed(self._key(), [subject])
        with locked(self._folder):
            holds = self.holds()
            if all(one.hash != hash_ for one in holds):
                raise ErasureInvalid("there is no legal hold on this id; './caf erase list' shows all holds")
            self._store_holds([one for one in holds if one.hash != hash_])

    def holds(self) -> list[Hold]:
        """Return all legal holds."""
        file = self._folder / "holds.json"
        return msgspec.json.decode(file.read_bytes(), type=list[Hold]) if file.exists() else []

    def refuse_held(self, ids: Iterable[str]) -> None:
        """
        Check that no legal hold is on one of the ids.

        Raises:
            ErasureInvalid: there is one. The message gives its reason and who set it, and not the id.
        """
        for one in self._holds_on(ids):
            raise ErasureInvalid(
                f"a legal hold forbids this erasure (set by {one.by} on {one.at:%Y-%m-%d}: {one.because}); "
                "'./caf erase release' ends it"
            )

    def is_held(self, ids: Iterable[str]) -> bool:
        """Return whether a legal hold is on one of the ids."""
        return bool(self._holds_on(ids))

    def recognised(self, words: Iterable[str]) -> Iterator[tuple[str, str, str]]:
        """
        Yield those words that are an id in one of the records: the keyed hash, its kind, and the id.

        The kind is `family` or `person`.
        """
        key, wanted = self._key(), {one for erasure in self.all() for one in erasure.hashes}
        for word in words:
            for kind in KINDS:
                (hash_,) = hashed(key, [with_kind(kind, word)])
                if hash_ in wanted:
                    yield hash_, kind, word

    def _holds_on(self, ids: Iterable[str]) -> list[Hold]:
        holds = self.holds()
        hashes = set(hashed(self._key(), ids)) if holds else set()
        return [one for one in holds if one.hash in hashes]

    def _store(self, erasure: Erasure) -> None:
        write_privately(self._folder / f"{erasure.id}.json", msgspec.json.format(msgspec.json.encode(erasure)))

    def _store_holds(self, holds: list[Hold]) -> None:
        write_privately(self._folder / "holds.json", msgspec.json.format(msgspec.json.encode(holds)))

    def _key(self) -> bytes:
        if not self._key_file.exists():
            with locked(self._folder):
                self._make_key()
        return self._key_file.read_bytes()

    def _make_key(self) -> None:
        """Make the key, unless another process has just made it. A lost key is not replaced."""
        if self._key_file.exists():
            return
        if any(self._folder.glob("*.json")):
            raise ErasureInvalid(f"{self._key_file} is missing, so earlier erasures and holds cannot be recognised")
        write_privately(self._key_file, secrets.token_bytes(32))
