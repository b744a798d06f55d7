"""Families that a desk of other areas opens in an emergency: how long, how often, and what must come before."""

import asyncio
import json
import re
import shutil
import time
from dataclasses import replace
from pathlib import Path

import httpx
import msgspec
import pytest

from dashboard.access.accounts import Accounts
from dashboard.access.login import Door
from dashboard.access.openings import MOST, Openings
from dashboard.access.roles import told_apart
from dashboard.app import app
from dashboard.cookies import SESSION
from dashboard.emergency import worker_id
from streams.audit.recorder import Recorder
from streams.contracts.fields import WorkerId
from streams.errors import SettingInvalid
from streams.settings import Settings
from streams.stack.ports import free_ports
from tests.audit.entries import waiting_entries

PASSWORD = "correct horse battery"


@pytest.fixture
def away(tmp_path: Path) -> Settings:
    """Settings of a home with a desk of an area. No broker and no lake answer."""
    nobody = free_ports(1)[0]
    Accounts(tmp_path).add("ann", PASSWORD, "desk:birkenhead")
    return Settings(home=tmp_path, kafka_port=nobody, postgres=f"postgresql://nobody@127.0.0.1:{nobody}/caf")


def door_of(settings: Settings) -> Door:
    return Door(settings, Recorder(settings))


def test_family_is_open_to_one_session_for_its_time(away: Settings) -> None:
    door = door_of(away)
    one, other = (door.enter("ann", PASSWORD, "here") for _ in range(2))
    before = time.time()
    door.open_family(one, "F-1")
    short = door_of(replace(away, emergency_minutes=0.001))
    short.open_family(one, "F-2")
    time.sleep(0.1)

    assert set(door.opened(one)) == {"F-1"}
    assert before + 3599 < door.opened(one)["F-1"] < time.time() + 3600
    assert door.opened(other) == door.opened(None) == {}


def test_open_family_outlives_a_restart_but_not_the_session(away: Settings) -> None:
    door = door_of(away)
    key = door.enter("ann", PASSWORD, "here")
    door.open_family(key, "F-1")

    assert set(door_of(away).opened(key)) == {"F-1"}
    door.leave(key)
    assert door.opened(key) == {}
    assert not door.open_family(key, "F-1")


def test_other_role_closes_what_was_open(away: Settings) -> None:
    door = door_of(away)
    key = door.enter("ann", PASSWORD, "here")
    door.open_family(key, "F-1")
    Accounts(away.home).add("ann", PASSWORD, "desk:wallasey")
    door.who(key)

    assert door.opened(key) == {}


def test_form_is_good_for_the_session_it_was_made_for(away: Settings) -> None:
    door = door_of(away)
    one, other = (door.enter("ann", PASSWORD, "here") for _ in range(2))
    token = door.own_token(one)

    assert door.is_own(token, one)
    assert not door.is_own(token, other)
    assert not door.is_own(door.token(""), one)
    assert not door.is_own("", one)
    assert one not in token


def test_account_opens_so_many_families_in_an_hour_with_all_its_sessions(tmp_path: Path) -> None:
    taken = [Openings(tmp_path).take("ann") for _ in range(MOST + 2)]

    assert taken == [True] * MOST + [False] * 2
    assert Openings(tmp_path).take("bob")
    Openings(tmp_path).give_back("ann")
    assert [Openings(tmp_path).take("ann") for _ in range(2)] == [True, False]
    file = tmp_path / "desk" / "openings.json"
    assert file.stat().st_mode & 0o777 == 0o600
    an_hour_ago = {name: [one - 3601 for one in times] for name, times in json.loads(file.read_text()).items()}
    file.write_text(json.dumps(an_hour_ago))
    assert Openings(tmp_path).take("ann")


@pytest.mark.parametrize(
    ("name", "worker"),
    [
        ("duty-birkenhead", "duty-birkenhead"),
        ("d.lee@council.gov.uk", "d.lee-council.gov.uk"),
        ("José Ångström", "Jos---ngstr-m"),
        ("__x", "x"),
        ("…", "account"),
        ("x" * 64, "x" * 64),
    ],
)
def test_name_of_an_account_becomes_a_worker_that_the_contract_allows(name: str, worker: str) -> None:
    assert worker_id(name) == worker
    assert msgspec.convert(worker, WorkerId) == worker


def test_workers_of_the_provider_are_told_apart_by_what_they_cannot_change() -> None:
    """Two people have the same name, or names that differ only in letters that a worker's id cannot have."""
    key = "a secret"
    workers = [
        worker_id(told_apart(name, subject, key))
        for name, subject in [("Åsa", "1"), ("Ösa", "2"), ("Åsa", "3"), ("x" * 64, "1"), ("…", "1")]
    ]
    marks = [worker[-8:] for worker in workers]

    assert len({*workers}) == len(workers)
    assert marks[0] == marks[3] == marks[4] not in marks[1:3]
    assert all(msgspec.convert(worker, WorkerId) == worker for worker in workers)
    assert told_apart("Åsa", "1", "another secret")[-8:] != marks[0]
    assert len(told_apart("x" * 64, "1", key)) == 64


def test_time_must_be_more_than_nothing() -> None:
    with pytest.raises(SettingInvalid, match="CAF_EMERGENCY_MINUTES is 0; allowed: more than 0"):
        Settings(emergency_minutes=0)


def ask(settings: Settings, key: str, sent: dict | None = None) -> httpx.Response:
    """Open the page of families, or send its form."""

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app(settings))
        cookies = {SESSION: key}
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", cookies=cookies) as client:
            return await (client.post("/families", data=sent) if sent else client.get("/families"))

    return asyncio.run(asked())


def test_without_a_broker_the_manager_is_not_told_so_nothing_is_opened(away: Settings) -> None:
    """The audit says that it was tried. The attempt does not count, so it can be tried again."""
    door = door_of(away)
    key = door.enter("ann", PASSWORD, "here")
    token = re.search(r'name="token" value="([^"]+)"', ask(away, key).text)[1]
    waiting_entries(away.home)
    answer = ask(away, key, {"token": token, "family_id": "F-1", "reason": "covering_desk"})

    assert answer.status_code == 503
    assert "manager cannot be alerted" in answer.text
    assert door.opened(key) == {}
    assert [(str(one.action), str(one.outcome), one.subject, one.family_ids) for one in waiting_entries(away.home)] == [
        ("family_opened", "allowed", "covering_desk", ["F-1"]),
        ("family_opened", "refused", "covering_desk", ["F-1"]),
    ]
    assert json.loads((away.home / "desk" / "openings.json").read_text()) == {}


def test_opening_that_cannot_be_recorded_alerts_nobody_and_opens_nothing(
    away: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a broker nor the disk takes the entry. No event is even tried."""
    door = door_of(away)
    key = door.enter("ann", PASSWORD, "here")
    sent: list[object] = []
    monkeypatch.setattr("dashboard.emergency.open_in_emergency", lambda *event: sent.append(event))
    shutil.rmtree(away.home / "audit")
    (away.home / "audit").write_text("a file in place of the folder")
    answer = ask(away, key, {"token": door.own_token(key), "family_id": "F-1", "reason": "covering_desk"})

    assert (answer.status_code, sent) == (503, [])
    assert door.opened(key) == {}
