"""The pages of a borough with arriving events. Kafka, `watch`, `land`, `build` and the browser are real."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import requests
from playwright.sync_api import Browser, expect, sync_playwright

from dashboard.access.accounts import Accounts
from dashboard.access.audience import desk_of
from streams.disclosure.tables import TABLES
from streams.kafka.client import admin
from streams.kafka.topics import ensure_topics
from streams.lake.connect import connect
from streams.lake.postgres import Postgres
from streams.marts.lock import build_lock
from streams.marts.progress import progress
from streams.settings import PROJECT, Settings
from streams.simulate import World, backfill
from streams.stack.broker_secrets import BROKER
from streams.stack.ports import free_ports, listens
from tests.covered import cover

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
NAME, FIGURES, OF_AREAS, PASSWORD = "sam", "fran", "ada", "correct horse battery"
AREAS = {"birkenhead", "wallasey"}
"""The areas of the account `OF_AREAS`."""
PATIENCE = 300
DAYS = 21


@dataclass(frozen=True)
class Served:
    """
    The address and the home of running pages, and the login of the desk. The accounts `FIGURES` and `OF_AREAS` have the
    same password.
    """

    url: str
    settings: Settings
    name: str = NAME
    password: str = PASSWORD

    def get(self, path: str, session: requests.Session | None = None) -> requests.Response:
        return (session or requests).get(self.url + path, timeout=60, allow_redirects=False)

    def log_in(self, name: str = "", password: str = "") -> tuple[requests.Session, requests.Response]:
        session = requests.Session()
        form = session.get(f"{self.url}/login?local=1", timeout=60).text
        token = form.partition('name="token" value="')[2].partition('"')[0]
        sent = {"name": name or self.name, "password": password or self.password, "token": token, "to": "/"}
        return session, session.post(f"{self.url}/login", data=sent, timeout=60, allow_redirects=False)


@contextmanager
def running(settings: Settings, log: Path, *words: str) -> Iterator[subprocess.Popen]:
    """Run a verb as a process of its own, and yield the process."""
    environ = {**os.environ, **settings.to_env(), "PYTHONPATH": str(PROJECT)}
    with log.open("ab") as output:
        command = [sys.executable, "-m", "streams.cli", *words]
        process = subprocess.Popen(command, env=environ, cwd=PROJECT, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def pages_of(settings: Settings, log: Path) -> Iterator[Served]:
    """Run the pages of a home, and yield them once they answer."""
    with running(settings, log, "pages") as process:
        await_true(lambda: listens(settings.dashboard_port) or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield Served(f"http://127.0.0.1:{settings.dashboard_port}", settings)


def await_true(ask: Callable[[], object]) -> object:
    deadline = time.monotonic() + PATIENCE
    while not (answer := ask()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)
    return answer


@pytest.fixture(scope="module")
def lived(settings: Settings, postgres: Postgres, kafka: str, tmp_path_factory) -> Iterator[Settings]:
    """Three weeks of Wirral on empty topics: watched, landed and built. The parts keep running while the tests run."""
    folder = tmp_path_factory.mktemp("pages")
    own = replace(
        settings,
        database=f"t_{uuid4().hex[:12]}",
        lake_data=str(folder / "lake"),
        land_batch_seconds=0.3,
        heartbeat_seconds=0.5,
    )
    empty_topics(own)
    connect(own).close()
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    # Coverage begins long before the first record, because the pages show figures only for covered time.
    cover(own, own.authority, (midnight - timedelta(days=800)).date())
    backfill(own, World(3, [own.authority], midnight - timedelta(days=DAYS), midnight))
    with ExitStack() as verbs:
        for words in (("watch",), ("land",), ("build", "--follow")):
            verbs.enter_context(running(own, folder / f"{words[0]}.log", *words))
        await_true(lambda: progress(own).settled)
        yield own
    postgres.drop(own.database)


@pytest.fixture(scope="module")
def served(lived: Settings, tmp_path_factory) -> Iterator[Served]:
    """The pages of that borough, with an account for figures, one for some areas, and one for the whole desk."""
    Accounts(lived.home).add(NAME, PASSWORD)
    Accounts(lived.home).add(FIGURES, PASSWORD, "figures")
    Accounts(lived.home).add(OF_AREAS, PASSWORD, desk_of(AREAS))
    with pages_of(lived, tmp_path_factory.mktemp("served") / "pages.log") as served:
        assert requests.get(f"{served.url}/rules/adult_returns", timeout=2 * PATIENCE).status_code == 200
        yield served


@pytest.fixture
def published(lived: Settings) -> Iterator[str]:
    """
    A made-up published quarter of that borough. Each ward has a hundred referrals, but one ward is suppressed.

    The fixture gives the code of the suppressed ward.
    """
    with build_lock(lived), connect(lived, landing=None, marts="read_write") as lake:
        lake.execute(TABLES)
        lake.execute(
            "INSERT INTO marts.public.places SELECT DISTINCT authority_code, authority_name, area_code, area_name, "
            "ward_code, ward_name FROM marts.analytics.dim_area WHERE authority_code = ?",
            [lived.authority],
        )
        (ward,) = lake.execute("SELECT min(ward_code) FROM marts.public.places").fetchone()
        lake.execute(
            "INSERT INTO marts.public.referrals SELECT DISTINCT authority_code, 'ward', ward_code, 'quarter', "
            "DATE '2025-01-01', 'referrals', if(ward_code = $ward, NULL, 100), if(ward_code = $ward, 'c', NULL), "
            "3000, if(ward_code = $ward, NULL, 1333.3) FROM marts.public.places",
            {"ward": ward},
        )
    yield ward
    with build_lock(lived), connect(lived, landing=None, marts="read_write") as lake:
        lake.execute("DROP SCHEMA marts.public CASCADE; DROP SCHEMA marts.released CASCADE")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real Chromium browser."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on PATH; install the package 'chromium' to test the pages in a browser")
    expect.set_options(timeout=1000 * PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def away(settings: Settings, make_home: Callable[[str], Path], lend_rules: Callable[[Path], Path]) -> Settings:
    """Settings of an empty home, whose lake and broker do not answer."""
    dashboard, nobody = free_ports(2)
    return replace(
        settings,
        home=lend_rules(make_home("h")),
        dashboard_port=dashboard,
        postgres=f"postgresql://nobody@127.0.0.1:{nobody}/caf",
        kafka=f"127.0.0.1:{nobody}",
    )


@pytest.fixture
def no_lake(away: Settings, tmp_path: Path) -> Iterator[Served]:
    """Pages whose lake and broker do not answer."""
    with pages_of(away, tmp_path / "pages.log") as served:
        yield served


@pytest.fixture
def no_build(fresh_settings: Settings, tmp_path: Path) -> Iterator[Served]:
    """Pages of a lake in which no record has landed."""
    connect(fresh_settings).close()
    empty = replace(fresh_settings, dashboard_port=free_ports(1)[0])
    with pages_of(empty, tmp_path / "pages.log") as served:
        yield served


def empty_topics(settings: Settings) -> None:
    """Create all topics anew. What earlier tests have sent would be on the pages as well."""
    client = admin(settings.acting_as(BROKER))
    try:
        client.delete_topics(client.list_topics())
        while client.list_topics():
            time.sleep(0.02)
    finally:
        client.close()
    ensure_topics(settings)
