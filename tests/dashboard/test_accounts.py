"""Who is let in as the desk."""

import json
import stat
from pathlib import Path

import pytest

from dashboard.accounts import Accounts
from dashboard.login import Desk
from streams.errors import SettingInvalid

PASSWORD = "correct horse battery"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    Accounts(tmp_path).add("sam", PASSWORD)
    return Desk(tmp_path)


def test_the_password_is_not_kept_and_the_file_is_the_owners(tmp_path: Path) -> None:
    Accounts(tmp_path).add("sam", PASSWORD)
    Accounts(tmp_path).secret()
    files = list((tmp_path / "desk").iterdir())

    assert len(files) == 2
    assert [file for file in files if PASSWORD in file.read_text()] == []
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


@pytest.mark.parametrize(
    ("name", "password"), [("sam", "hunter2"), ("", PASSWORD), ("a/b", PASSWORD), ("x" * 65, PASSWORD)]
)
def test_a_name_or_password_that_is_not_allowed_is_named_without_its_value(
    tmp_path: Path, name: str, password: str
) -> None:
    with pytest.raises(SettingInvalid, match="allowed") as error:
        Accounts(tmp_path).add(name, password)

    assert password not in str(error.value)
    assert Accounts(tmp_path).names() == []


def test_only_the_right_name_and_password_enter(desk: Desk) -> None:
    assert desk.who(desk.enter("sam", PASSWORD, "here")) == "sam"
    assert desk.enter("sam", PASSWORD + "x", "here") is None
    assert desk.enter("tom", PASSWORD, "here") is None


@pytest.mark.parametrize("cookie", [None, "", "x", "WyJzYW0iLCJhIl0.x.y"])
def test_a_cookie_that_was_not_signed_here_is_nobody(desk: Desk, cookie: str | None) -> None:
    assert desk.who(cookie) is None


def test_a_new_password_and_a_removed_account_end_sessions(desk: Desk, tmp_path: Path) -> None:
    cookie = desk.enter("sam", PASSWORD, "here")
    Accounts(tmp_path).add("sam", PASSWORD)

    assert desk.who(cookie) is None
    cookie = desk.enter("sam", PASSWORD, "here")
    Accounts(tmp_path).remove("sam")
    assert desk.who(cookie) is None


def test_a_session_of_one_home_is_none_of_another(desk: Desk, tmp_path: Path) -> None:
    other = tmp_path / "other"
    Accounts(other).add("sam", PASSWORD)

    assert Desk(other).who(desk.enter("sam", PASSWORD, "here")) is None


def test_after_five_failures_a_name_and_an_address_must_wait(desk: Desk) -> None:
    """By name from anywhere, and by address for any name."""
    for _ in range(5):
        assert not desk.must_wait("sam", "elsewhere")
        desk.enter("sam", "wrong wrong wrong", "here")

    assert desk.must_wait("sam", "elsewhere")
    assert desk.must_wait("tom", "here")
    assert not desk.must_wait("tom", "elsewhere")


def test_a_form_is_good_for_the_browser_it_was_made_for(desk: Desk) -> None:
    token = desk.token("ticket")

    assert desk.fits(token, "ticket")
    assert not desk.fits(token, "another")
    assert not desk.fits(token, None)
    assert not desk.fits("", "")


def test_what_is_opened_is_written_down_by_id(desk: Desk, tmp_path: Path) -> None:
    desk.enter("sam", PASSWORD, "here")
    desk.note("sam", "opened", "0" * 32)
    lines = [json.loads(line) for line in (tmp_path / "desk" / "opened.jsonl").read_text().splitlines()]

    assert [(line["who"], line["did"], line["alert_id"]) for line in lines] == [
        ("sam", "entered", None),
        ("sam", "opened", "0" * 32),
    ]
