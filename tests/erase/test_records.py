"""Two people agree to an erasure, a legal hold stops it, and nothing that is stored for long names the erased id."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from streams.erase import files, run
from streams.erase.files import overwrite_logs
from streams.erase.find import Found
from streams.erase.records import Records
from streams.erase.subject import Subject
from streams.errors import ErasureInvalid
from streams.settings import Settings
from streams.stack.stack import mark_home


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(Settings(home=tmp_path))


def test_nobody_approves_an_erasure_alone(records: Records) -> None:
    made = records.request(["F-1"], [], "court order", "anna")
    with pytest.raises(ErasureInvalid, match="somebody else"):
        records.approve(made.id, "Anna")

    assert records.get(made.id).state == "requested"
    assert records.approve(made.id, "ben").approved_by == "ben"


@pytest.mark.parametrize(("families", "because"), [([], "court order"), (["F-1"], " ")])
def test_a_request_without_id_or_reason_is_refused(records: Records, families: list[str], because: str) -> None:
    with pytest.raises(ErasureInvalid):
        records.request(families, [], because, "anna")


def test_an_interrupted_erasure_is_approved_once_and_a_finished_one_never_again(records: Records) -> None:
    made = records.request(["F-1"], [], "court order", "anna")
    records.approve(made.id, "ben")

    assert records.approve(made.id, "carl").approved_by == "ben"
    made = records.get(made.id)
    made.state = "done"
    records.forget_ids(made)
    with pytest.raises(ErasureInvalid, match="is done"):
        records.approve(made.id, "ben")


def test_a_legal_hold_stops_what_names_its_id_until_it_is_released(records: Records) -> None:
    records.hold("F-2", "court case 12", "dora")
    records.refuse_held(["F-1"])
    with pytest.raises(ErasureInvalid, match="court case 12"):
        records.refuse_held(["F-1", "F-2"])
    records.release("F-2")
    records.refuse_held(["F-2"])


def test_a_finished_record_has_only_keyed_hashes_and_belongs_to_its_owner(records: Records, tmp_path: Path) -> None:
    made = records.request(["F-secret"], ["P-secret"], "court order", "anna")
    records.hold("F-secret", "court case 12", "dora")
    records.forget_ids(made)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]

    assert all(b"secret" not in file.read_bytes() for file in files)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    found = list(records.recognised(["F-secret", "P-secret", "F-1"]))
    assert [(kind, one) for _, kind, one in found] == [("family", "F-secret"), ("person", "P-secret")]
    assert {hash_ for hash_, _, _ in found} == set(records.get(made.id).hashes)


def test_a_legal_hold_may_be_set_before_the_home_is_first_started(records: Records, tmp_path: Path) -> None:
    records.hold("F-1", "court case 12", "dora")
    mark_home(tmp_path, lambda _: None)

    assert records.is_held(["F-1"])


def test_holds_that_are_set_at_once_are_all_kept(records: Records) -> None:
    """They also need the key at once, which none of them has made yet."""
    held = [f"F-{number}" for number in range(8)]
    with ThreadPoolExecutor(len(held)) as pool:
        list(pool.map(lambda one: records.hold(one, "court case 12", "dora"), held))

    assert all(records.is_held([one]) for one in held)


def test_a_finished_record_has_no_copy_that_a_killed_process_left(records: Records, tmp_path: Path) -> None:
    made = records.request(["F-secret"], [], "court order", "anna")
    left = tmp_path / "erasures" / f".{made.id}.json.0123abcd.new"
    left.write_bytes(b"F-secret")
    records.forget_ids(made)

    assert not left.exists()


def test_a_lost_key_is_reported_and_not_replaced(records: Records, tmp_path: Path) -> None:
    """With a new key, earlier holds would no longer be recognised."""
    records.hold("F-1", "court case 12", "dora")
    (tmp_path / "erasures" / "key").unlink()
    with pytest.raises(ErasureInvalid, match="missing"):
        records.refuse_held(["F-1"])


@pytest.mark.parametrize(
    "content",
    [
        b"F-1",
        b'{"id": "F-1"}',
        b"seen F-1.",
        b'{"id": "\\u0046-1"}',
        "F-1".encode("utf-16-le"),
        "F-1".encode("utf-16-be"),
        b"\xff F-1 \x00",
        b"e-F-1-joined",
    ],
)
def test_an_id_is_found_in_any_encoding(content: bytes) -> None:
    assert Subject.of(["F-1"], []).is_in(content)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "unicode-escape"])
def test_an_id_without_ascii_letters_is_found_in_any_encoding(encoding: str) -> None:
    """Its UTF-16 has no zero bytes."""
    content = '"ЖЩ"'.encode(encoding)

    assert Subject.of(["ЖЩ"], ["P-1"]).is_in(content)
    assert not Subject.of(["F-1"], ["P-1"]).is_in(content)


@pytest.mark.parametrize("content", [b"F-12", b"XF-1", b"", None, b"F-2", b"\xff\xfe"])
def test_an_id_is_not_found_within_another_id(content: bytes | None) -> None:
    assert not Subject.of(["F-1"], []).is_in(content)


def test_a_log_that_is_removed_meanwhile_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "gone.log").write_text("F-1")
    found = list(files._files(tmp_path / "logs"))
    (tmp_path / "logs" / "gone.log").unlink()
    monkeypatch.setattr(files, "_files", lambda folder: found if folder.name == "logs" else [])

    assert overwrite_logs(Settings(home=tmp_path), Subject.of(["F-1"], [])) == 0


def test_lines_of_logs_are_overwritten_in_place(tmp_path: Path) -> None:
    """The log stays open in its program, so it keeps its length."""
    log = tmp_path / "logs" / "land.log"
    log.parent.mkdir()
    log.write_bytes(b"one\nfailed for F-1\nF-12\nlast without newline F-1")

    assert overwrite_logs(Settings(home=tmp_path), Subject.of(["F-1"], [])) == 2
    assert log.read_bytes() == b"one\n" + b"*" * 14 + b"\nF-12\n" + b"*" * 24


def test_lakes_that_a_restore_has_replaced_are_left_for_a_person(tmp_path: Path) -> None:
    folder = tmp_path / "before-restore-20261130T013000.000000Z"
    folder.mkdir()
    (said,) = run._left(Settings(home=tmp_path), Found(), is_log_replaced=True)

    assert said == f"{folder} holds a lake that a restore has replaced, and may hold what was erased here: remove it"
