"""`status` names the erasures that wait for a person."""

from pathlib import Path

from streams.erase.records import Records
from streams.health.erasures import erasures
from streams.settings import Settings


def test_a_request_and_an_unfinished_erasure_are_named_until_they_are_done(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    records = Records(settings)
    made = records.request(["F-1"], [], "court order", "anna")

    assert [row.says for row in erasures(settings)] == [
        f"erasure {made.id} (anna) waits for approval; './caf erase list' shows why"
    ]
    made = records.approve(made.id, "ben")
    assert [row.says for row in erasures(settings)] == [
        f"erasure {made.id} is not finished: repeat './caf erase approve {made.id}'"
    ]
    made.state = "done"
    records.save(made)
    assert list(erasures(settings)) == []


def test_an_unreadable_record_is_red(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    (tmp_path / "erasures").mkdir()
    (tmp_path / "erasures" / "e-1.json").write_text("{")

    (row,) = erasures(settings)

    assert row.level == "red"
