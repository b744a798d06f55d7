"""
Somebody attacks the pages: with stolen cookies, forged tokens, forms of other sites, and an account that sees less.

Each attempt has a positive control: the same thing done by somebody who may do it, which shows that there is something
to get. The pages, the provider, and the lake with the alert are real.
"""

import http.client
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit
from uuid import uuid4

import pytest
import requests

from dashboard.access.accounts import Accounts
from dashboard.access.login import Door
from dashboard.pages import PAGES
from streams.audit.recorder import Recorder
from streams.lake.postgres import Postgres
from streams.settings import PROJECT, Settings
from streams.stack.ports import free_ports
from tests.attacks.landed import land_alert
from tests.audit.entries import waiting_entries
from tests.dashboard.conftest import PASSWORD, Served, await_true
from tests.dashboard.oidc import Browser, Provider, federated, values_of

FAMILY = "F-planted-000001"
ALERT = "a" * 32
LOCAL, LOCAL_FIGURES, OFF = "breakglass", "clinic", "sam"
ROLES = {LOCAL: "desk", LOCAL_FIGURES: "figures", OFF: "desk"}
EVIL = "https://evil.example"

FORGERIES = [
    "unsigned",
    "unsigned, with the key's name",
    "changed after signing",
    "signed by somebody else",
    "signed by somebody else with an own key",
    "with a key of its own in the header",
    "with an address of keys in the header",
    "signed with the public key",
    "signed with the client's secret",
    "expired",
    "not yet valid",
    "issued tomorrow",
    "other issuer",
    "other audience",
    "several audiences",
    "other party",
    "other nonce",
    "other access token",
    "without nonce",
    "without exp",
    "without iat",
    "without iss",
    "without aud",
    "without sub",
    "without roles",
    "no ID token",
]
"""What a token of a forger can be like. `oidc_server` makes them."""

OUTSIDE = [
    f"{EVIL}/",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "/\t/evil.example",
    "javascript:alert(1)",
    "/x\r\nSet-Cookie: caf_desk=mine",
    "https:evil.example",
]
"""Addresses to which nobody may be led after a login."""

FOREIGN = [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": EVIL}, {"Origin": "null"}]
"""What a browser says about a form of another site."""


@pytest.fixture(scope="module")
def place(
    settings: Settings, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Served, Provider]]:
    """Pages with an open alert about a family, and a provider. Two local accounts may log in as well."""
    folder = tmp_path_factory.mktemp("attacked")
    own = replace(
        settings,
        database=f"t_{uuid4().hex[:12]}",
        lake_data=str(folder / "lake"),
        local_accounts=f"{LOCAL}, {LOCAL_FIGURES}",
        kafka_port=free_ports(1)[0],  # no broker, so the entries of the audit wait in the home
    )
    land_alert(own, ALERT, FAMILY)
    accounts = Accounts(own.home)
    for name, role in ROLES.items():
        accounts.add(name, PASSWORD, role)
    with federated(own, folder) as (served, provider):
        yield served, provider
    postgres.drop(own.database)


@pytest.fixture
def served(place: tuple[Served, Provider]) -> Served:
    return place[0]


@pytest.fixture
def accounts(served: Served) -> Iterator[Accounts]:
    """The local accounts. After the test, they are as before."""
    yield Accounts(served.settings.home)
    Accounts(served.settings.home).add(LOCAL, PASSWORD, ROLES[LOCAL])


@pytest.fixture
def provider(place: tuple[Served, Provider]) -> Iterator[Provider]:
    yield place[1]
    place[1].control(people={"dora": ["CAF-Desk"]})


@pytest.fixture
def browser(served: Served) -> Browser:
    return Browser(served)


@pytest.fixture
def dora(browser: Browser) -> Browser:
    """Somebody of the desk, who has logged in at the provider and sees the family."""
    browser.enter("dora")
    await_true(lambda: sees_family(browser))
    return browser


@pytest.fixture
def desk(served: Served) -> Browser:
    """Somebody of the desk with a local account, who sees the family: the positive control of most attempts."""
    desk = local(served)
    await_true(lambda: sees_family(desk))
    return desk


def sees_family(browser: requests.Session, url: str = "") -> bool:
    answer = browser.get(f"{url or browser.url}/alerts/{ALERT}", timeout=60, allow_redirects=False)
    return answer.status_code == 200 and FAMILY in answer.text


def local(served: Served, name: str = LOCAL) -> Browser:
    """Return a browser that is logged in with a local account."""
    browser, door = Browser(served), Door(served.settings, Recorder(served.settings))
    browser.see(f"/login?link={door.link(name)}")
    return browser


def thief(victim: Browser, served: Served) -> Browser:
    """Return another browser with a copy of the victim's cookies."""
    other = Browser(served)
    other.cookies.update(victim.cookies)
    assert sees_family(other), "the copy works while the session lasts"
    return other


# A stolen session


def test_cookie_is_worth_nothing_after_logout(desk: Browser, served: Served) -> None:
    other = thief(desk, served)
    desk.post(f"{desk.url}/logout")

    assert not sees_family(other)


@pytest.mark.parametrize(
    "change",
    [
        lambda accounts: accounts.remove(LOCAL),
        lambda accounts: accounts.add(LOCAL, PASSWORD, "figures"),
        lambda accounts: accounts.add(LOCAL, PASSWORD + "!"),
    ],
    ids=["removed", "another role", "another password"],
)
def test_cookie_is_worth_nothing_after_the_account_changed(
    served: Served, desk: Browser, accounts: Accounts, change: Callable
) -> None:
    other = thief(desk, served)
    change(accounts)

    assert not sees_family(other)
    assert other.role == ""


@pytest.mark.parametrize(
    "wish",
    [{"withdraw": "dora"}, {"people": {"dora": []}}, {"people": {"dora": ["CAF-Figures"]}}, {"forge": "somebody else"}],
    ids=["withdrawn", "without role", "lower role", "somebody else"],
)
def test_cookie_is_worth_nothing_after_the_provider_withdrew(
    dora: Browser, served: Served, provider: Provider, wish: dict
) -> None:
    other = thief(dora, served)
    provider.control(**wish)
    other.age(unconfirmed=400)

    assert not sees_family(other)


@pytest.mark.parametrize("time_passes", [{"unused": 3700}, {"began": 8 * 3600 + 60}], ids=["unused", "too long"])
def test_cookie_is_worth_nothing_after_its_time(desk: Browser, served: Served, time_passes: dict) -> None:
    other = thief(desk, served)
    other.age(**time_passes)

    assert not sees_family(other)


def test_open_page_does_not_keep_a_session_alive(desk: Browser) -> None:
    """A page that updates itself on a desk that somebody has left is not used."""
    desk.age(unused=3000)
    assert desk.see(f"/alerts/{ALERT}", headers={"Caf-Live": "1"}).status_code == 200
    desk.age(unused=700)

    assert not sees_family(desk)


def test_live_stream_ends_with_the_session(desk: Browser, served: Served) -> None:
    other = thief(desk, served)
    with other.get(f"{served.url}/changes", stream=True, timeout=120) as stream:
        lines = stream.iter_lines()
        assert next(lines) == b"retry: 2000"
        desk.post(f"{desk.url}/logout")
        assert all(b"alerts" not in line for line in lines), "the stream ends, and tells of no alert before it does"


def test_old_session_ends_when_the_browser_logs_in_again(dora: Browser, served: Served) -> None:
    other = thief(dora, served)
    dora.enter("dora")

    assert sees_family(dora)
    assert not sees_family(other)


def test_login_gives_a_new_key_whatever_the_browser_brought(served: Served, browser: Browser) -> None:
    attacker = Browser(served)
    for one in (browser, attacker):
        one.cookies.set("caf_desk", "planted", domain="127.0.0.1", path="/")
    browser.enter("dora")

    assert sees_family(browser)
    assert browser.cookies.get_dict()["caf_desk"] != "planted"
    assert not sees_family(attacker)


@pytest.mark.parametrize("key", ["name of the file", "session of another home", "path", "empty", "long"])
def test_key_that_was_not_given_out_opens_nothing(
    desk: Browser, served: Served, make_home: Callable[[str], Path], key: str
) -> None:
    file = max((served.settings.home / "desk" / "sessions").glob("*.json"), key=lambda one: one.stat().st_mtime)
    other = Settings(home=make_home("other"))
    Accounts(other.home).add(LOCAL, PASSWORD)
    tried = {
        "name of the file": file.stem,
        "session of another home": Door(other, Recorder(other)).enter(LOCAL, PASSWORD, "here"),
        "path": f"../sessions/{file.stem}",
        "empty": "",
        "long": "x" * 4000,
    }
    attacker = Browser(served)
    attacker.cookies.set("caf_desk", tried[key])

    assert sees_family(desk)
    assert not sees_family(attacker)


# Forged answers of the provider


@pytest.mark.parametrize("forgery", FORGERIES)
def test_forged_token_lets_nobody_in(browser: Browser, provider: Provider, forgery: str) -> None:
    provider.control(forge=forgery)
    answer = browser.enter("dora")

    assert answer.status_code in {400, 403}
    assert not sees_family(browser)
    provider.control(forge="made again as it was")
    browser.enter("dora")
    assert sees_family(browser)


def test_answer_to_another_login_lets_nobody_in(browser: Browser, served: Served) -> None:
    """The state, the code, or both belong to the login of another browser. Its owner could enter with them."""
    attacker = Browser(served)
    code = attacker.answer(attacker.begin(), "dora")
    mine = values_of(browser.begin())
    mixed = f"{served.url}/login/callback?{urlencode(values_of(code) | {'state': mine['state']})}"
    none = Browser(served)

    assert none.come_back(code).status_code == 400
    assert browser.come_back(code).status_code == 400
    browser.begin()
    assert browser.come_back(mixed).status_code == 400
    assert attacker.come_back(code).status_code == 200


@pytest.mark.parametrize("change", [{"state": "x"}, {"state": ""}, {"code": "x"}, {"code": ""}, {"iss": EVIL}])
def test_changed_answer_lets_nobody_in(browser: Browser, change: dict) -> None:
    back = browser.answer(browser.begin(), "dora")
    address = f"{browser.url}/login/callback?{urlencode(values_of(back) | change)}"

    assert browser.come_back(address).status_code == 400
    assert browser.role == ""
    assert browser.enter("dora").status_code == 200


def test_code_of_another_attempt_fails_for_its_verifier(served: Served) -> None:
    """Both attempts are of one browser, so the state fits. The provider compares the verifier with the code."""
    attacker = Browser(served)
    first = values_of(attacker.answer(attacker.begin(), "dora"))
    second = values_of(attacker.begin())
    address = f"{served.url}/login/callback?{urlencode({'code': first['code'], 'state': second['state']})}"

    assert attacker.come_back(address).status_code == 400
    assert attacker.role == ""


def test_code_works_once(browser: Browser, served: Served) -> None:
    back = browser.answer(browser.begin(), "dora")
    copy = browser.cookies.copy()

    assert browser.come_back(back).status_code == 200
    attacker = Browser(served)
    attacker.cookies = copy
    assert attacker.come_back(back).status_code == 400
    assert attacker.role == ""


def test_refusal_of_the_provider_shows_none_of_its_words(browser: Browser) -> None:
    state = values_of(browser.begin())["state"]
    said = {"state": state, "error": "access_denied", "error_description": "call 0800 EVIL"}
    answer = browser.come_back(f"{browser.url}/login/callback?{urlencode(said)}")

    assert answer.status_code == 400
    assert "EVIL" not in answer.text


def test_name_from_the_provider_is_only_text(browser: Browser, provider: Provider) -> None:
    provider.control(forge="markup as name")
    browser.enter("dora")
    text = browser.see("/login").text

    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7 * 7 }}" in text
    assert "<script>alert" not in text


# Accounts that are off, and guessing


def test_local_account_is_off_while_there_is_a_provider(served: Served, desk: Browser) -> None:
    assert served.log_in(OFF, PASSWORD)[1].status_code == 401
    assert sees_family(local(served))


def test_link_of_a_demo_is_off_while_there_is_a_provider(served: Served, desk: Browser) -> None:
    without = replace(served.settings, oidc_issuer="")
    attacker, allowed = Browser(served), Browser(served)

    assert attacker.see(f"/login?link={Door(without, Recorder(without)).link(OFF)}").status_code == 200
    assert not sees_family(attacker)
    assert allowed.see(f"/login?link={Door(without, Recorder(without)).link(LOCAL)}").status_code == 303
    assert sees_family(allowed)


# Somebody who may see less


@pytest.mark.parametrize("who", ["nobody", "figures of the provider", "figures of a local account", "without role"])
@pytest.mark.parametrize("path", [f"/alerts/{ALERT}", f"/alerts/{ALERT}?is_desk=1", f"//alerts/{ALERT}", "/?desk=1"])
def test_who_is_not_of_the_desk_sees_no_family(desk: Browser, served: Served, who: str, path: str) -> None:
    reader = Browser(served)
    if who == "figures of a local account":
        reader = local(served, LOCAL_FIGURES)
    elif who != "nobody":
        reader.enter("fiona" if who.startswith("figures") else "nobody")

    answer = reader.see(path)
    assert FAMILY not in answer.text
    assert ALERT not in answer.text.replace(quote(path, safe=""), "")
    assert sees_family(desk)
    assert await_true(lambda: ALERT in desk.see("/").text)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_other_methods_get_nothing(desk: Browser, method: str) -> None:
    answer = desk.request(method, f"{desk.url}/alerts/{ALERT}", allow_redirects=False)

    assert answer.status_code == 405
    assert FAMILY not in answer.text
    assert sees_family(desk)


def test_everybody_gets_no_page_and_no_table_that_is_not_public(desk: Browser, served: Served) -> None:
    closed = [address for address in PAGES if address in {"front-door", "levels", "partners", "outcomes", "quality"}]
    attempts = [path for address in closed for path in (f"/{address}", f"/{address}/x.csv")]

    assert len(attempts) == 10
    assert {Browser(served).see(path).status_code for path in attempts} == {303}
    assert all(desk.see(path).status_code != 303 for path in attempts)


# Other sites


@pytest.mark.parametrize("said", FOREIGN, ids=str)
def test_form_of_another_site_logs_nobody_out(desk: Browser, said: dict) -> None:
    assert desk.post(f"{desk.url}/logout", headers=said).status_code == 403
    assert sees_family(desk)
    assert desk.post(f"{desk.url}/logout", headers={"Origin": desk.url, "Sec-Fetch-Site": "same-origin"}).ok
    assert not sees_family(desk)


@pytest.mark.parametrize("said", FOREIGN, ids=str)
def test_form_of_another_site_logs_nobody_in(served: Served, said: dict) -> None:
    session = requests.Session()
    form = session.get(f"{served.url}/login?local=1").text
    sent = {"name": LOCAL, "password": PASSWORD, "token": form.partition('name="token" value="')[2].partition('"')[0]}

    assert session.post(f"{served.url}/login", data=sent, headers=said).status_code == 403
    assert not sees_family(session, served.url)
    assert sees_family(local(served))


def test_another_site_begins_no_login(browser: Browser) -> None:
    answer = browser.see("/login/provider", headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.headers["location"] == "/login?to=%2F"
    assert (
        browser.see("/login/provider", headers={"Sec-Fetch-Site": "same-origin"}).headers["location"] != "/login?to=%2F"
    )


@pytest.mark.parametrize("to", OUTSIDE)
def test_login_leads_to_no_other_site(served: Served, browser: Browser, to: str) -> None:
    form, session = "", requests.Session()
    form = session.get(f"{served.url}/login", params={"to": to, "local": "1"}).text
    token = form.partition('name="token" value="')[2].partition('"')[0]
    sent = {"name": LOCAL, "password": PASSWORD, "token": token, "to": to}
    entered = session.post(f"{served.url}/login", data=sent, allow_redirects=False)

    assert 'name="to" value="/"' in form
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    assert "mine" not in entered.headers["set-cookie"]
    assert 'content="0; url=/"' in browser.enter("dora", to=to).text


def test_cookies_are_for_this_server_alone(browser: Browser) -> None:
    given = browser.enter("dora").headers["set-cookie"]
    attempt = browser.see("/login/provider").headers["set-cookie"]

    assert "caf_desk=" in given
    assert all(word in given for word in ("HttpOnly", "Path=/", "SameSite=strict"))
    assert "Domain" not in given
    assert all(word in attempt for word in ("HttpOnly", "SameSite=lax"))


# Requests that no browser sends


def raw(served: Served, method: str, path: str, headers: dict, body: object = None) -> http.client.HTTPResponse:
    """Send exactly this, without what a library would repair."""
    parts = urlsplit(served.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.endheaders(body, encode_chunked=headers.get("Transfer-Encoding") == "chunked")
    return connection.getresponse()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_name_that_is_not_that_of_the_pages_gets_nothing(served: Served, host: str) -> None:
    assert raw(served, "GET", "/login", {"Host": host}).status in {400, 421}
    assert raw(served, "GET", "/login", {}).status == 200


def test_headers_of_a_proxy_that_is_none_change_nothing(served: Served, browser: Browser) -> None:
    said = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example"}
    answer = browser.see("/login/provider", headers=said)

    assert values_of(answer.headers["location"])["redirect_uri"] == f"{served.url}/login/callback"
    assert "__Host-" not in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/....//app.py",
        "/static/caf.css%00.py",
        "/static/..\\app.py",
    ],
)
def test_static_files_are_those_of_their_folder(served: Served, path: str) -> None:
    answer = raw(served, "GET", path, {})

    assert answer.status in {400, 404, 405}
    assert b"import" not in answer.read()
    assert raw(served, "GET", "/static/caf.css", {}).status == 200


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Length": "1000000"}, b"x" * 1_000_000),
        ({"Content-Length": "9" * 30}, b""),
        ({"Content-Length": "-1"}, b""),
        ({"Transfer-Encoding": "chunked"}, [b"name=" + b"x" * 10_000] * 100),
    ],
    ids=["large", "endless", "negative", "in pieces"],
)
def test_form_that_is_too_large_is_refused(served: Served, headers: dict, body: object) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}

    assert raw(served, "POST", "/login", kind | headers, body).status in {400, 413}
    assert raw(served, "POST", "/login", kind | {"Content-Length": "6"}, b"name=x").status == 403


def test_header_that_is_too_large_is_refused(served: Served) -> None:
    assert raw(served, "GET", "/login", {"Cookie": "caf_desk=" + "x" * 200_000}).status in {400, 431}
    assert raw(served, "GET", "/login", {"Cookie": "caf_desk=x"}).status == 200


@pytest.mark.parametrize(
    "path", ["/none", "/front-door/none.csv", "/alerts/' OR 1=1 --", "/map?place='||(SELECT 1)||'", "/%ff"]
)
def test_error_shows_no_inside(desk: Browser, path: str) -> None:
    answer = desk.see(path)

    assert not any(word in answer.text for word in ("Traceback", 'File "', str(PROJECT), "SELECT", "postgresql://"))
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_page_of_the_desk_is_kept_by_no_cache(desk: Browser) -> None:
    headers = desk.see(f"/alerts/{ALERT}").headers

    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "unsafe" not in headers["content-security-policy"]


def test_every_login_and_refusal_leaves_a_trace(served: Served, browser: Browser) -> None:
    waiting_entries(served.settings.home)  # those of other tests
    browser.enter("dora")
    await_true(lambda: sees_family(browser))
    browser.post(f"{browser.url}/logout")
    Browser(served).enter("nobody")
    served.log_in(LOCAL, "wrong wrong wrong")
    entries = waiting_entries(served.settings.home)

    assert [(one.who.partition("-")[0], str(one.action)) for one in entries if "log" in one.action] == [
        ("dora", "logged_in"),
        ("dora", "logged_out"),
        ("nobody", "login_failed"),
        (LOCAL, "login_failed"),
    ]
    assert {alert for one in entries for alert in one.alert_ids} == {ALERT}
    assert {one.who == LOCAL for one in entries if not one.who_id} == {True}
    assert {bool(re.search("-[0-9a-f]{8}$", one.who)) for one in entries if one.who_id} == {True}


def test_guessing_is_stopped_whatever_address_the_guesser_names(served: Served) -> None:
    """The last test, because it locks this machine's address for five minutes."""
    answers = []
    for number in range(7):
        session = requests.Session()
        session.headers["X-Forwarded-For"] = f"10.0.0.{number}"
        form = session.get(f"{served.url}/login", params={"local": "1"}).text
        token = form.partition('name="token" value="')[2].partition('"')[0]
        sent = {"name": f"guess{number}", "password": PASSWORD, "token": token}
        answers.append(session.post(f"{served.url}/login", data=sent).status_code)

    assert answers[-1] == 429
    assert 303 not in answers
