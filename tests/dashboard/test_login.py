"""Logging in over HTTP: which requests are refused, and which attributes the cookies have."""

from collections.abc import Iterator

import pytest
import requests

from dashboard.access.accounts import Accounts
from dashboard.access.login import Door
from streams.audit.recorder import Recorder
from streams.settings import Settings
from tests.dashboard.conftest import NAME, PASSWORD, Served, pages_of


@pytest.fixture(scope="module")
def door(away: Settings, tmp_path_factory) -> Iterator[Served]:
    """Pages without a lake, because logging in needs no lake."""
    Accounts(away.home).add(NAME, PASSWORD)
    with pages_of(away, tmp_path_factory.mktemp("door") / "pages.log") as served:
        yield served


def test_the_right_password_gives_a_cookie_that_scripts_and_other_sites_cannot_use(door: Served) -> None:
    session, answer = door.log_in()
    cookie = next(value for name, value in answer.raw.headers.items() if name == "set-cookie" and "caf_desk" in value)

    assert answer.status_code == 303
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert f"Desk: {NAME}" in session.get(f"{door.url}/login").text


def test_a_wrong_password_and_an_unknown_name_are_told_the_same(door: Served) -> None:
    answers = [door.log_in(password="wrong wrong wrong")[1], door.log_in(name="nobody")[1]]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert all("The name or the password is wrong." in answer.text for answer in answers)


def test_a_form_of_another_site_is_refused(door: Served) -> None:
    """A form from another site has no token that fits the browser's cookie."""
    sent = {"name": NAME, "password": PASSWORD, "to": "/"}

    assert requests.post(f"{door.url}/login", data=sent, allow_redirects=False).status_code == 403
    assert requests.post(f"{door.url}/login", data=sent | {"token": "x"}, allow_redirects=False).status_code == 403


def test_link_of_a_demo_lets_in_at_once(door: Served) -> None:
    session = requests.Session()
    link = Door(door.settings, Recorder(door.settings)).link(NAME)
    answer = session.get(f"{door.url}/login", params={"link": link}, allow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert f"Desk: {NAME}" in session.get(f"{door.url}/login").text
    assert "Name" in requests.get(f"{door.url}/login", params={"link": link + "x"}).text


def test_form_leads_back_to_what_was_asked_for(door: Served) -> None:
    session = requests.Session()
    answer = session.get(f"{door.url}/partners?a=1&b=2", allow_redirects=False)
    form = session.get(door.url + answer.headers["location"]).text

    assert answer.status_code == 303
    assert 'name="to" value="/partners?a=1&amp;b=2"' in form


def test_logging_in_leads_nowhere_else(door: Served) -> None:
    session = requests.Session()
    form = session.get(f"{door.url}/login?to=//evil.example/").text

    assert "evil" not in form


def test_logging_out_ends_the_session_here(door: Served) -> None:
    session, _ = door.log_in()
    session.post(f"{door.url}/logout")

    assert f"Desk: {NAME}" not in session.get(f"{door.url}/login").text


def test_nothing_may_be_framed_cached_or_loaded_from_elsewhere(door: Served) -> None:
    headers = door.get("/login").headers

    assert headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_too_many_attempts_must_wait(door: Served) -> None:
    answers = [door.log_in(name="eve", password="wrong wrong wrong")[1].status_code for _ in range(7)]

    assert answers[-1] == 429
    assert set(answers) <= {401, 429}
