"""Which logins and sessions `Door` accepts."""

import json
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dashboard.access.accounts import Accounts
from dashboard.access.audience import Audience
from dashboard.access.failures import Failures
from dashboard.access.login import EVERYBODY, Door, Who
from streams.audit.recorder import Recorder
from streams.errors import AuditUnavailable, LoginsTooMany, SettingInvalid
from streams.settings import Settings
from streams.stack.ports import free_ports
from tests.audit.entries import waiting_entries

PASSWORD = "correct horse battery"


def door_of(home: Path) -> Door:
    """No broker answers, so the audit's entries wait in the home."""
    settings = Settings(home=home, kafka_port=free_ports(1)[0])
    return Door(settings, Recorder(settings))


@pytest.fixture
def door(tmp_path: Path) -> Door:
    Accounts(tmp_path).add("sam", PASSWORD)
    return door_of(tmp_path)


def test_the_password_is_not_kept_and_the_file_is_the_owners(tmp_path: Path) -> None:
    Accounts(tmp_path).add("sam", PASSWORD)
    Accounts(tmp_path).secret()
    files = list((tmp_path / "desk").iterdir())

    assert {file.name for file in files} == {"accounts.json", "secret", "lock"}
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
    assert door.who(door.enter("sam", PASSWORD, "here")) == Who("sam", Audience.DESK, "desk")
    assert door.enter("sam", PASSWORD + "x", "here") is None
    assert door.enter("tom", PASSWORD, "here") is None


def test_accounts_that_are_added_at_once_are_all_kept(tmp_path: Path) -> None:
    names = [f"sam{number}" for number in range(6)]
    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(lambda name: Accounts(tmp_path).add(name, PASSWORD), names))

    assert Accounts(tmp_path).names() == names


def test_processes_that_need_the_key_of_sessions_at_once_make_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: Accounts(tmp_path).secret(), range(8)))

    assert set(found) == {Accounts(tmp_path).secret()}


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

    assert door_of(other).who(door.enter("sam", PASSWORD, "here")) is EVERYBODY


def test_after_five_failures_a_name_and_an_address_must_wait(door: Door) -> None:
    """The name is locked from every address, and the address is locked for every name."""
    for _ in range(5):
        assert door.enter("sam", "wrong wrong wrong", "here") is None

    for name, address in (("sam", "elsewhere"), ("tom", "here")):
        with pytest.raises(LoginsTooMany):
            door.enter(name, PASSWORD, address)
    assert door.enter("tom", "wrong wrong wrong", "elsewhere") is None


def test_passwords_that_are_tried_at_once_are_five_at_most(door: Door) -> None:
    def guess(number: int) -> bool:
        try:
            return door.enter("sam", f"wrong wrong {number}", f"10.0.0.{number}") is None
        except LoginsTooMany:
            return False

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(guess, range(20))) == 5


def test_right_passwords_lock_nobody_out(door: Door) -> None:
    """Many people may log in from one address."""
    assert all(door.enter("sam", PASSWORD, "here") for _ in range(7))
    for _ in range(4):
        door.enter("sam", "wrong wrong wrong", "here")
    assert door.enter("sam", PASSWORD, "here")
    assert door.enter("sam", "wrong wrong wrong", "elsewhere") is None


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("unknown", "unknown", True),
    ],
)
def test_network_of_ipv6_counts_as_one_address(one: str, other: str, is_same: bool) -> None:
    failures = Failures()

    assert all(failures.take(f"name{number}", one) for number in range(5))
    assert failures.take("name", other) is not is_same


def test_failures_are_forgotten_by_age_and_not_because_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who fails with many names must not get new attempts at one of them."""
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr("dashboard.access.failures._COUNTED", 20)
    failures = Failures()
    for number in range(30):
        failures.take(f"other{number}", f"10.0.0.{number}")
    for number in range(5):
        assert failures.take("sam", f"10.0.1.{number}")
    failures.take("last", "10.0.3.1")

    assert not failures.take("sam", "10.0.2.1")
    now += 301
    assert failures.take("sam", "10.0.2.1")


def test_a_form_is_good_for_the_browser_it_was_made_for(door: Door) -> None:
    token = door.token("ticket")

    assert door.fits(token, "ticket")
    assert not door.fits(token, "another")
    assert not door.fits(token, None)
    assert not door.fits("", "")


def test_each_login_is_recorded_but_no_name_that_is_no_account(door: Door, tmp_path: Path) -> None:
    session = door.enter("sam", PASSWORD, "here")
    Accounts(tmp_path).add("fran", PASSWORD, "figures")
    door.enter("fran", "wrong wrong wrong", "here")
    door.enter("a password in the wrong field", "wrong wrong wrong", "here")
    door.leave(session)

    assert [(one.who, one.role, one.action, one.outcome) for one in waiting_entries(tmp_path)] == [
        ("sam", "desk", "logged_in", "allowed"),
        ("fran", "figures", "login_failed", "refused"),
        (None, None, "login_failed", "refused"),
        ("sam", "desk", "logged_out", "allowed"),
    ]


def test_login_that_cannot_be_recorded_does_not_take_place(door: Door, tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("a file in place of the folder")

    with pytest.raises(AuditUnavailable):
        door.enter("sam", PASSWORD, "here")


def test_role_is_the_desks_unless_said_and_is_kept_with_a_new_password(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path)

    assert accounts.add("sam", PASSWORD) == "desk"
    assert accounts.add("fran", PASSWORD, "figures") == "figures"
    assert accounts.add("fran", PASSWORD + "x") == "figures"
    with pytest.raises(SettingInvalid, match="the role 'boss' is not known; allowed: figures, desk, desk:AREA"):
        accounts.add("fran", PASSWORD, "boss")


def test_account_of_a_file_without_roles_is_the_desks(tmp_path: Path) -> None:
    Accounts(tmp_path).add("sam", PASSWORD, "figures")
    file = tmp_path / "desk" / "accounts.json"
    before = json.loads(file.read_text())
    del before["sam"]["role"]
    file.write_text(json.dumps(before))
    door = door_of(tmp_path)

    assert door.who(door.enter("sam", PASSWORD, "here")).audience is Audience.DESK


def test_role_that_nobody_knows_sees_what_everybody_sees(tmp_path: Path, door: Door) -> None:
    file = tmp_path / "desk" / "accounts.json"
    file.write_text(file.read_text().replace('"desk"', '"boss"'))

    assert door.who(door.enter("sam", PASSWORD, "here")) is EVERYBODY


@pytest.mark.parametrize("role", ["figures", "desk:birkenhead"])
def test_new_role_ends_sessions(tmp_path: Path, door: Door, role: str) -> None:
    cookie = door.enter("sam", PASSWORD, "here")
    Accounts(tmp_path).add("sam", PASSWORD, role)

    assert door.who(cookie) is EVERYBODY


def test_other_areas_end_sessions(tmp_path: Path, door: Door) -> None:
    Accounts(tmp_path).add("sam", PASSWORD, "desk:birkenhead+wallasey")
    cookie = door.enter("sam", PASSWORD, "here")
    assert door.who(cookie) == Who("sam", Audience.AREA, "desk:birkenhead+wallasey")
    assert door.who(cookie).areas == {"birkenhead", "wallasey"}

    Accounts(tmp_path).add("sam", PASSWORD, "desk:birkenhead")
    assert door.who(cookie) is EVERYBODY


@pytest.mark.parametrize("role", ["desk:", "desk:+", "desk:birkenhead+", "figures:birkenhead", "Desk:birkenhead", ":x"])
def test_role_with_areas_that_is_not_whole_is_refused(tmp_path: Path, door: Door, role: str) -> None:
    """A file that somebody edited by hand opens nothing either."""
    with pytest.raises(SettingInvalid):
        Accounts(tmp_path).add("fran", PASSWORD, role)
    file = tmp_path / "desk" / "accounts.json"
    file.write_text(file.read_text().replace('"desk"', f'"{role}"'))

    assert door.who(door.enter("sam", PASSWORD, "here")) is EVERYBODY


def test_link_lets_its_account_in_until_the_account_changes(tmp_path: Path, door: Door) -> None:
    link = door.link("sam")

    assert door.who(door.follow(link)) == Who("sam", Audience.DESK, "desk")
    assert door.who(link) is EVERYBODY
    assert door.follow(door.link("nobody")) is None
    assert door.follow(door.enter("sam", PASSWORD, "here")) is None
    Accounts(tmp_path).add("sam", PASSWORD)
    assert door.follow(link) is None
