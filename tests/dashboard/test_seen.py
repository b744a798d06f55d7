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
from dashboard.asking import LIVE
from dashboard.cookies import SESSION
from dashboard.pages import PAGES, Page, Pages, Shown
from dashboard.site import Asked
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
    seen.page(SAM, "now", [ONE], request="sam /")
    for _ in range(5):
        seen.page(SAM, "now", [ONE], request="sam /", again=True)
    seen.page(SAM, "now", [ONE, TWO], request="sam /", again=True)
    seen.page(SAM, "now", [ONE], request="sam /")

    assert [one.family_ids for one in waiting_entries(tmp_path)] == [["F-1"], ["F-2"], ["F-1"]]


def test_who_claims_to_load_again_hides_nothing(seen: Seen, tmp_path: Path) -> None:
    seen.page(SAM, "alerts", [ONE], request="sam /alerts/1", again=True)
    seen.page(Who("tom", Audience.DESK, "desk"), "alerts", [ONE], request="tom /alerts/1", again=True)
    seen.page(SAM, "map", [], request="sam /map", again=True)

    assert [(one.who, one.action, one.subject, one.family_ids) for one in waiting_entries(tmp_path)] == [
        ("sam", "alerts_seen", "alerts", ["F-1"]),
        ("tom", "alerts_seen", "alerts", ["F-1"]),
        ("sam", "page_opened", "map", []),
    ]


def test_readers_of_published_figures_leave_no_entry(seen: Seen, tmp_path: Path) -> None:
    seen.page(EVERYBODY, "map", [], request="/map")
    seen.table(EVERYBODY, "map/need.csv")

    assert waiting_entries(tmp_path) == []


def family(asked: Asked) -> dict[str, object]:
    """A page about a family without an alert, as a reader looks it up."""
    asked.families.append(asked.query["family_id"])
    return {"intro": "", "figures": []}


PAGES_OF_FAMILIES = {"families/{family_id}": Page("Family", (Shown("figures.html", family),))}
AGAIN = {LIVE: "1"}


def looked_up(home: Path, requests: list[tuple[str, dict[str, str]]], pages: Pages) -> list[tuple[str, str, list[str]]]:
    """Send requests of one session. Return what the audit says about them: action, subject and families."""
    nobody = free_ports(1)[0]
    settings = Settings(home=home, kafka_port=nobody, postgres=f"postgresql://nobody@127.0.0.1:{nobody}/caf")
    Accounts(home).add("sam", PASSWORD)
    key = Door(settings, Recorder(settings)).enter("sam", PASSWORD, "here")
    waiting_entries(home)

    async def ask() -> list[int]:
        transport = httpx.ASGITransport(app(settings, pages))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1", cookies={SESSION: key}
        ) as client:
            return [(await client.get(address, headers=headers)).status_code for address, headers in requests]

    assert set(asyncio.run(ask())) == {200}
    return [(str(one.action), one.subject, one.family_ids) for one in waiting_entries(home)]


def test_each_family_that_is_looked_up_is_recorded_even_without_an_alert(tmp_path: Path) -> None:
    """A request that claims to load an open page again counts as such only if this page was open."""
    asked = [("/families/F-1", {}), ("/families/F-1", AGAIN), ("/families/F-2", AGAIN), ("/families/F-2?a=1", AGAIN)]

    assert looked_up(tmp_path, asked, PAGES_OF_FAMILIES) == [
        ("page_opened", "families", [name]) for name in ("F-1", "F-2", "F-2")
    ]


def test_rules_are_recorded_for_accounts_because_they_see_figures_there(tmp_path: Path) -> None:
    asked = [("/rules", {}), ("/rules/performance.csv", {})]

    assert looked_up(tmp_path, asked, PAGES) == [
        ("page_opened", "rules", []),
        ("table_downloaded", "rules/performance.csv", []),
    ]


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
