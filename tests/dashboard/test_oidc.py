"""
Logging in to the pages with the council's accounts, at a real OpenID Connect provider.

`tests/attacks/test_pages.py` tries what must not work.
"""

import asyncio
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import expect

from dashboard.access.accounts import Accounts
from dashboard.access.audience import Audience
from dashboard.access.login import EVERYBODY, Door
from dashboard.access.provider import Provider as Client
from dashboard.access.roles import name_in, role_in, roles_of
from dashboard.access.sessions import Session, Sessions
from dashboard.app import app
from streams.audit.recorder import Recorder
from streams.errors import LoginUnavailable, SettingInvalid
from streams.settings import Settings
from streams.stack.ports import free_ports
from tests.audit.entries import waiting_entries
from tests.dashboard.conftest import PASSWORD, Served
from tests.dashboard.oidc import Browser, Provider, federated, values_of, with_provider

BREAK_GLASS = "breakglass"
WIRRAL = "E08000015"


@pytest.fixture(scope="module")
def place(away: Settings, tmp_path_factory) -> Iterator[tuple[Served, Provider]]:
    """Pages without a lake, because logging in needs none. One local account may log in as well."""
    for name in (BREAK_GLASS, "sam"):
        Accounts(away.home).add(name, PASSWORD)
    with federated(replace(away, local_accounts=BREAK_GLASS), tmp_path_factory.mktemp("oidc")) as place:
        yield place


@pytest.fixture
def browser(place: tuple[Served, Provider]) -> Browser:
    return Browser(place[0])


@pytest.fixture
def provider(place: tuple[Served, Provider]) -> Iterator[Provider]:
    yield place[1]
    place[1].control(people={"dora": ["CAF-Desk"]})


@pytest.fixture
def unreachable(settings: Settings, make_home: Callable[[str], Path]) -> Settings:
    """Settings of an empty home whose provider does not answer."""
    return with_provider(replace(settings, home=make_home("h")), free_ports(1)[0])


@pytest.mark.parametrize(("person", "role"), [("dora", "Desk"), ("fiona", "Figures"), ("both", "Desk")])
def test_person_gets_the_most_that_the_claim_gives(browser: Browser, person: str, role: str) -> None:
    assert browser.enter(person).status_code == 200
    assert browser.role == role


def test_person_without_a_role_is_told_whom_to_ask(browser: Browser) -> None:
    answer = browser.enter("nobody")

    assert answer.status_code == 403
    assert "Ask the service desk for access." in answer.text
    assert browser.role == ""


def test_login_leads_to_the_page_that_was_asked_for(browser: Browser) -> None:
    form = browser.see(browser.see("/partners?a=1").headers["location"]).text

    assert 'href="/login/provider?to=%2Fpartners%3Fa%3D1"' in form
    assert 'content="0; url=/partners?a=1"' in browser.enter("dora", to="/partners?a=1").text


def test_request_for_a_login_proves_who_asks(browser: Browser, place: tuple[Served, Provider]) -> None:
    asked, again = values_of(browser.begin()), values_of(browser.begin())

    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == f"{place[0].url}/login/callback"
    assert all(asked[name] != again[name] for name in ("state", "nonce", "code_challenge"))


def test_keys_that_the_provider_changes_are_read_again(browser: Browser, provider: Provider) -> None:
    browser.enter("dora")
    provider.control(rotate=True)

    assert browser.enter("dora").status_code == 200


def test_clocks_may_differ_by_a_minute(browser: Browser, provider: Provider) -> None:
    provider.control(forge="within the clocks' difference")

    browser.enter("dora")
    assert browser.role == "Desk"


def test_logging_out_ends_the_session_here_and_at_the_provider(browser: Browser) -> None:
    browser.enter("dora")
    onward = browser.post(f"{browser.url}/logout", allow_redirects=False).text
    address = onward.partition('content="0; url=')[2].partition('"')[0].replace("&amp;", "&")
    answer = browser.get(address, allow_redirects=False)

    assert browser.role == ""
    assert values_of(address)["post_logout_redirect_uri"] == f"{browser.url}/"
    assert answer.headers["location"].startswith(f"{browser.url}/")
    assert "/enter" in browser.get(browser.begin(), allow_redirects=False).headers["location"]


def test_login_that_is_still_allowed_goes_on_without_asking_the_person(browser: Browser, provider: Provider) -> None:
    """The provider takes each refresh token once, so requests at the same time must not all use it."""
    browser.enter("dora")
    for _ in range(2):
        browser.age(unconfirmed=400)
        with ThreadPoolExecutor(6) as pool:
            roles = list(pool.map(lambda _: browser.role, range(6)))
        assert roles == ["Desk"] * 6


@pytest.mark.parametrize("roles", [[], ["CAF-Figures"], ["CAF-Figures", "Payroll"]])
def test_role_that_the_provider_changes_ends_the_session(
    browser: Browser, provider: Provider, roles: list[str]
) -> None:
    browser.enter("dora")
    provider.control(people={"dora": roles})

    browser.age(unconfirmed=400)
    assert browser.role == ""


def test_family_that_was_opened_stays_open_when_the_provider_is_asked_again(
    browser: Browser, place: tuple[Served, Provider]
) -> None:
    browser.enter("dora")
    own, key = place[0].settings, browser.cookies["caf_desk"]
    door = Door(own, Recorder(own))
    door.open_family(key, "F-1")
    browser.age(unconfirmed=400)

    assert browser.role == "Desk"
    assert set(door.opened(key)) == {"F-1"}


def test_ended_session_leads_to_the_login_and_says_so(browser: Browser) -> None:
    """Otherwise the desk would see the public page, and think that there are no alerts."""
    browser.enter("dora")
    browser.age(began=9 * 3600)
    answer = browser.see("/?area=x")

    assert (answer.status_code, answer.headers["location"]) == (303, "/login?to=%2F%3Farea%3Dx")
    assert "Your login has ended" in browser.see("/login").text
    assert browser.see("/none").status_code == 404


def test_local_accounts_are_off_but_for_those_that_the_settings_name(browser: Browser) -> None:
    served = Served(browser.url, Settings(home=browser.home))

    assert "<form class" not in browser.see("/login").text
    assert served.log_in("sam")[1].status_code == 401
    assert served.log_in(BREAK_GLASS)[1].status_code == 303
    assert ("logged_in", BREAK_GLASS) in {(one.action, one.who) for one in waiting_entries(browser.home)}


def test_person_who_has_the_name_of_a_local_account_is_refused(
    browser: Browser, place: tuple[Served, Provider], provider: Provider
) -> None:
    """People can often change their names. Nobody could tell in the audit which of the two it was."""
    provider.control(people={"Sam": ["CAF-Desk"]})

    assert browser.enter("Sam").status_code == 400
    assert browser.role == ""
    assert Browser(place[0]).enter("dora").status_code == 200


def test_whole_login_works_in_a_browser(chromium: Chromium, place: tuple[Served, Provider]) -> None:
    """The browser enforces what the headers and cookies say: no form may lead to another site, and so on."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{place[0].url}/login?to=/none")
    page.get_by_role("link", name="Log in with your council account").click()
    page.get_by_label("Person").fill("dora")
    page.get_by_role("button", name="Enter").click()
    page.wait_for_url("**/none")
    expect(page.get_by_text("Desk: dora-")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(f"{place[0].url}/**")
    expect(page.get_by_role("link", name="Log in", exact=True)).to_be_visible()
    page.goto(f"{place[0].url}/login")
    page.get_by_role("link", name="Log in with your council account").click()
    expect(page.get_by_label("Person")).to_be_visible()
    context.close()


def test_provider_that_does_not_answer_is_named_and_the_named_account_enters(unreachable: Settings) -> None:
    own = replace(unreachable, local_accounts=BREAK_GLASS)
    Accounts(own.home).add(BREAK_GLASS, PASSWORD)
    door = Door(own, Recorder(own))

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app(own))
        async with httpx.AsyncClient(transport=transport, base_url=own.dashboard_url) as client:
            return await client.get("/login/provider")

    # In a thread of its own, because the browser of another test keeps an event loop in this one.
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(asyncio.run, ask()).result()
    assert answer.status_code == 503
    assert "nobody can log in now" in answer.text
    assert door.who(door.enter(BREAK_GLASS, PASSWORD, "here")).audience is Audience.DESK


def test_description_of_another_issuer_is_refused(place: tuple[Served, Provider]) -> None:
    """The server answers under both names, and calls itself by one of them."""
    right = place[0].settings
    wrong = replace(right, oidc_issuer=right.oidc_issuer.replace("127.0.0.1", "localhost"))

    assert Client(right).begin()[0].startswith(right.oidc_issuer)
    with pytest.raises(LoginUnavailable):
        Client(wrong).begin()


def test_session_outlives_a_short_failure_of_the_provider_only(unreachable: Settings) -> None:
    door, secret = Door(unreachable, Recorder(unreachable)), Accounts(unreachable.home).secret
    sessions = Sessions(unreachable.home / "desk" / "sessions", secret, idle_seconds=3600, total_seconds=8 * 3600)

    def begun(seconds_ago: float) -> str:
        confirmed = time.time() - seconds_ago
        return sessions.begin(Session(name="d", role="desk", subject="1", refresh_token="r", confirmed=confirmed))

    assert door.who(begun(400)).audience is Audience.DESK
    assert door.who(begun(1300)) is EVERYBODY


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"oidc_issuer": "http://login.example"}, "CAF_OIDC_ISSUER"),
        ({"dashboard_url": ""}, "CAF_DASHBOARD_URL"),
        ({"dashboard_url": "http://pages.example"}, "CAF_DASHBOARD_URL"),
        ({"oidc_client_id": ""}, "CAF_OIDC_CLIENT_ID"),
        ({"oidc_scope": "profile"}, "CAF_OIDC_SCOPE"),
        ({"oidc_roles": "CAF-Desk=boss"}, "allowed: VALUE=figures or VALUE=desk"),
        ({"oidc_roles": "CAF-Desk=desk:"}, "allowed: VALUE=figures or VALUE=desk"),
        ({"oidc_roles": "CAF-Leeds=desk:leeds"}, "'leeds' is not one of E08000015; allowed: birkenhead, .*unknown"),
        ({"oidc_roles": ""}, "CAF_OIDC_ROLES"),
        ({"oidc_client_secret": ""}, "CAF_OIDC_CLIENT_SECRET_FILE"),
    ],
)
def test_setting_that_is_missing_or_unsafe_is_named(unreachable: Settings, change: dict, says: str) -> None:
    with pytest.raises(SettingInvalid, match=says):
        Client(replace(unreachable, **change))


def test_claims_are_read_as_they_come() -> None:
    roles = roles_of("CN=Desk,OU=x=desk, F=figures".replace(",OU", ";OU"), WIRRAL)

    assert role_in({"roles": "F"}, "roles", roles) == "figures"
    assert role_in({"realm_access": {"roles": ["F"]}}, "realm_access.roles", roles) == "figures"
    assert role_in({"https://x.example/roles": ["F"]}, "https://x.example/roles", roles) == "figures"
    assert role_in({"roles": {"F": 1}}, "roles", roles) is None
    assert role_in({"roles": [["F"], 1, None]}, "roles", roles) is None
    assert role_in({"roles": "xFx"}, "roles", roles) is None
    assert name_in({"sub": "1", "preferred_username": "\n", "email": "d@x\x1b[0m\n"}) == "d@x[0m"


@pytest.mark.parametrize(
    ("given", "role"),
    [
        (["B"], "desk:birkenhead"),
        (["B", "W"], "desk:birkenhead+unknown+wallasey"),
        (["F", "W"], "desk:unknown+wallasey"),
        (["B", "D", "F"], "desk"),
        (["F", "x"], "figures"),
        ([], None),
    ],
)
def test_several_roles_give_all_their_areas_and_the_whole_desk_comes_first(given: list[str], role: str | None) -> None:
    roles = roles_of("F=figures, D=desk, B=desk:birkenhead, W=desk:wallasey+unknown", WIRRAL)

    assert role_in({"roles": given}, "roles", roles) == role


def test_session_file_is_the_owners_and_holds_no_key(browser: Browser) -> None:
    browser.enter("dora")
    key = browser.cookies["caf_desk"]
    files = list((browser.home / "desk" / "sessions").glob("*.json"))

    assert files
    assert [file for file in files if key in file.read_text() or key in file.name] == []
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    shutil.rmtree(browser.home / "desk" / "sessions")
    assert browser.role == ""
