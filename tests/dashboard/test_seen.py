"""What the audit records while readers look at pages."""

import asyncio
import shutil
from pathlib import Path

import httpx
import pytest

from dashboard.access.accounts import Accounts
from dashboard.access.audience import Audience
from dashboard.access.login import EVERYBODY, Door, Who
from dashboard.access.seen import Seen
from dashboard.app import app
from dashboard.cookies import SESSION
from streams.audit.recorder import Recorder
from streams.settings import Settings
from streams.stack.ports import free_ports
from tests.audit.alert import alert
from tests.audit.entries import waiting_entries
from tests.dashboard.test_audiences import PASSWORD, forgotten

SAM = Who("sam", Audience.DESK, "desk")
ONE, TWO = alert("1" * 32, "F-1"), alert("2" * 32, "F-2")


@pytest.fixture
def seen(tmp_path: Path) -> Seen:
    """No broker answers, so the entries wait in the home."""
    return Seen(Recorder(Settings(home=tmp_path, kafka_port=free_ports(1)[0])))


def test_page_that_loads_itself_again_is_recorded_only_for_what_is_new(seen: Seen, tmp_path: Path) -> None:
    seen.page(SAM, "now", [ONE])
    for _ in range(5):
        seen.page(SAM, "now", [ONE], again=True)
    seen.page(SAM, "now", [ONE, TWO], again=True)
    seen.page(SAM, "now", [ONE])

    assert [one.family_ids for one in waiting_entries(tmp_path)] == [["F-1"], ["F-2"], ["F-1"]]


def test_who_claims_to_load_again_hides_nothing(seen: Seen, tmp_path: Path) -> None:
    seen.page(SAM, "alerts", [ONE], again=True)
    seen.page(Who("tom", Audience.DESK, "desk"), "alerts", [ONE], again=True)
    seen.page(SAM, "map", [], again=True)

    assert [(one.who, one.action, one.subject, one.family_ids) for one in waiting_entries(tmp_path)] == [
        ("sam", "alerts_seen", "alerts", ["F-1"]),
        ("tom", "alerts_seen", "alerts", ["F-1"]),
        ("sam", "page_opened", "map", []),
    ]


def test_readers_of_published_figures_leave_no_entry(seen: Seen, tmp_path: Path) -> None:
    seen.page(EVERYBODY, "map", [])

    assert waiting_entries(tmp_path) == []


@pytest.mark.slow
def test_page_that_cannot_be_recorded_is_not_shown(tmp_path: Path) -> None:
    """Neither a broker nor the disk takes the entry."""
    nobody = free_ports(1)[0]
    settings = Settings(home=tmp_path, kafka_port=nobody, postgres=f"postgresql://nobody@127.0.0.1:{nobody}/caf")
    Accounts(tmp_path).add("sam", PASSWORD)
    cookie = Door(settings, Recorder(settings)).enter("sam", PASSWORD, "here")

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app(settings, forgotten()))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1", cookies={SESSION: cookie}
        ) as client:
            return await client.get("/new")

    assert "for DESK" in asyncio.run(ask()).text
    shutil.rmtree(tmp_path / "audit")
    (tmp_path / "audit").write_text("a file in place of the folder")
    answer = asyncio.run(ask())

    assert answer.status_code == 503
    assert "This cannot be shown now" in answer.text
    assert "for DESK" not in answer.text
