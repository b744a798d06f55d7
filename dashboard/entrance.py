"""Where people log in and out: the form for accounts of the home, and the way to the provider and back."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

import structlog
from starlette.datastructures import FormData
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from dashboard.access.login import EVERYBODY
from dashboard.access.provider import CALLBACK
from dashboard.answers import html
from dashboard.cookies import ATTEMPT, SESSION, TICKET, drop, give, kept, session_key
from dashboard.site import Asked, Site
from streams.errors import LoginRefused, LoginsTooMany, LoginUnavailable, RoleMissing

__all__ = ["entrance"]

log = structlog.get_logger()

_FORM_SECONDS, _ATTEMPT_SECONDS = 3600, 600


def entrance(site: Site) -> list[Route]:
    """Return the addresses of logging in and out. Those of the provider exist only if the settings name one."""
    routes = [
        Route("/login", _login(site), methods=["GET", "POST"]),
        Route("/logout", _logout(site), methods=["POST"]),
    ]
    if site.door.provider:
        routes += [Route("/login/provider", _send(site)), Route(CALLBACK, _receive(site))]
    return routes


def _login(site: Site) -> Callable[[Request], Awaitable[Response]]:
    async def login(request: Request) -> Response:
        if request.method == "GET":
            return await asyncio.to_thread(_show, site, request)
        try:
            form = await request.form()
        except ClientDisconnect:
            return PlainTextResponse("The request is too large.", 413)
        return await asyncio.to_thread(_enter, site, request, form)

    return login


def _show(site: Site, request: Request) -> Response:
    link, to = (request.query_params.get(name, "") for name in ("link", "to"))
    key = site.door.follow(link) if link else None
    return _entered(site, request, key, to) if key else _form(site, request, to)


def _enter(site: Site, request: Request, form: FormData) -> Response:
    name, password, to, token = (str(form.get(field, "")) for field in ("name", "password", "to", "token"))
    address = request.client.host if request.client else "unknown"
    if not site.door.fits(token, kept(site, request, TICKET)):
        return _form(site, request, to, "This form was open for too long. Try again.", 403)
    try:
        key = site.door.enter(name, password, address)
    except LoginsTooMany:
        return _form(site, request, to, "There were too many failed attempts. Wait five minutes, then try again.", 429)
    if key is None:
        log.warning("login_refused")
        return _form(site, request, to, "The name or the password is wrong.", 401)
    if site.door.provider:
        log.warning("local_account_entered")
    return _entered(site, request, key, to)


def _entered(site: Site, request: Request, key: str, to: str) -> Response:
    answer = RedirectResponse(_inside(to), 303)
    _start(site, request, answer, key)
    drop(site, request, answer, TICKET)
    return answer


def _start(site: Site, request: Request, answer: Response, key: str) -> None:
    """Give the browser the key of its new session, and end the session that it had before."""
    if old := session_key(site, request):
        site.door.leave(old)
    give(site, request, answer, {SESSION: key}, site.door.session_seconds)


def _form(site: Site, request: Request, to: str, problem: str = "", status: int = 200) -> Response:
    """Return the login form. The provider comes first, and the form for local accounts only if somebody asks for it."""
    provider, key = site.door.provider, session_key(site, request)
    who = site.door.who(key, is_use=False)
    has_ended = bool(key) and who is EVERYBODY
    ticket, to = secrets.token_urlsafe(16), _inside(to)
    answer = html(
        Asked(site, who),
        "login.html",
        "login",
        status,
        title="Log in",
        to=to,
        token=site.door.token(ticket),
        problem=problem or ("Your login has ended. Log in again." if has_ended else ""),
        provider=provider.host if provider else "",
        onward=f"/login/provider?{urlencode({'to': to})}",
        with_form=not provider or "local" in request.query_params or request.method == "POST",
        has_local=bool(site.door.locals),
        hours=f"{site.settings.session_hours:g}",
        idle=f"{site.settings.session_idle_minutes:g}",
    )
    give(site, request, answer, {TICKET: ticket}, _FORM_SECONDS)
    if has_ended:
        drop(site, request, answer, SESSION)
    return answer


def _send(site: Site) -> Callable[[Request], Response]:
    def send(request: Request) -> Response:
        to = _inside(request.query_params.get("to", ""))
        # Only a person who clicks on the login page begins a login. Another site cannot begin one for the person.
        if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return RedirectResponse(f"/login?{urlencode({'to': to})}", 303)
        try:
            address, text = site.door.send(to)
        except LoginUnavailable:
            return _unavailable(site)
        answer = RedirectResponse(address, 303, {"Cache-Control": "no-store"})
        give(site, request, answer, {ATTEMPT: text}, _ATTEMPT_SECONDS)
        return answer

    return send


def _receive(site: Site) -> Callable[[Request], Response]:
    def receive(request: Request) -> Response:
        answer: Response
        try:
            key, to = site.door.receive(kept(site, request, ATTEMPT) or "", request.query_params)
        except LoginUnavailable:
            answer = _unavailable(site)
        except RoleMissing:
            log.warning("login_refused", reason="the person has no role")
            contact = site.settings.oidc_contact
            sentence = f"Your account is known, but has no role on these pages. Ask {contact} for access."
            answer = _told(site, 403, "You have no access", sentence)
        except LoginRefused as error:
            log.warning("login_refused", reason=str(error))
            sentence = "The login was not completed. Go back to the login page, and try again."
            answer = _told(site, 400, "You are not logged in", sentence)
        else:
            # The browser would not send the session's cookie along a redirect that began on another site.
            where = _inside(to)
            answer = _onward(site, "You are logged in", "The page opens by itself.", where)
            _start(site, request, answer, key)
        drop(site, request, answer, ATTEMPT)
        return answer

    return receive


def _logout(site: Site) -> Callable[[Request], Response]:
    def logout(request: Request) -> Response:
        key = session_key(site, request)
        elsewhere = site.door.leave(key) if key else None
        answer: Response
        if elsewhere:
            # A form may not lead to another site, not even through a redirect.
            answer = _onward(site, "You are logged out here", "Next, the council's login ends too.", elsewhere)
        else:
            answer = RedirectResponse("/", 303)
        drop(site, request, answer, SESSION)
        return answer

    return logout


def _onward(site: Site, title: str, sentence: str, address: str) -> Response:
    return html(Asked(site, EVERYBODY), "onward.html", title=title, sentence=sentence, onward=address)


def _told(site: Site, status: int, title: str, sentence: str) -> Response:
    return html(Asked(site, EVERYBODY), "problem.html", status=status, title=title, sentence=sentence, since="")


def _unavailable(site: Site) -> Response:
    sentence = "The council's login does not answer, so nobody can log in now. Try again in a minute."
    return _told(site, 503, "The login does not answer", sentence)


def _inside(to: str) -> str:
    """Return the address if it is an address of these pages. Otherwise return the address of the first page."""
    is_plain = to.isascii() and to.isprintable() and "\\" not in to
    return to if is_plain and to.startswith("/") and not to.startswith("//") else "/"
