"""The application: which address shows which page, and what is said when something is missing."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from dashboard import alert, front_door, levels, need, now, outcomes, partners, quality, rules
from dashboard.figures import Figure, as_csv
from dashboard.headers import SafeHeaders
from dashboard.login import COOKIE, SESSION_SECONDS, TICKET
from dashboard.reader import NotBuilt
from dashboard.render import render
from dashboard.site import Asked, Site
from streams.errors import LakeUnavailable
from streams.settings import Settings

__all__ = ["PAGES", "app"]

log = structlog.get_logger()

View = Callable[[Asked], dict[str, Any]]

PAGES: dict[str, tuple[str, str, View]] = {
    "": ("Now", "now.html", now.view),
    "map": ("Map of need", "need.html", need.view),
    "front-door": ("Front door", "figures.html", front_door.view),
    "levels": ("Pyramid and flow", "figures.html", levels.view),
    "partners": ("Partners", "figures.html", partners.view),
    "outcomes": ("Outcomes", "figures.html", outcomes.view),
    "quality": ("Data quality", "figures.html", quality.view),
    "rules": ("Rules", "rules.html", rules.view),
}
"""Every page in the order of the menu: address, name, template, and what makes its content."""

_STATIC = Path(__file__).with_name("static")


def app(settings: Settings) -> Starlette:
    """The pages of one home; what runs beside them starts and ends with the server."""
    site = Site(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        site.changes.attach(asyncio.get_running_loop())
        site.start()
        yield
        site.end()

    pages = [Route(f"/{address}", _page(site, address)) for address in PAGES]
    tables = [Route(f"/{address or 'now'}/{{key}}.csv", _table(site, address)) for address in PAGES]
    return Starlette(
        lifespan=lifespan,
        routes=[
            *pages,
            *tables,
            Route("/rules/{rule}", _rule(site)),
            Route("/alerts/{alert_id}", _alert(site)),
            Route("/login", _login(site), methods=["GET", "POST"]),
            Route("/logout", _logout(site), methods=["POST"]),
            Route("/changes", _changes(site)),
            Mount("/static", StaticFiles(directory=_STATIC)),
        ],
        middleware=[Middleware(SafeHeaders), Middleware(GZipMiddleware, minimum_size=1_000)],
        exception_handlers={
            LakeUnavailable: _problem(site, 503, "The figures cannot be read", "The lake does not answer."),
            NotBuilt: _problem(site, 404, "Not built yet", "This page's figures have not been built yet."),
            HTTPException: _problem(site, 404, "Not found", "There is no page at this address."),
        },
    )


def _asked(site: Site, request: Request) -> Asked:
    return Asked(site, site.desk.who(request.cookies.get(COOKIE)), dict(request.query_params))


def _shown(asked: Asked, template: str, address: str, status: int = 200, **content: Any) -> Response:
    menu = {("/" + one): name for one, (name, *_) in PAGES.items()}
    html = render(template, asked, menu=menu, here=f"/{address}", **content)
    return Response(html, status, {"Cache-Control": "no-store"}, "text/html")


def _page(site: Site, address: str) -> Callable:
    name, template, view = PAGES[address]

    def page(request: Request) -> Response:
        asked = _asked(site, request)
        return _shown(asked, template, address, title=name, **view(asked))

    return page


def _table(site: Site, address: str) -> Callable:
    view = PAGES[address][2]

    def table(request: Request) -> Response:
        key = request.path_params["key"]
        found: list[Figure] = [one for one in view(_asked(site, request))["figures"] if one.key == key]
        if not found:
            raise HTTPException(404)
        name = f'attachment; filename="{address or "now"}-{key}.csv"'
        return Response(as_csv(found[0]), 200, {"Content-Disposition": name, "Cache-Control": "no-store"}, "text/csv")

    return table


def _rule(site: Site) -> Callable:
    def rule(request: Request) -> Response:
        asked = _asked(site, request)
        found = rules.one(asked, request.path_params["rule"])
        if found is None:
            raise HTTPException(404)
        return _shown(asked, "rule.html", "rules", **found)

    return rule


def _alert(site: Site) -> Callable:
    def opened(request: Request) -> Response:
        asked, alert_id = _asked(site, request), request.path_params["alert_id"]
        if asked.desk is None:
            return RedirectResponse(f"/login?to=/alerts/{alert_id}" if alert_id.isalnum() else "/login", 303)
        found = alert.view(asked, alert_id)
        if found is None:
            raise HTTPException(404)
        site.desk.note(asked.desk, "opened", alert_id)
        return _shown(asked, "alert.html", "", **found)

    return opened


def _login(site: Site) -> Callable:
    async def login(request: Request) -> Response:
        asked = _asked(site, request)
        if request.method == "GET":
            return _form(asked, request.query_params.get("to", "/"))
        form = await request.form()
        name, password, to = (str(form.get(field, "")) for field in ("name", "password", "to"))
        address = request.client.host if request.client else "unknown"
        if not site.desk.fits(str(form.get("token", "")), request.cookies.get(TICKET)):
            return _form(asked, to, "The form was open for too long. Please try again.", 403)
        if site.desk.must_wait(name, address):
            return _form(asked, to, "Too many attempts. Please wait five minutes.", 429)
        cookie = await asyncio.to_thread(site.desk.enter, name, password, address)
        if cookie is None:
            log.warning("login_refused")
            return _form(asked, to, "Name or password is wrong.", 401)
        answer = RedirectResponse(_inside(to), 303)
        is_secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, cookie, max_age=SESSION_SECONDS, httponly=True, samesite="strict", secure=is_secure)
        answer.delete_cookie(TICKET)
        return answer

    return login


def _form(asked: Asked, to: str, problem: str = "", status: int = 200) -> Response:
    ticket = secrets.token_urlsafe(16)
    token = asked.site.desk.token(ticket)
    answer = _shown(asked, "login.html", "login", status, title="Log in", to=_inside(to), token=token, problem=problem)
    answer.set_cookie(TICKET, ticket, max_age=3600, httponly=True, samesite="strict")
    return answer


def _inside(to: str) -> str:
    """An address of these pages; anything else is the first page."""
    return to if to.startswith("/") and not to.startswith(("//", "/\\")) else "/"


def _logout(site: Site) -> Callable:
    def logout(request: Request) -> Response:
        # A form of another site cannot bring the cookie along: it is SameSite=Strict.
        if name := _asked(site, request).desk:
            site.desk.note(name, "left")
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(COOKIE)
        return answer

    return logout


def _changes(site: Site) -> Callable:
    def changes(_: Request) -> Response:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(site.changes.stream(), media_type="text/event-stream", headers=headers)

    return changes


def _problem(site: Site, status: int, title: str, sentence: str) -> Callable:
    def problem(request: Request, error: Exception) -> Response:
        if request.url.path.endswith(".csv"):
            return PlainTextResponse(sentence, status)
        is_http = isinstance(error, HTTPException)
        code = error.status_code if is_http else status
        since = f"{datetime.now(UTC):%H:%M:%S} UTC"
        asked = _asked(site, request)
        return _shown(asked, "problem.html", "", code, title=title, sentence=sentence, since=since)

    return problem
