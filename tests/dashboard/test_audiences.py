"""Which audience sees each page, each table and each word of the live stream."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from dashboard.access.accounts import Accounts
from dashboard.access.audience import Audience
from dashboard.access.login import Door
from dashboard.app import app
from dashboard.cookies import SESSION
from dashboard.drawing.figures import Column, Figure
from dashboard.live.changes import Changes, Listener
from dashboard.pages import PAGES, Page, Shown, shown_to
from dashboard.site import Asked
from streams.audit.recorder import Recorder
from streams.settings import Settings
from streams.stack.ports import free_ports

PASSWORD = "correct horse battery"
ROLES = {"everybody": None, "figures": "figures", "area": "area", "desk": "desk"}
"""The account with which each audience logs in."""
OF_EVERYBODY = {"", "map", "rules", "rules/{rule}"}
OF_DESKS = {"alerts/{alert_id}", "families", "families/{family_id:path}"}


def view(asked: Asked) -> dict:
    """Return a page's content. The content names the audience that asked."""
    rows = [{"who": asked.audience.name}]
    figure = Figure(key="t", title="T", unit="u", source="s", columns=(Column("who", "Who"),), rows=rows)
    return {"intro": f"for {asked.audience.name}", "figures": [figure]}


def forgotten(*audience: Audience) -> dict[str, Page]:
    return {"new": Page("New", (Shown("figures.html", view, *audience),))}


@dataclass(frozen=True)
class Doors:
    """Serves pages without a lake to each audience."""

    settings: Settings

    def get(self, role: str | None, path: str, pages: dict[str, Page] = PAGES) -> httpx.Response:
        """Return the answer to one request. No background work is started, because it would look for a lake."""
        cookies = {SESSION: Door(self.settings, Recorder(self.settings)).enter(role, PASSWORD, "here")} if role else {}

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app(self.settings, pages))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", cookies=cookies) as client:
                return await client.get(path)

        return asyncio.run(ask())


@pytest.fixture(scope="module")
def doors(settings: Settings, make_home: Callable[[str], Path]) -> Doors:
    nobody = free_ports(1)[0]
    away = replace(settings, home=make_home("h"), postgres=f"postgresql://nobody@127.0.0.1:{nobody}/caf")
    for name, role in (("figures", "figures"), ("area", "desk:birkenhead"), ("desk", "desk")):
        Accounts(away.home).add(name, PASSWORD, role)
    return Doors(away)


def test_everybody_sees_health_the_published_map_and_the_rules_and_nothing_else() -> None:
    """A new page must not be public until a developer also adds its address to this test."""
    seen = {audience: {address for address, page in PAGES.items() if shown_to(audience, page)} for audience in Audience}

    assert seen[Audience.EVERYBODY] == OF_EVERYBODY
    assert seen[Audience.AREA] - seen[Audience.FIGURES] == OF_DESKS
    assert seen[Audience.DESK] == seen[Audience.AREA] == set(PAGES)


def test_page_that_is_not_said_to_be_for_an_audience_is_the_desks(doors: Doors) -> None:
    pages = forgotten()

    assert doors.get(None, "/new", pages).status_code == 303
    assert doors.get("figures", "/new", pages).status_code == 403
    assert doors.get("area", "/new", pages).status_code == 403
    assert doors.get("desk", "/new", pages).status_code == 200


@pytest.mark.parametrize("path", ["/new", "/new/t.csv"])
@pytest.mark.parametrize("audience", Audience)
@pytest.mark.parametrize("role", ROLES.values(), ids=ROLES.keys())
def test_page_and_table_are_shown_to_their_audience_and_those_above(
    doors: Doors, role: str | None, audience: Audience, path: str
) -> None:
    asking = list(ROLES.values()).index(role)
    answer = doors.get(role, path, forgotten(audience))

    assert answer.status_code == (200 if asking >= audience else 303 if role is None else 403)
    assert (Audience(asking).name in answer.text) == (asking >= audience)


def test_most_that_an_audience_may_see_of_a_page_is_shown() -> None:
    page = Page(
        "P", (Shown("desk", view), Shown("all", view, Audience.EVERYBODY), Shown("some", view, Audience.FIGURES))
    )

    assert [shown_to(audience, page).template for audience in Audience] == ["all", "some", "some", "desk"]


@pytest.mark.parametrize("address", sorted(set(PAGES) - OF_EVERYBODY))
def test_without_login_a_page_leads_to_the_form_and_names_itself(doors: Doors, address: str) -> None:
    path = "/" + address.replace("{alert_id}", "0" * 32).replace("{family_id:path}", "F-1")
    answer = doors.get(None, path)

    assert (answer.status_code, answer.headers["location"]) == (303, f"/login?to={path.replace('/', '%2F')}")


def test_account_for_figures_is_told_that_an_alert_is_not_for_it(doors: Doors) -> None:
    answer = doors.get("figures", f"/alerts/{'0' * 32}")

    assert answer.status_code == 403
    assert "Your account is for figures" in answer.text


def test_behind_tls_cookies_are_secure_and_the_browser_is_told_to_stay_with_tls(doors: Doors) -> None:
    secure = Doors(replace(doors.settings, dashboard_url="https://127.0.0.1"))
    with_tls, without = secure.get(None, "/login").headers, doors.get(None, "/login").headers

    assert with_tls["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert "__Host-caf_ticket=" in with_tls["set-cookie"]
    assert "Secure" in with_tls["set-cookie"]
    assert "strict-transport-security" not in without
    assert "Secure" not in without["set-cookie"]


def test_only_pages_on_the_loopback_address_refuse_names_by_themselves(doors: Doors) -> None:
    """If the pages listen on all addresses and the settings name no address, nobody knows the right names."""
    known = Doors(replace(doors.settings, dashboard_url="https://caf.example", dashboard_host="0.0.0.0"))
    unknown = Doors(replace(doors.settings, dashboard_host="0.0.0.0"))

    assert [one.get(None, "http://caf.example/login").status_code for one in (doors, known, unknown)] == [421, 200, 200]
    assert known.get(None, "http://evil.example/login").status_code == 421


def test_menu_names_what_may_be_seen(doors: Doors) -> None:
    menus = {role: doors.get(role, "/login").text.partition("</nav>")[0] for role in ROLES.values()}

    assert ["Partners" in menu for menu in menus.values()] == [False, True, True, True]
    assert all("Map of need" in menu for menu in menus.values())


def test_who_may_see_no_alert_is_not_told_that_one_came() -> None:
    """When an alert was raised is information about a child."""

    async def told() -> list[list[str]]:
        changes = Changes()
        changes.attach(asyncio.get_running_loop())
        streams = [changes.stream(Listener(audience)) for audience in Audience]
        for stream in streams:
            await anext(stream)
        for word in ("alerts", "figures", "a word that nobody declared"):
            changes.say(word)
        return [await _words(stream) for stream in streams]

    everybody, figures, area, desk = asyncio.run(told())

    assert everybody == figures == ["figures"]
    assert area == ["alerts", "figures"]
    assert desk == ["a word that nobody declared", "alerts", "figures"]


async def _words(stream) -> list[str]:
    words = []
    try:
        while True:
            event = await asyncio.wait_for(anext(stream), 1)
            words.append(event.partition("data: ")[2].strip())
    except TimeoutError:
        return words
