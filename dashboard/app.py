"""The web application: which page each address shows, and what a reader is told if something is missing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from dashboard.access.audience import Audience
from dashboard.access.guard import Guard
from dashboard.access.headers import SafeHeaders
from dashboard.access.login import Who
from dashboard.access.network import network_of
from dashboard.answers import html
from dashboard.asking import LIVE, NotForThem, SessionEnded, asked_by, let_in, page_name
from dashboard.cookies import session_key
from dashboard.drawing.figures import Figure, as_csv
from dashboard.emergency import emergency
from dashboard.entrance import entrance
from dashboard.live.changes import Listener
from dashboard.live.monitoring import metrics, turning
from dashboard.pages import PAGES, Page, Pages
from dashboard.reading.reader import NotBuilt
from dashboard.site import Asked, NotTheirs, Site
from dashboard.views.family import form
from streams.errors import AuditUnavailable, LakeUnavailable
from streams.health.look import Holds
from streams.settings import Settings

__all__ = ["app"]


_STATIC = Path(__file__).with_name("static")


def app(settings: Settings, pages: Pages = PAGES, holds: Holds | None = None) -> ASGIApp:
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
    inner = Starlette(
        lifespan=lifespan,
        routes=[
            *tables,
            *(Route(f"/{address}", _page(site, address, page)) for address, page in pages.items()),
            *entrance(site),
            *emergency(site),
            Route("/changes", _changes(site)),
            Route("/metrics", metrics(site)),
            Mount("/static", StaticFiles(directory=_STATIC)),
        ],
        middleware=[Middleware(GZipMiddleware, minimum_size=1_000)],
        exception_handlers={
            NotForThem: _not_for_them(site),
            SessionEnded: _to_login,
            AuditUnavailable: _problem(
                site,
                503,
                "This cannot be shown now",
                "The system records what accounts see, and this record cannot be written now. Tell your engineers: "
                "neither Kafka nor the disk takes it.",
            ),
            LakeUnavailable: _problem(
                site, 503, "The figures cannot be read", "The lake does not answer. It stores all figures."
            ),
            NotBuilt: _problem(site, 404, "Not built yet", "The figures for this page have not been built yet."),
            HTTPException: _problem(site, 404, "Page not found", "There is no page at this address."),
            Exception: _problem(site, 500, "Something went wrong", "Administrators find the reason in the log."),
        },
    )
    # Outside of everything else, so that errors and refusals have the headers too.
    return SafeHeaders(Guard(inner, settings), is_secure=settings.dashboard_url.startswith("https:"))


def _page(site: Site, address: str, page: Page) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        asked = asked_by(site, request)
        shown = let_in(asked, address, page)
        try:
            content = shown.view(asked)
        except NotTheirs as refused:
            asked.site.seen.refused(asked.who, page_name(address), refused.args)
            return _of_another_area(asked)
        if content is None:
            raise HTTPException(404)
        again = LIVE in request.headers
        asked.site.seen.page(
            asked.who, page_name(address), asked.alerts, asked.families, request=asked.request, again=again
        )
        titled: dict[str, Any] = {"title": page.name} | content
        return html(asked, shown.template, address.partition("/")[0], **titled)

    return answer


def _of_another_area(asked: Asked) -> Response:
    """Return the answer for an alert of another area. It says nothing about the alert, not even whether it exists."""
    title, content = "You cannot see this alert", form(asked, alert_id=asked.query["alert_id"])
    return html(asked, "refused.html", status=403, title=title, form=content)


def _table(site: Site, address: str, page: Page) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        asked, key = asked_by(site, request), request.path_params["key"]
        shown = let_in(asked, address, page)
        content = shown.view(asked)
        found: list[Figure] = [one for one in content["figures"] if one.key == key] if content else []
        if not found:
            raise HTTPException(404)
        asked.site.seen.table(asked.who, f"{page_name(address)}/{key}.csv")
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
        asked = Asked(site, site.door.who(session_key(site, request), is_use=False))
        if asked.audience is Audience.EVERYBODY:
            return _to_login(request, _)
        sentence = "Your account is for figures. You need an account of the desk to see single alerts."
        return html(asked, "problem.html", status=403, title="You cannot see this page", sentence=sentence, since="")

    return answer


def _to_login(request: Request, _: Exception) -> Response:
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/login?{urlencode({'to': wanted})}", 303)


def _changes(site: Site) -> Callable[[Request], Awaitable[Response]]:
    async def changes(request: Request) -> Response:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        key = session_key(site, request)

        def state() -> tuple[Who, frozenset[str]]:
            # When an opening in an emergency ends, the stream ends too. Then the page loads itself again, without it.
            who = site.door.who(key, is_use=False)
            return who, frozenset(site.door.opened(key) if who.areas else ())

        began = await site.changes.aside(state)
        listener = Listener(began[0].audience, network_of(request.client.host if request.client else ""), key or "")
        if not site.changes.has_room(listener):
            sentence = "Too many pages are open, so this one does not update by itself. It works all the same."
            return PlainTextResponse(sentence, 503, {"Cache-Control": "no-store", "Retry-After": "60"})
        told = site.changes.stream(listener, lambda: state() == began)
        return StreamingResponse(told, media_type="text/event-stream", headers=headers)

    return changes


def _problem(site: Site, status: int, title: str, sentence: str) -> Callable[[Request, Exception], Response]:
    def problem(request: Request, error: Exception) -> Response:
        if request.url.path.endswith(".csv"):
            return PlainTextResponse(sentence, status)
        code = error.status_code if isinstance(error, HTTPException) else status
        since = f"{datetime.now(UTC):%H:%M:%S} UTC"
        asked = Asked(site, site.door.who(session_key(site, request), is_use=False))
        return html(asked, "problem.html", status=code, title=title, sentence=sentence, since=since)

    return problem
