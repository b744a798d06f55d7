"""Which logins and sessions `Door` accepts."""

import json
import stat
from pathlib import Path

import pytest

from dashboard.access.accounts import Accounts
from dashboard.access.audience import Audience
from dashboard.access.login import EVERYBODY, Door, Who
from streams.errors import SettingInvalid

PASSWORD = "correct horse battery"


@pytest.fixture
def door(tmp_path: Path) -> Door:
    Accounts(tmp_path).add("sam", PASSWORD)
    return Door(tmp_path)


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


def test_only_the_right_name_and_password_enter(door: Door) -> None:
    assert door.who(door.enter("sam", PASSWORD, "here")) == Who("sam", Audience.DESK)
    assert door.enter("sam", PASSWORD + "x", "here") is None
    assert door.enter("tom", PASSWORD, "here") is None


@pytest.mark.parametrize("cookie", [None, "", "x", "WyJzYW0iLCJhIl0.x.y"])
def test_a_cookie_that_was_not_signed_here_is_nobody(door: Door, cookie: str | None) -> None:
    assert door.who(cookie) is EVERYBODY


def test_a_new_password_and_a_removed_account_end_sessions(door: Door, tmp_path: Path) -> None:
    cookie = door.enter("sam", PASSWORD, "here")
    Accounts(tmp_path).add("sam", PASSWORD)

    assert door.who(cookie) is EVERYBODY
    cookie = door.enter("sam", PASSWORD, "here")
    Accounts(tmp_path).remove("sam")
    assert door.who(cookie) is EVERYBODY


def test_a_session_of_one_home_is_none_of_another(door: Door, tmp_path: Path) -> None:
    other = tmp_path / "other"
    Accounts(other).add("sam", PASSWORD)

    assert Door(other).who(door.enter("sam", PASSWORD, "here")) is EVERYBODY


def test_after_five_failures_a_name_and_an_address_must_wait(door: Door) -> None:
    """The name is locked from every address, and the address is locked for every name."""
    for _ in range(5):
        assert not door.must_wait("sam", "elsewhere")
        door.enter("sam", "wrong wrong wrong", "here")

    assert door.must_wait("sam", "elsewhere")
    assert door.must_wait("tom", "here")
    assert not door.must_wait("tom", "elsewhere")


def test_a_form_is_good_for_the_browser_it_was_made_for(door: Door) -> None:
    token = door.token("ticket")

    assert door.fits(token, "ticket")
    assert not door.fits(token, "another")
    assert not door.fits(token, None)
    assert not door.fits("", "")


def test_what_is_opened_is_written_down_by_id(door: Door, tmp_path: Path) -> None:
    door.enter("sam", PASSWORD, "here")
    door.note("sam", "opened", "0" * 32)
    Accounts(tmp_path).add("fran", PASSWORD, "figures")
    door.enter("fran", PASSWORD, "here")
    lines = [json.loads(line) for line in (tmp_path / "desk" / "opened.jsonl").read_text().splitlines()]

    assert [(line["who"], line["role"], line["did"], line["alert_id"]) for line in lines] == [
        ("sam", "desk", "entered", None),
        ("sam", "desk", "opened", "0" * 32),
        ("fran", "figures", "entered", None),
    ]


def test_role_is_the_desks_unless_said_and_is_kept_with_a_new_password(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path)

    assert accounts.add("sam", PASSWORD) == "desk"
    assert accounts.add("fran", PASSWORD, "figures") == "figures"
    assert accounts.add("fran", PASSWORD + "x") == "figures"
    with pytest.raises(SettingInvalid, match="the role 'boss' is not known; allowed: figures, desk"):
        accounts.add("fran", PASSWORD, "boss")


def test_account_of_a_file_without_roles_is_the_desks(tmp_path: Path) -> None:
    Accounts(tmp_path).add("sam", PASSWORD, "figures")
    file = tmp_path / "desk" / "accounts.json"
    before = json.loads(file.read_text())
    del before["sam"]["role"]
    file.write_text(json.dumps(before))
    door = Door(tmp_path)

    assert door.who(door.enter("sam", PASSWORD, "here")).audience is Audience.DESK


def test_role_that_nobody_knows_sees_what_everybody_sees(tmp_path: Path, door: Door) -> None:
    file = tmp_path / "desk" / "accounts.json"
    file.write_text(file.read_text().replace('"desk"', '"boss"'))

    assert door.who(door.enter("sam", PASSWORD, "here")) is EVERYBODY


def test_new_role_ends_sessions(tmp_path: Path, door: Door) -> None:
    cookie = door.enter("sam", PASSWORD, "here")
    Accounts(tmp_path).add("sam", PASSWORD, "figures")

    assert door.who(cookie) is EVERYBODY


def test_link_lets_its_account_in_until_the_account_changes(tmp_path: Path, door: Door) -> None:
    link = door.link("sam")

    assert door.who(door.follow(link)) == Who("sam", Audience.DESK)
    assert door.who(link) is EVERYBODY
    assert door.follow(door.link("nobody")) is None
    assert door.follow(door.enter("sam", PASSWORD, "here")) is None
    Accounts(tmp_path).add("sam", PASSWORD)
    assert door.follow(link) is None
