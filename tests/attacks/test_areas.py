"""
Somebody with an account for one area tries to see alerts of another area, and to open families without being seen.

Each attempt has a positive control: the account sees the alert of its own area, or an account of the whole desk sees
the other alert. The pages, the broker and the lake with the alerts are real.
"""

import csv
import json
import re
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from uuid import uuid4

import msgspec
import pytest
import requests

from dashboard.access.accounts import Accounts
from dashboard.access.login import Door
from dashboard.access.openings import MOST
from streams import names
from streams.alerts.publisher import Publisher
from streams.audit.recorder import Recorder
from streams.contracts import Accepted, OpenedInEmergency, decode
from streams.kafka.drain import whole
from streams.lake.postgres import Postgres
from streams.rules.register import newest
from streams.settings import Settings
from streams.stack.ports import free_ports
from tests.attacks.landed import land_alert
from tests.attacks.test_pages import FOREIGN
from tests.audit.alert import alert
from tests.audit.entries import sent_entries
from tests.dashboard.conftest import PASSWORD, Served, await_true, empty_topics, pages_of
from tests.dashboard.oidc import Browser

OWN, OTHER, HIDDEN, MOVED, NONE = "1" * 32, "2" * 32, "3" * 32, "4" * 32, "f" * 32
FAMILIES = {OWN: "F-own-000001", OTHER: "F-other-000002", HIDDEN: "F-hidden-000003", MOVED: "F-moved-000004"}
AREAS = {OWN: "birkenhead", OTHER: "wallasey", HIDDEN: None}
SECRET = {FAMILIES[OTHER], FAMILIES[HIDDEN], OTHER, HIDDEN}
"""What the account for Birkenhead must not get to see."""
ROLES = {"ann": "desk:birkenhead", "uma": "desk:unknown", "fran": "figures", "sam": "desk"}


@pytest.fixture(scope="module")
def served(
    settings: Settings, postgres: Postgres, kafka: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """Pages with an open alert in each of two areas, and one whose area is hidden."""
    folder = tmp_path_factory.mktemp("areas")
    own = replace(
        settings,
        database=f"t_{uuid4().hex[:12]}",
        lake_data=str(folder / "lake"),
        dashboard_port=free_ports(1)[0],
    )
    empty_topics(own)
    for number, alert_id in enumerate(AREAS):
        land_alert(own, alert_id, FAMILIES[alert_id], offset=number, area=AREAS[alert_id])
    for name, role in ROLES.items():
        Accounts(own.home).add(name, PASSWORD, role)
    with pages_of(own, folder / "pages.log") as served:
        yield served
    postgres.drop(own.database)


@pytest.fixture
def ann(served: Served) -> Browser:
    """The desk of Birkenhead, which sees its own alert."""
    return logged_in(served, "ann", OWN)


@pytest.fixture
def sam(served: Served) -> Browser:
    """The whole desk, which sees the other alert."""
    return logged_in(served, "sam", OTHER)


def logged_in(served: Served, name: str, alert_id: str) -> Browser:
    browser, door = Browser(served), Door(served.settings, Recorder(served.settings))
    browser.see(f"/login?link={door.link(name)}")
    await_true(lambda: browser.see(f"/alerts/{alert_id}").status_code == 200 and alert_id in browser.see("/").text)
    return browser


@pytest.mark.parametrize("alert_id", [OTHER, HIDDEN])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("live", [{}, {"Caf-Live": "1"}], ids=["opened", "again"])
def test_desk_of_an_area_gets_no_alert_of_another(
    ann: Browser, sam: Browser, alert_id: str, method: str, live: dict
) -> None:
    answer = ann.request(method, f"{ann.url}/alerts/{alert_id}", headers=live, allow_redirects=False)

    assert answer.status_code == 403
    assert FAMILIES[alert_id] not in answer.text
    assert "wallasey" not in answer.text
    assert FAMILIES[alert_id] in sam.see(f"/alerts/{alert_id}").text


def test_alert_of_another_area_looks_like_one_that_does_not_exist(ann: Browser) -> None:
    """An id is made from facts that a worker may know. So the answer must not say whether a guess was right."""
    other, none = (ann.see(f"/alerts/{alert_id}") for alert_id in (OTHER, NONE))

    assert other.status_code == none.status_code == 403
    assert alike(other.text, OTHER) == alike(none.text, NONE)
    assert {name: value for name, value in other.headers.items() if name not in {"date", "content-length"}} == {
        name: value for name, value in none.headers.items() if name not in {"date", "content-length"}
    }


def test_refusal_is_recorded_with_the_alert_that_exists(ann: Browser, served: Served) -> None:
    before = len(sent_entries(served.settings))
    for alert_id in (OTHER, NONE):
        ann.see(f"/alerts/{alert_id}")
    made = sent_entries(served.settings)[before:]

    assert [(one.who, one.role, one.subject, str(one.outcome), one.alert_ids, one.family_ids) for one in made] == [
        ("ann", "desk:birkenhead", "alerts", "refused", [OTHER], [FAMILIES[OTHER]]),
        ("ann", "desk:birkenhead", "alerts", "refused", [], []),
    ]


@pytest.mark.parametrize("live", [{}, {"Caf-Live": "1"}], ids=["opened", "again"])
def test_look_at_a_family_is_recorded_even_if_it_shows_nothing(ann: Browser, served: Served, live: dict) -> None:
    before = len(sent_entries(served.settings))
    answer = ann.see(f"/families/{FAMILIES[OTHER]}?live={len(live)}", headers=live)
    [made] = sent_entries(served.settings)[before:]

    assert OTHER not in answer.text
    assert (made.who, str(made.action), made.subject, made.family_ids) == (
        "ann",
        "page_opened",
        "families",
        [FAMILIES[OTHER]],
    )


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/?history=1", "/?area=wallasey", "/?area=unknown", "/?severity=red&area=", "/?is_desk=1"),
        *("/now/alerts.csv", "/now/alerts.csv?area=wallasey", "/rules", "/rules/performance.csv"),
    ],
)
def test_no_list_and_no_table_shows_another_area(ann: Browser, sam: Browser, path: str) -> None:
    text = ann.see(path).text

    assert [one for one in SECRET if one in text] == []
    assert 'value="wallasey"' not in text
    assert OTHER in sam.see("/").text


def test_counts_are_those_of_the_own_areas(ann: Browser, sam: Browser) -> None:
    standing = re.compile(r'<span class="big">(\w+)</span> open')

    assert standing.findall(ann.see("/").text)[0] == "1"
    assert standing.findall(sam.see("/").text)[0] == "3"
    assert ann.see("/now/alerts.csv").text.splitlines() == ["rule,severity,birkenhead", "adult_returns,red,1"]


def test_alert_without_an_area_is_of_the_desk_for_unknown_areas(served: Served) -> None:
    uma = logged_in(served, "uma", HIDDEN)

    assert FAMILIES[HIDDEN] in uma.see(f"/alerts/{HIDDEN}").text
    assert uma.see(f"/alerts/{OWN}").status_code == 403


def test_live_stream_names_no_alert_and_ends_when_the_account_gets_other_areas(ann: Browser, served: Served) -> None:
    with ann.get(f"{served.url}/changes", stream=True, timeout=120) as stream:
        lines = stream.iter_lines(decode_unicode=True)
        assert next(lines) == "retry: 2000"
        Accounts(served.settings.home).add("ann", PASSWORD, "desk:wallasey")
        told = list(lines)
    Accounts(served.settings.home).add("ann", PASSWORD, ROLES["ann"])

    assert {line for line in told if line.startswith("data: ")} <= {"data: hello", "data: figures", "data: alerts"}
    assert ann.see(f"/alerts/{OWN}").status_code == 303


def test_alert_that_moved_to_another_area_is_gone_from_the_page(served: Served, sam: Browser) -> None:
    """An address may become protected while a page is open. The page loads itself again and must lose the alert."""
    ann = logged_in(served, "ann", OWN)
    land_alert(served.settings, MOVED, FAMILIES[MOVED], offset=10, area="birkenhead")
    assert FAMILIES[MOVED] in ann.see(f"/alerts/{MOVED}").text
    land_alert(served.settings, MOVED, FAMILIES[MOVED], offset=11, version=2)

    assert ann.see(f"/alerts/{MOVED}", headers={"Caf-Live": "1"}).status_code == 403
    assert FAMILIES[MOVED] in sam.see(f"/alerts/{MOVED}").text


# Opening in an emergency


def test_family_opens_after_it_is_recorded_and_the_manager_is_alerted(ann: Browser, served: Served) -> None:
    """The page of the family, and of each of its alerts, can be seen. The first page shows only the own areas."""
    before = len(sent_entries(served.settings))
    answer = opens(ann, FAMILIES[OTHER])
    entry = next(one for one in sent_entries(served.settings)[before:] if one.action == "family_opened")
    (event,) = openings(served)[-1:]

    assert (answer.status_code, answer.headers["location"]) == (303, f"/families/{FAMILIES[OTHER]}")
    assert (entry.who, str(entry.outcome), entry.subject, entry.family_ids) == (
        "ann",
        "allowed",
        "covering_desk",
        [FAMILIES[OTHER]],
    )
    assert (event.fact.worker_id, event.fact.family_id, str(event.fact.emergency_reason)) == (
        "ann",
        FAMILIES[OTHER],
        "covering_desk",
    )
    assert entry.at <= event.envelope.time
    assert OTHER in ann.see(f"/families/{FAMILIES[OTHER]}").text
    assert FAMILIES[OTHER] in ann.see(f"/alerts/{OTHER}").text
    assert OTHER not in ann.see("/").text
    assert ann.see(f"/alerts/{HIDDEN}").status_code == 403


def test_refused_alert_can_be_opened_from_its_page(ann: Browser, served: Served) -> None:
    token = token_in(ann.see(f"/alerts/{OTHER}").text)
    answer = send(ann, token, alert_id=OTHER, reason="immediate_danger")
    entry = sent_entries(served.settings)[-1]

    assert (answer.status_code, answer.headers["location"]) == (303, f"/alerts/{OTHER}")
    assert (str(entry.action), entry.alert_ids, entry.family_ids) == ("family_opened", [OTHER], [FAMILIES[OTHER]])
    assert FAMILIES[OTHER] in ann.see(f"/alerts/{OTHER}").text


def test_alert_of_the_own_area_alerts_nobody(ann: Browser, served: Served) -> None:
    before = len(openings(served))
    answer = send(ann, own_token(ann), alert_id=OWN, reason="covering_desk")

    assert (answer.status_code, answer.headers["location"]) == (303, f"/alerts/{OWN}")
    assert len(openings(served)) == before


def test_family_that_is_not_open_shows_only_the_own_areas(ann: Browser, sam: Browser) -> None:
    shown = {family: ann.see(f"/families/{family}").text for family in (FAMILIES[OWN], FAMILIES[OTHER], "F-none-9")}

    assert OWN in shown[FAMILIES[OWN]]
    assert alike(shown[FAMILIES[OTHER]], FAMILIES[OTHER]) == alike(shown["F-none-9"], "F-none-9")
    assert OTHER in sam.see(f"/families/{FAMILIES[OTHER]}").text


def test_what_was_opened_is_open_to_no_other_session_and_ends_with_this_one(ann: Browser, served: Served) -> None:
    opens(ann, FAMILIES[OTHER])
    assert ann.see(f"/alerts/{OTHER}").status_code == 200
    other = logged_in(served, "ann", OWN)

    assert other.see(f"/alerts/{OTHER}").status_code == 403
    ann.post(f"{ann.url}/logout")
    assert logged_in(served, "ann", OWN).see(f"/alerts/{OTHER}").status_code == 403


def test_what_was_opened_ends_with_its_time(ann: Browser, served: Served) -> None:
    opens(ann, FAMILIES[OTHER])
    assert ann.see(f"/alerts/{OTHER}").status_code == 200
    for file in (served.settings.home / "desk" / "sessions").glob("*.json"):
        session = json.loads(file.read_text())
        opened = {family: until - 3601 for family, until in session["opened"].items()}
        file.write_text(json.dumps(session | {"opened": opened}))

    assert ann.see(f"/alerts/{OTHER}", headers={"Caf-Live": "1"}).status_code == 403
    assert OTHER not in ann.see(f"/families/{FAMILIES[OTHER]}").text


def test_who_opened_and_then_lost_the_role_sees_nothing(ann: Browser, served: Served) -> None:
    opens(ann, FAMILIES[OTHER])
    assert ann.see(f"/alerts/{OTHER}").status_code == 200
    Accounts(served.settings.home).add("ann", PASSWORD, "figures")
    answers = [ann.see(path) for path in (f"/alerts/{OTHER}", f"/families/{FAMILIES[OTHER]}")]
    again, door = Browser(served), Door(served.settings, Recorder(served.settings))
    again.see(f"/login?link={door.link('ann')}")
    answers += [again.see(path) for path in (f"/alerts/{OTHER}", f"/families/{FAMILIES[OTHER]}", "/families")]
    Accounts(served.settings.home).add("ann", PASSWORD, ROLES["ann"])

    assert [one.status_code for one in answers] == [303, 303, 403, 403, 403]
    assert [one for one in answers if FAMILIES[OTHER] in one.text] == []


@pytest.mark.parametrize("forged", ["none", "another session", "login form", "another account"])
def test_form_with_a_token_of_somebody_else_opens_nothing(ann: Browser, served: Served, forged: str) -> None:
    other = logged_in(served, "uma" if forged == "another account" else "ann", HIDDEN if "acc" in forged else OWN)
    login = token_in(ann.see("/login?local=1").text)
    token = {"none": "", "login form": login}.get(forged, own_token(other))
    before = len(openings(served))

    assert send(ann, token, family_id=FAMILIES[OTHER], reason="covering_desk").status_code == 403
    assert ann.see(f"/alerts/{OTHER}").status_code == 403
    assert len(openings(served)) == before
    assert opens(ann, FAMILIES[OTHER]).status_code == 303


@pytest.mark.parametrize("said", FOREIGN, ids=str)
def test_form_of_another_site_opens_nothing(ann: Browser, served: Served, said: dict) -> None:
    before = len(openings(served))
    sent = {"token": own_token(ann), "family_id": FAMILIES[OTHER], "reason": "covering_desk"}

    assert ann.post(f"{ann.url}/families", data=sent, headers=said, allow_redirects=False).status_code == 403
    assert len(openings(served)) == before
    assert ann.see(f"/alerts/{OTHER}").status_code == 403


def test_account_for_figures_learns_nothing_of_a_single_alert(served: Served, sam: Browser) -> None:
    """Neither its counts nor its live updates follow an alert. The whole desk sees the alert at once."""
    fran, door = Browser(served), Door(served.settings, Recorder(served.settings))
    fran.see(f"/login?link={door.link('fran')}")
    before = fran.see("/now/alerts.csv").text
    many = [msgspec.structs.replace(alert(f"5{n:031}", f"F-later-{n}"), area="wallasey") for n in range(7)]
    told = []
    with fran.get(f"{served.url}/changes", stream=True, timeout=5) as stream:
        lines = stream.iter_lines(decode_unicode=True)
        assert "data: hello" in [next(lines) for _ in range(3)]
        with closing(Publisher(served.settings)) as publisher:
            publisher.alerts(many)
        await_true(lambda: all(one.alert_id in sam.see("/").text for one in many))
        with suppress(requests.ConnectionError):  # after five seconds of silence
            told.extend(lines)

    assert "data: alerts" not in told
    assert fran.see("/now/alerts.csv").text == before
    rows = list(csv.DictReader(before.splitlines()))
    assert {row["rule"] for row in rows} == set(newest())
    assert {cell for row in rows for name, cell in row.items() if name not in {"rule", "severity"}} == {"c"}


@pytest.mark.parametrize("name", ["fran", "nobody"])
def test_who_has_no_area_opens_nothing(ann: Browser, served: Served, name: str) -> None:
    reader, door = Browser(served), Door(served.settings, Recorder(served.settings))
    if name == "fran":
        reader.see(f"/login?link={door.link(name)}")
    key, before = reader.cookies.get("caf_desk", ""), len(openings(served))
    answer = send(reader, door.own_token(key), family_id=FAMILIES[OTHER], reason="covering_desk")

    assert answer.status_code == (403 if name == "fran" else 303)
    assert reader.see("/families").status_code == answer.status_code
    assert len(openings(served)) == before
    assert opens(ann, FAMILIES[OTHER]).status_code == 303


def test_whole_desk_is_led_to_the_family_without_an_alert(sam: Browser, served: Served) -> None:
    before = len(openings(served))
    answer = send(sam, own_token(sam), family_id=FAMILIES[OTHER])

    assert answer.headers["location"] == f"/families/{FAMILIES[OTHER]}"
    assert OTHER in sam.see(answer.headers["location"]).text
    assert len(openings(served)) == before


@pytest.mark.parametrize(
    ("family_id", "reason"),
    [
        ("", "covering_desk"),
        ("unknown", "covering_desk"),
        ("F-1\n", "curious"),
        ("F 1", "covering_desk"),
        ("' OR 1=1 --", "covering_desk"),
        ("x" * 65, "covering_desk"),
        ("F-1", ""),
        ("F-1", "because I want to"),
    ],
)
def test_opening_without_an_id_or_a_reason_of_the_list_is_none(
    ann: Browser, served: Served, family_id: str, reason: str
) -> None:
    """A free text could name a child, and the audit and the events hold ids and codes only."""
    before = len(openings(served))

    assert send(ann, own_token(ann), family_id=family_id, reason=reason).status_code == 400
    assert len(openings(served)) == before


def test_guessed_alert_is_counted_and_recorded_and_says_nothing(ann: Browser, served: Served) -> None:
    token = own_token(ann)
    answers = [send(ann, token, alert_id=NONE, reason="covering_desk").status_code for _ in range(MOST + 1)]
    entry = sent_entries(served.settings)[-1]

    assert answers == [404] * MOST + [429]
    assert (str(entry.action), str(entry.outcome), entry.who) == ("family_opened", "refused", "ann")


def test_script_that_opens_family_after_family_is_stopped(ann: Browser, served: Served) -> None:
    """A new login does not help, because the account is counted."""
    before = len(openings(served))
    answers = [opens(ann, f"F-many-{number}").status_code for number in range(MOST)]
    again = logged_in(served, "ann", OWN)

    assert answers == [303] * MOST
    assert opens(again, FAMILIES[OTHER]).status_code == 429
    assert again.see(f"/alerts/{OTHER}").status_code == 403
    assert len(openings(served)) == before + MOST


@pytest.mark.parametrize(
    "family",
    [
        *("..%2F..%2Falerts%2F" + OTHER, "%27%20OR%201=1%20--", "F-other%00", "%ff", "x" * 2000, "F-1%0d%0aX:1"),
        *("<script>alert(1)</script>", "{{111*111}}", "F-other-000002.csv", "F-other-000002%20", "f-OTHER-000002", "*"),
    ],
)
def test_family_with_strange_characters_shows_nothing(ann: Browser, family: str) -> None:
    answer = ann.see(f"/families/{family}")

    assert answer.status_code in {200, 400, 404}
    assert OTHER not in answer.text.replace(family, "")
    assert not any(word in answer.text for word in ("Traceback", "<script>alert", "12321", "SELECT"))


@pytest.fixture(autouse=True)
def _no_openings(served: Served) -> None:
    """Let each test begin without openings in the last hour."""
    (served.settings.home / "desk" / "openings.json").unlink(missing_ok=True)


def token_in(text: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', text)
    assert found
    return found[1]


def own_token(browser: Browser) -> str:
    return token_in(browser.see("/families").text)


def send(browser: Browser, token: str, **form: str) -> requests.Response:
    return browser.post(f"{browser.url}/families", data={"token": token, **form}, allow_redirects=False, timeout=60)


def opens(browser: Browser, family_id: str) -> requests.Response:
    """Open a family as the page does it."""
    return send(browser, own_token(browser), family_id=family_id, reason="covering_desk")


def openings(served: Served) -> list[Accepted]:
    """Return the events that alert the manager, in the order in which they were sent."""
    found = [decode(record) for record in whole(served.settings, [names.ESCALATION])]
    events = [one for one in found if isinstance(one, Accepted) and isinstance(one.fact, OpenedInEmergency)]
    return sorted(events, key=lambda one: one.envelope.time)


def alike(text: str, alert_id: str) -> str:
    """Return a page without what differs between two requests for any two addresses."""
    text = text.replace(alert_id, "ID")
    return re.sub(r'(name="token" value=")[^"]*|<time.*?</time>', r"\1", text)
