"""
The pages of a borough with arriving events, in a real browser. The pages must be accessible, must update themselves,
and must show families only to the desk.
"""

import csv
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from dashboard.access.audience import Audience
from dashboard.pages import PAGES, shown_to
from streams import names
from streams.kafka.client import producer
from streams.lake.connect import connect
from streams.settings import Settings
from tests.audit.entries import sent_entries
from tests.dashboard.conftest import AREAS, FIGURES, NAME, OF_AREAS, Served

WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""The rules that depend on colours. In dark mode, everything else is as in light mode."""
WIDTHS = (1280, 390)
LSOA, WARD = "E01007120", "Bidston and St James"
STATES = ("requested", "started", "waiting", "waiting_beyond_target", "declined", "families_served")
AROUND = ("families_served", "waiting")
ALSO = {
    Audience.EVERYBODY: ["/login", "/rules/adult_returns"],
    Audience.FIGURES: ["/map?kind=month&measure=referrals"],
    Audience.AREA: ["/?history=1"],
    Audience.DESK: ["/?history=1", f"/map?place={LSOA}"],
}
ACCOUNTS = {Audience.FIGURES: FIGURES, Audience.AREA: OF_AREAS, Audience.DESK: NAME}
HREF = re.compile(r'href="(/[^"#]*)"')


@pytest.fixture(params=WIDTHS)
def page(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Page]:
    """A new browser window, once as wide as a desktop and once as wide as a phone. The window must report no error."""
    context = chromium.new_context(viewport={"width": request.param, "height": 800})
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


@pytest.fixture
def desk(chromium: Browser, served: Served) -> Iterator[Callable[[str], Page]]:
    """Return a function that opens pages as the desk."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    log_in(page, served)

    def open_(path: str) -> Page:
        page = context.new_page()
        page.goto(served.url + path)
        return page

    yield open_
    context.close()


def log_in(page: Page, served: Served, name: str = "") -> None:
    page.goto(f"{served.url}/login")
    page.get_by_label("Name").fill(name or served.name)
    page.get_by_label("Password").fill(served.password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text(re.compile(f"(Desk.*|Figures): {name or served.name}"))).to_be_visible()


def check(page: Page, url: str, rules: dict[str, object] = WCAG) -> list[str]:
    """List a page's faults for people who cannot see well, use the keyboard, or have a small screen."""
    page.goto(url)
    found = Axe().run(page, options=rules).response["violations"]
    wrong = [f"{url}: {one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]]
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    headings = page.locator("h1").count()
    cut = page.locator(".chart").evaluate_all(
        "all => all.filter(one => one.clientWidth > one.parentElement.clientWidth).length"
    )
    wrong += [f"{url}: {cut} charts are cut off"] * (cut > 0)
    return wrong + [f"{url}: {width} px too wide"] * (width > 0) + [f"{url}: {headings} h1"] * (headings != 1)


def paths_of(audience: Audience) -> list[str]:
    """Return the addresses of all pages that an audience may see, and those that only such a page leads to."""
    return [f"/{address}" for address, page in PAGES.items() if page.name and shown_to(audience, page)] + ALSO[audience]


@pytest.mark.parametrize("audience", Audience)
def test_every_page_passes_wcag_fits_and_has_one_heading(page: Page, served: Served, audience: Audience) -> None:
    """Each audience sees its own pages. On the map, the tables are opened as well."""
    if audience > Audience.EVERYBODY:
        log_in(page, served, ACCOUNTS[audience])
    wrong = [one for path in paths_of(audience) for one in check(page, served.url + path)]
    page.goto(f"{served.url}/map")
    for summary in page.locator("summary").all():
        summary.click()

    assert wrong == []
    assert Axe().run(page, options=WCAG).violations_count == 0


def test_an_alerts_page_passes_wcag_and_fits(page: Page, served: Served) -> None:
    log_in(page, served)
    page.goto(f"{served.url}/?history=1")
    alert = page.locator("#alerts h3 a").first.get_attribute("href")

    assert check(page, served.url + alert) == []


@pytest.mark.parametrize("audience", Audience)
def test_dark_pages_have_enough_contrast(chromium: Browser, served: Served, audience: Audience) -> None:
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, color_scheme="dark")
    page = context.new_page()
    if audience > Audience.EVERYBODY:
        log_in(page, served, ACCOUNTS[audience])

    assert [one for path in paths_of(audience) for one in check(page, served.url + path, COLOURS)] == []
    context.close()


def test_the_keyboard_reaches_the_content_and_walks_the_map(page: Page, served: Served) -> None:
    """The first press of Tab reaches a link that skips to the content. Enter on a ward opens the ward."""
    log_in(page, served, FIGURES)
    page.goto(f"{served.url}/map")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    page.keyboard.press("Enter")
    expect(page.locator(":focus")).to_have_attribute("id", "main")
    ward = page.locator("svg.map a").first
    name = ward.locator("title").text_content().partition(":")[0]
    ward.focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=2, name=name, exact=True)).to_be_visible()


def test_choices_work_without_javascript(chromium: Browser, served: Served) -> None:
    """Time, measure and place are chosen by a form and by links."""
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, served, FIGURES)
    page.goto(f"{served.url}/map?kind=month")
    page.locator("select[name=measure]").select_option("contacts")
    page.get_by_role("button", name="Show").click()

    expect(page.get_by_text("Contacts", exact=True).last).to_be_visible()
    assert "measure=contacts" in page.url
    context.close()


def test_an_event_shows_its_alert_and_changes_its_ward_without_reload(
    desk: Callable[[str], Page], served: Served
) -> None:
    """
    A referral without an answer to the consent question raises an amber alert within seconds, and its ward counts one
    more referral.
    """
    now = desk("/")
    ward = desk(f"/map?kind=month&measure=referrals&place={ward_code(served)}")
    before = number(ward)
    for page in (now, ward):
        page.evaluate("window.kept = true")
    send_referral(served.settings, "live")

    alert = now.locator("#alerts li").filter(has_text="F-live")
    expect(alert).to_contain_text("Consent not recorded", ignore_case=True, timeout=20_000)
    expect(now.locator("#said")).to_contain_text("Newest alert")
    expect(ward.locator(".value .big")).to_have_text(str(before + 1), timeout=120_000)
    assert [page.evaluate("window.kept") for page in (now, ward)] == [True, True]


def test_the_desk_sees_the_family_its_evidence_and_the_case_and_that_is_written_down(
    desk: Callable[[str], Page], served: Served
) -> None:
    page = desk("/?history=1")
    link = page.locator("#alerts h3 a").first
    alert_id = link.get_attribute("href").rpartition("/")[2]
    link.click()
    expect(page.get_by_role("heading", name="Evidence")).to_be_visible()
    seen = [one for one in sent_entries(served.settings) if one.subject == "alerts" and alert_id in one.alert_ids]
    assert [(one.who, one.role, one.action) for one in seen][:1] == [(NAME, "desk", "alerts_seen")]


@pytest.mark.parametrize("name", ["", FIGURES])
def test_nothing_names_a_family_a_person_or_a_referral_to_others(served: Served, name: str) -> None:
    """The test follows every address that the pages link to, and also reads the live stream."""
    known = identifiers(served.settings)
    session = served.log_in(name)[0] if name else requests.Session()
    told = listen(served, session)
    seen, waiting = set(), [*paths_of(Audience.FIGURES), "/?history=1", "/changes-not-there"]
    while waiting and len(seen) < 90:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        text = served.get(path, session).text
        assert not found(known, text), f"{path} names {found(known, text)[:3]}"
        waiting += [link.replace("&amp;", "&") for link in HREF.findall(text) if not link.startswith("/static")]

    assert len(known) > 1_000
    assert [path for path in seen if path.endswith(".csv")]
    send_referral(served.settings, f"told-{name}")
    assert not found(known, "".join(told()))


def test_desk_of_areas_sees_the_alerts_of_its_areas_and_counts_no_others(served: Served) -> None:
    """Its small counts of other things stay hidden."""
    areas, whole = served.log_in(OF_AREAS)[0], served.log_in()[0]
    mine, all_ = ({*re.findall(r'id="a-(\w+)"', served.get("/?history=1", who).text)} for who in (areas, whole))
    with connect(served.settings) as lake:
        found = lake.execute("SELECT alert_id, arg_max(area, version) FROM landing.main.alerts GROUP BY 1").fetchall()
    area = dict(found)
    tally = list(csv.DictReader(served.get("/now/alerts.csv?history=1", areas).text.splitlines()))

    assert {area.get(alert) for alert in mine} <= AREAS
    assert all_
    assert all(AREAS.isdisjoint({name for name, cell in row.items() if name not in AREAS and cell}) for row in tally)
    assert ",c," in served.get("/map/places.csv?kind=month&measure=referrals", areas).text


def test_without_login_there_is_no_figure_that_is_not_published(served: Served) -> None:
    """Neither a page nor a file shows a count of alerts or of children."""
    tables = ("/now/alerts.csv", "/rules/performance.csv", "/map/services.csv", "/map/places.csv")
    pages = {path: served.get(path) for path in ("/", "/map", "/rules", "/rules/adult_returns")}

    assert [served.get(path).status_code for path in tables] == [404] * len(tables)
    assert {path: re.findall(r"/([a-z]+)\.csv", answer.text) for path, answer in pages.items()} == {
        "/": ["rate"],
        "/map": [],
        "/rules": [],
        "/rules/adult_returns": [],
    }


def test_without_login_an_alert_cannot_be_opened(
    desk: Callable[[str], Page], chromium: Browser, served: Served
) -> None:
    """The login form appears first, and then leads back to the alert."""
    alert_id = one(served.settings, "SELECT min(alert_id) FROM landing.main.alerts")
    page = chromium.new_context().new_page()
    page.goto(f"{served.url}/alerts/{alert_id}")
    page.get_by_label("Name").fill(served.name)
    page.get_by_label("Password").fill(served.password)
    page.get_by_role("button", name="Log in").click()

    expect(page.get_by_role("heading", name="Evidence")).to_be_visible()
    assert page.url == f"{served.url}/alerts/{alert_id}"


def test_account_for_figures_sees_no_small_count(served: Served) -> None:
    """Small counts are hidden in the tables by ward, the tables of services, and the table of alerts."""
    session, _ = served.log_in(FIGURES)
    tables = {
        "/map/places.csv?kind=month&measure=referrals": {"numerator"},
        "/map/services.csv": {*STATES, *(f"around_{name}" for name in AROUND)},
        "/now/alerts.csv?history=1": None,
    }
    for path, counts in tables.items():
        rows = list(csv.DictReader(served.get(path, session).text.splitlines()))
        cells = [cell for row in rows for name, cell in row.items() if counts is None or name in counts]
        numbers = [float(cell) for cell in cells if re.fullmatch(r"[\d.]+", cell)]

        assert cells
        assert [count for count in numbers if (0 if counts else -1) < count <= 5] == []


def test_published_map_says_what_is_suppressed(page: Page, served: Served, published: str) -> None:
    """
    Every audience sees the word "suppressed" in the map, its legend, the chart and the table, with the definition
    beside them.
    """
    assert check(page, f"{served.url}/map?measure=referrals") == []
    assert check(page, f"{served.url}/map?place={published}") == []
    page.goto(f"{served.url}/map?measure=referrals")

    expect(page.locator(f"#w-{published} title")).to_contain_text("suppressed")
    expect(page.locator(".legend")).to_contain_text("suppressed: a count from 1 to 5")
    expect(page.locator("#f-places svg")).to_contain_text(": suppressed")
    expect(page.locator(".defined")).to_contain_text("of a named child, with social care asked for")
    page.locator("#d-places summary").click()
    expect(page.locator("#d-places tbody tr").last).to_contain_text("suppressed")
    assert ",c" in served.get("/map/places.csv?measure=referrals").text


def test_the_desks_tables_are_not_suppressed(served: Served) -> None:
    session, figures = served.log_in()[0], served.log_in(FIGURES)[0]
    path = "/map/places.csv?kind=month&measure=referrals"

    assert ",c," in served.get(path, figures).text
    assert ",c," not in served.get(path, session).text
    assert len(served.get(path, session).text.splitlines()) == 23


def send_referral(settings: Settings, name: str) -> None:
    """Send a referral without an answer to the consent question, from one LSOA."""
    event = {
        "specversion": "1.0",
        "id": f"e-{name}",
        "source": "/test",
        "type": "uk.caf.referral.referral-submitted.v1",
        "time": datetime.now(UTC).isoformat(),
        "authority": settings.authority,
        "data": {
            "referral_id": f"R-{name}-0001",
            "family_id": f"F-{name}",
            "person_ids": [f"P-{name}-0001"],
            "source_code": "6",
            "severity": "amber",
            "lsoa_code": LSOA,
        },
    }
    client = producer(settings)
    client.send(names.REFERRAL, key=f"F-{name}".encode(), value=json.dumps(event).encode()).get(timeout=30)
    client.close()


def ward_code(served: Served) -> str:
    return one(served.settings, f"SELECT ward_code FROM marts.analytics.dim_area WHERE lsoa_code = '{LSOA}'")


def one(settings: Settings, query: str) -> object:
    with connect(settings) as lake:
        return lake.execute(query).fetchone()[0]


def number(page: Page) -> int:
    return int(page.locator(".value .big").text_content())


def identifiers(settings: Settings) -> set[str]:
    """Return every value in the lake that could identify a family, a person or a fact about them."""
    with connect(settings) as lake:
        rows = lake.execute("SELECT * EXCLUDE payload FROM landing.main.events").to_arrow_table()
        alerts = lake.execute("SELECT DISTINCT alert_id FROM landing.main.alerts").fetchall()
    columns = [name for name in rows.column_names if name.endswith(("_id", "record_key")) and name != "agency_id"]
    values = {value for name in columns for value in rows.column(name).to_pylist() if isinstance(value, str)}
    return {value for value in values | {row[0] for row in alerts} if len(value) >= 6}


def found(known: set[str], text: str) -> list[str]:
    return [word for word in set(re.findall(r"[\w.-]{6,}", text)) if word in known]


def listen(served: Served, session: requests.Session) -> Callable[[], list[str]]:
    """
    Collect the lines of the live stream in a thread. The returned function waits for two changes and gives the
    lines.
    """
    told: list[str] = []
    enough = threading.Event()

    def read() -> None:
        # The server ends before this thread does.
        with (
            suppress(requests.RequestException),
            session.get(f"{served.url}/changes", stream=True, timeout=120) as answer,
        ):
            for line in answer.iter_lines(decode_unicode=True):
                told.append(line)
                if told.count("event: changed") > 1:
                    enough.set()

    threading.Thread(target=read, daemon=True).start()

    def give() -> list[str]:
        assert enough.wait(120), "readers who see no alert are told of the next build"
        return told

    return give
