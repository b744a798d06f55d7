"""The web application: which page each address shows, and what a reader is told if something is missing."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from dashboard.access.audience import Audience
from dashboard.access.headers import SafeHeaders
from dashboard.access.login import COOKIE, SESSION_SECONDS, TICKET
from dashboard.drawing.figures import Figure, as_csv
from dashboard.drawing.render import render
from dashboard.live.monitoring import metrics, turning
from dashboard.pages import PAGES, Page, Pages, Shown, shown_to
from dashboard.reading.reader import NotBuilt
from dashboard.site import Asked, Site
from streams.errors import LakeUnavailable
from streams.health.look import Holds
from streams.settings import Settings

__all__ = ["app"]

log = structlog.get_logger()


class NotForThem(Exception):
    """The reader's audience is not allowed to see the page at this address."""


_STATIC = Path(__file__).with_name("static")


def app(settings: Settings, pages: Pages = PAGES, holds: Holds | None = None) -> Starlette:
    """
    Create the application that serves the pages of one home.

    Its background threads start and end with the server. `holds` is a function that returns the holds on the marts.
    """
    site = Site(settings, holds)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        site.changes.attach(asyncio.get_running_loop())
        site.start()
        async with turning(settings):
            yield
        site.end()

    # Put the tables first. Otherwise the address of a table would be taken for the page of a rule.
    tables = [
        Route(f"/{address or 'now'}/{{key}}.csv", _table(site, address, page))
        for address, page in pages.items()
        if page.name
    ]
    return Starlette(
        lifespan=lifespan,
        routes=[
            *tables,
            *(Route(f"/{address}", _page(site, address, page)) for address, page in pages.items()),
            Route("/login", _login(site), methods=["GET", "POST"]),
            Route("/logout", _logout(site), methods=["POST"]),
            Route("/changes", _changes(site)),
            Route("/metrics", metrics(site)),
            Mount("/static", StaticFiles(directory=_STATIC)),
        ],
        middleware=[Middleware(SafeHeaders), Middleware(GZipMiddleware, minimum_size=1_000)],
        exception_handlers={
            NotForThem: _not_for_them(site),
            LakeUnavailable: _problem(
                site, 503, "The figures cannot be read", "The lake does not answer. It stores all figures."
            ),
            NotBuilt: _problem(site, 404, "Not built yet", "The figures for this page have not been built yet."),
            HTTPException: _problem(site, 404, "Page not found", "There is no page at this address."),
        },
    )


def _asked(site: Site, request: Request) -> Asked:
    who = site.door.who(request.cookies.get(COOKIE))
    return Asked(site, who, {**request.query_params, **request.path_params})


def _let_in(asked: Asked, page: Page) -> Shown:
    """
    Return what this reader may see of a page. Every request for a page or a table goes through this check.

    Raises:
        NotForThem: the reader may see nothing of this page.
    """
    shown = shown_to(asked.audience, page)
    if shown is None:
        raise NotForThem
    return shown


def _html(asked: Asked, template: str, address: str = "", status: int = 200, **content: Any) -> Response:
    menu = {("/" + one): page.name for one, page in PAGES.items() if page.name and shown_to(asked.audience, page)}
    html = render(template, asked, menu=menu, here=f"/{address}", **content)
    return Response(html, status, {"Cache-Control": "no-store"}, "text/html")


def _page(site: Site, address: str, page: Page) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        asked = _asked(site, request)
        shown = _let_in(asked, page)
        content = shown.view(asked)
        if content is None:
            raise HTTPException(404)
        titled: dict[str, Any] = {"title": page.name} | content
        return _html(asked, shown.template, address.partition("/")[0], **titled)

    return answer


def _table(site: Site, address: str, page: Page) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        asked, key = _asked(site, request), request.path_params["key"]
        content = _let_in(asked, page).view(asked)
        found: list[Figure] = [one for one in content["figures"] if one.key == key] if content else []
        if not found:
            raise HTTPException(404)
        name = f'attachment; filename="{address or "now"}-{key}.csv"'
        return Response(as_csv(found[0]), 200, {"Content-Disposition": name, "Cache-Control": "no-store"}, "text/csv")

    return answer


def _not_for_them(site: Site) -> Callable[[Request, Exception], Response]:
    """
    Return the function that answers readers who are not allowed to see a page.

    A reader who is not logged in gets the login form. After logging in, the reader gets the page. A reader who is
    logged in is told that they need another account.
    """

    def answer(request: Request, _: Exception) -> Response:
        asked = _asked(site, request)
        if asked.audience is Audience.EVERYBODY:
            wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/login?{urlencode({'to': wanted})}", 303)
        sentence = "Your account is for figures. You need an account of the desk to see single alerts."
        return _html(asked, "problem.html", status=403, title="You cannot see this page", sentence=sentence, since="")

    return answer


def _login(site: Site) -> Callable[[Request], Awaitable[Response]]:
    async def login(request: Request) -> Response:
        asked = _asked(site, request)
        if request.method == "GET":
            link, to = (request.query_params.get(name, "") for name in ("link", "to"))
            cookie = site.door.follow(link) if link else None
            return _entered(request, cookie, to) if cookie else _form(asked, to)
        form = await request.form()
        name, password, to = (str(form.get(field, "")) for field in ("name", "password", "to"))
        address = request.client.host if request.client else "unknown"
        if not site.door.fits(str(form.get("token", "")), request.cookies.get(TICKET)):
            return _form(asked, to, "This form was open for too long. Try again.", 403)
        if site.door.must_wait(name, address):
            return _form(asked, to, "There were too many failed attempts. Wait five minutes, then try again.", 429)
        cookie = await asyncio.to_thread(site.door.enter, name, password, address)
        if cookie is None:
            log.warning("login_refused")
            return _form(asked, to, "The name or the password is wrong.", 401)
        return _entered(request, cookie, to)

    return login


def _entered(request: Request, cookie: str, to: str) -> Response:
    answer = RedirectResponse(_inside(to), 303)
    is_secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, cookie, max_age=SESSION_SECONDS, httponly=True, samesite="strict", secure=is_secure)
    answer.delete_cookie(TICKET)
    return answer


def _form(asked: Asked, to: str, problem: str = "", status: int = 200) -> Response:
    ticket = secrets.token_urlsafe(16)
    token = asked.site.door.token(ticket)
    answer = _html(asked, "login.html", "login", status, title="Log in", to=_inside(to), token=token, problem=problem)
    answer.set_cookie(TICKET, ticket, max_age=3600, httponly=True, samesite="strict")
    return answer


def _inside(to: str) -> str:
    """Return the address if it is an address of these pages. Otherwise return the address of the first page."""
    return to if to.startswith("/") and not to.startswith(("//", "/\\")) else "/"


def _logout(site: Site) -> Callable[[Request], Response]:
    def logout(request: Request) -> Response:
        # Forms on other sites cannot send the session cookie, because it is SameSite=Strict. Then there is no name to
        # record.
        if name := _asked(site, request).who.name:
            site.door.note(name, "left")
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(COOKIE)
        return answer

    return logout


def _changes(site: Site) -> Callable[[Request], Response]:
    def changes(request: Request) -> Response:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        told = site.changes.stream(_asked(site, request).audience)
        return StreamingResponse(told, media_type="text/event-stream", headers=headers)

    return changes


def _problem(site: Site, status: int, title: str, sentence: str) -> Callable[[Request, Exception], Response]:
    def problem(request: Request, error: Exception) -> Response:
        if request.url.path.endswith(".csv"):
            return PlainTextResponse(sentence, status)
        code = error.status_code if isinstance(error, HTTPException) else status
        since = f"{datetime.now(UTC):%H:%M:%S} UTC"
        asked = _asked(site, request)
        return _html(asked, "problem.html", status=code, title=title, sentence=sentence, since=since)

    return problem
