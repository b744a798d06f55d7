"""`./caf bench pages`: how long the first and later views of each page take, with the history of this home."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from statistics import quantiles

import click
import requests

from streams.errors import StackFailed
from streams.lake.connect import connect
from streams.lake.one_row import one_row
from streams.settings import PROJECT, Settings
from streams.stack.environ import project_environment
from streams.stack.ports import free_ports

__all__ = ["PageTimes", "View", "command", "measure"]

_NAME = f"bench-{os.getpid()}"
_START_SECONDS = 120
_MENU = re.compile(r'<nav aria-label="Pages">.*?</nav>', re.DOTALL)
_TOKEN = re.compile(r'name="token" value="([^"]*)"')
_ADDRESS = re.compile(r'href="(/[^"]*)"')

Say = Callable[[str], None]


@dataclass(frozen=True)
class View:
    """
    The results for one page: milliseconds from the request to the last byte of the answer.

    `first` is the first view after the server has started, with nothing cached. `warm` has all later views of the same
    build.
    """

    page: str
    kilobytes: float
    first_p50: float
    first_p95: float
    warm_p50: float
    warm_p95: float


@dataclass(frozen=True)
class PageTimes:
    """
    The results for all pages of a home that has `events` accepted records.

    `start_seconds` is the time from starting a server until its login page answers.
    """

    events: int
    start_seconds: float
    views: list[View]


@click.command("pages")
@click.option("--rounds", type=click.IntRange(min=2), default=5, show_default=True, help="Number of server starts.")
@click.option("--warm", type=click.IntRange(min=2), default=10, show_default=True, help="Later views in each round.")
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON (everything else goes to stderr).")
def command(rounds: int, warm: int, as_json: bool) -> None:
    """
    Measure how long the pages of this home take to load. The home must be up. The command serves the pages from a
    server of its own.

    The server is restarted for each round. The pages are measured as the desk sees them, with an account that exists
    only during the measurement.
    """
    measured = measure(Settings.from_env(), rounds=rounds, warm=warm, say=lambda text: click.echo(text, err=True))
    if as_json:
        click.echo(json.dumps(asdict(measured)))
        return
    click.echo(f"{measured.events:,} events; a new server answers after {measured.start_seconds} s")
    click.echo(f"{'page':<16} {'kB':>6}   first view p50, p95 ms    later views p50, p95 ms")
    for one in measured.views:
        first, later = f"{one.first_p50:8.0f} {one.first_p95:8.0f}", f"{one.warm_p50:8.0f} {one.warm_p95:8.0f}"
        click.echo(f"{one.page:<16} {one.kilobytes:6.0f}   {first}        {later}")


def measure(settings: Settings, *, rounds: int, warm: int, say: Say) -> PageTimes:
    """
    Measure how long the first and later views of each page take.

    Raises:
        LakeUnavailable: the home is not up.
        StackFailed: the pages do not answer.
    """
    with connect(settings, marts=None) as lake:
        (events,) = one_row(lake.execute("SELECT count(*) FROM landing.main.events"))
    firsts: dict[str, list[float]] = {}
    laters: dict[str, list[float]] = {}
    sizes: dict[str, float] = {}
    starts = []
    with _account(settings) as password:
        for number in range(rounds):
            say(f"round {number + 1} of {rounds} …")
            began = time.monotonic()
            with _server(settings) as url, requests.Session() as session:
                starts.append(time.monotonic() - began)
                _log_in(session, url, password)
                for page in _pages(session, url):
                    took, sizes[page] = _view(session, url + page)
                    firsts.setdefault(page, []).append(took)
                    laters.setdefault(page, []).extend(_view(session, url + page)[0] for _ in range(warm))
    views = [View(page, sizes[page], *_spread(firsts[page]), *_spread(laters[page])) for page in firsts]
    return PageTimes(events, round(sorted(starts)[len(starts) // 2], 1), views)


@contextmanager
def _server(settings: Settings) -> Iterator[str]:
    own = replace(settings, dashboard_port=free_ports(1)[0], dashboard_host="127.0.0.1")
    environ = {**os.environ, **project_environment(own)}
    command_ = [sys.executable, "-m", "streams.cli", "pages"]
    process = subprocess.Popen(command_, env=environ, cwd=PROJECT, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{own.dashboard_port}"
    try:
        _await(url, process)
        yield url
    finally:
        process.terminate()
        process.wait()


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until the login page answers. The login page needs neither the lake nor any chart."""
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            requests.get(f"{url}/login", timeout=10).raise_for_status()
        except requests.RequestException:
            time.sleep(0.1)
        else:
            return
    raise StackFailed(f"the pages did not answer within {_START_SECONDS} s; './caf pages' says why")


@contextmanager
def _account(settings: Settings) -> Iterator[str]:
    """Add a desk account, because such an account sees everything. Yield its password, and remove it at the end."""
    password = _desk(settings, "add", _NAME, "--generate").strip()
    try:
        yield password
    finally:
        _desk(settings, "remove", _NAME)


def _desk(settings: Settings, *words: str) -> str:
    """Run `./caf desk` and return its output. The bench itself must not import the code of the pages."""
    environ = {**os.environ, **project_environment(settings)}
    command_ = [sys.executable, "-m", "streams.cli", "desk", *words]
    return subprocess.run(command_, env=environ, cwd=PROJECT, check=True, capture_output=True, text=True).stdout


def _log_in(session: requests.Session, url: str, password: str) -> None:
    """
    Log in through the form of the login page.

    Raises:
        StackFailed: the pages refused the login.
    """
    token = _TOKEN.search(session.get(f"{url}/login", timeout=60).text)
    form = {"name": _NAME, "password": password, "to": "/", "token": token[1] if token else ""}
    if session.post(f"{url}/login", data=form, timeout=60, allow_redirects=False).status_code != 303:
        raise StackFailed("the pages refused the login of the bench's account")


def _pages(session: requests.Session, url: str) -> list[str]:
    """Read the addresses of the pages from the menu on the login page."""
    menu = _MENU.search(session.get(f"{url}/login", timeout=60).text)
    return _ADDRESS.findall(menu[0]) if menu else []


def _view(session: requests.Session, address: str) -> tuple[float, float]:
    """Fetch a page. Return the milliseconds until its last byte, and its size in kB before compression."""
    began = time.monotonic()
    answer = session.get(address, timeout=120)
    answer.raise_for_status()
    return 1000 * (time.monotonic() - began), len(answer.content) / 1000


def _spread(values: list[float]) -> tuple[float, float]:
    cuts = quantiles(values, n=20, method="inclusive")
    return round(cuts[9], 1), round(cuts[-1], 1)
