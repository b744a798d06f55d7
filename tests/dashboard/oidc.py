"""Starts the provider of `oidc_server` and pages that use it, and drives them as a browser would."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from streams.settings import PROJECT, Settings
from streams.stack.ports import free_ports, listens
from tests.dashboard.conftest import Served, await_true, pages_of

CLIENT, SECRET = "caf-pages", "a secret of the client that is long enough to sign"
PEOPLE = {"dora": ["CAF-Desk"], "fiona": ["CAF-Figures"], "nobody": ["Payroll"], "both": ["CAF-Figures", "CAF-Desk"]}


@dataclass(frozen=True)
class Provider:
    """The provider: its address, and its administrator."""

    url: str

    def control(self, **wish: object) -> dict:
        """Ask the administrator for something. Tokens are forged until the next wish."""
        return requests.post(f"{self.url}/control", json=wish, timeout=60).json()


@contextmanager
def provider_of(port: int, pages: str, folder: Path) -> Iterator[Provider]:
    """Run the provider, for pages at an address."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.dashboard.oidc_server", str(port), str(folder), pages]
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": str(PROJECT)}, cwd=PROJECT, stdout=output, stderr=output
        )
    try:
        await_true(lambda: listens(port) or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        provider = Provider(f"http://127.0.0.1:{port}")
        provider.control(people=PEOPLE)
        yield provider
    finally:
        process.terminate()
        process.wait(20)


def with_provider(settings: Settings, port: int) -> Settings:
    """Return the settings of pages that use the provider at a port."""
    dashboard = free_ports(1)[0]
    return replace(
        settings,
        dashboard_port=dashboard,
        dashboard_url=f"http://127.0.0.1:{dashboard}",
        oidc_issuer=f"http://127.0.0.1:{port}",
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,
        oidc_roles="CAF-Desk=desk, CAF-Figures=figures",
        oidc_contact="the service desk",
    )


@contextmanager
def federated(settings: Settings, folder: Path) -> Iterator[tuple[Served, Provider]]:
    """Run pages and their provider."""
    port = free_ports(1)[0]
    own = with_provider(settings, port)
    with (
        provider_of(port, own.dashboard_url, folder / "provider") as provider,
        pages_of(own, folder / "pages.log") as served,
    ):
        yield served, provider


class Browser(requests.Session):
    """A browser at pages with a provider. It follows no redirect by itself, so that a test can change what it does."""

    def __init__(self, served: Served) -> None:
        super().__init__()
        self.url = served.url
        self.home = served.settings.home

    def see(self, path: str, **options: object) -> requests.Response:
        """Open a page."""
        return self.get(self.url + path, timeout=60, allow_redirects=False, **options)

    def begin(self, to: str = "/") -> str:
        """Click on the login page, and return the provider's address."""
        return self.see(f"/login/provider?{urlencode({'to': to})}").headers["location"]

    def answer(self, address: str, person: str) -> str:
        """Log in at the provider, and return the address at which the browser comes back."""
        form = self.get(address, timeout=60, allow_redirects=False)
        if "/enter" in form.headers["location"]:
            page = self.get(f"{address.split('/authorize')[0]}{form.headers['location']}", timeout=60)
            form = self.post(page.url, data={"person": person}, timeout=60, allow_redirects=False)
            form = self.get(f"{address.split('/authorize')[0]}{form.headers['location']}", allow_redirects=False)
        return form.headers["location"]

    def come_back(self, address: str) -> requests.Response:
        """Return the pages' answer to a browser that comes back from the provider."""
        return self.get(address, timeout=60, allow_redirects=False)

    def enter(self, person: str, to: str = "/") -> requests.Response:
        """Log in."""
        return self.come_back(self.answer(self.begin(to), person))

    @property
    def role(self) -> str:
        """What the pages take the browser's user for."""
        text = self.see("/login").text
        return next((role for role in ("Desk", "Figures") if f"<span>{role}: " in text), "")

    def age(self, *, unconfirmed: float = 0, unused: float = 0, began: float = 0) -> None:
        """Let time pass for all sessions of the home, in seconds."""
        for file in (self.home / "desk" / "sessions").glob("*.json"):
            session = json.loads(file.read_text())
            used = file.stat().st_mtime - unused
            session["confirmed"] -= unconfirmed
            session["began"] -= began
            file.write_text(json.dumps(session))
            os.utime(file, (time.time(), used))


def values_of(address: str) -> dict[str, str]:
    """The values in an address."""
    return {name: one for name, (one,) in parse_qs(urlsplit(address).query).items()}
