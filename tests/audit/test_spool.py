"""Entries that wait on the disk are sent once the broker answers, and a change to them is found."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.audit.spool import Spool
from streams.errors import AuditUnavailable

ENTRIES = [b'{"a":1}', b'{"b":2}', b'{"c":3}']


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    made = Spool(tmp_path)
    for entry in ENTRIES:
        made.add([entry])
    return made


def sent(spool: Spool) -> list[bytes]:
    found: list[bytes] = []
    spool.send(found.extend, lambda number: b"changed %d" % number)
    return found


def change(tmp_path: Path, how: Callable[[list[bytes]], list[bytes]]) -> None:
    file = tmp_path / "audit" / "waiting"
    file.write_bytes(b"".join(how(file.read_bytes().splitlines(keepends=True))))


def test_waiting_entries_are_sent_once_and_in_order(spool: Spool) -> None:
    assert spool.waits()
    assert sent(spool) == ENTRIES
    assert not spool.waits()
    assert sent(spool) == []


def test_the_name_of_the_first_entry_is_on_the_disk_before_anything_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(os, "fsync", lambda number: synced.append(Path(f"/proc/self/fd/{number}").readlink()))
    Spool(tmp_path).add([b"first"])

    assert synced.index(tmp_path / "audit") < synced.index(tmp_path / "audit" / "waiting")


def test_entries_stay_if_they_cannot_be_sent(spool: Spool) -> None:
    def fails(_: list[bytes]) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        spool.send(fails, lambda _: b"")

    assert sent(spool) == ENTRIES


@pytest.mark.parametrize(
    ("how", "found"),
    [
        (lambda lines: [lines[0], lines[1].replace(b"2", b"3"), lines[2]], [ENTRIES[0], b'{"b":3}', b"changed 2"]),
        (lambda lines: [lines[0], lines[2]], [ENTRIES[0], ENTRIES[2], b"changed 2"]),
        (lambda lines: [lines[1], lines[0], lines[2]], [ENTRIES[1], b"changed 1"]),
        (lambda lines: [lines[0], b"rubbish\n", *lines[1:]], [ENTRIES[0], b"", b"changed 2"]),
    ],
    ids=["changed", "removed", "moved", "added"],
)
def test_a_change_is_found_and_nothing_is_thrown_away(
    spool: Spool, tmp_path: Path, how: Callable[[list[bytes]], list[bytes]], found: list[bytes]
) -> None:
    change(tmp_path, how)

    assert sent(spool)[: len(found)] == found


def test_first_line_that_is_removed_after_something_was_sent_is_found(spool: Spool, tmp_path: Path) -> None:
    sent(spool)
    spool.add(ENTRIES)
    change(tmp_path, lambda lines: lines[1:])

    assert sent(spool) == [ENTRIES[1], b"changed 1", ENTRIES[2]]


def test_line_that_a_crash_cut_off_is_not_an_entry(spool: Spool, tmp_path: Path) -> None:
    change(tmp_path, lambda lines: [*lines[:2], lines[2][:20]])
    spool.add([b'{"d":4}'])

    assert sent(spool) == [*ENTRIES[:2], b'{"d":4}']


def test_what_cannot_be_written_is_not_recorded(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("a file in place of the folder")

    with pytest.raises(AuditUnavailable, match="not shown or done"):
        Spool(tmp_path).add(ENTRIES)
