"""The cookies of the pages. No script can read them, and other sites cannot send them along."""

from collections.abc import Mapping
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from dashboard.site import Site

__all__ = ["ATTEMPT", "SESSION", "TICKET", "drop", "give", "kept", "session_key"]

SESSION = "caf_desk"
"""The cookie with the key of the session."""
TICKET = "caf_ticket"
"""The cookie that a login form's token belongs to."""
ATTEMPT = "caf_attempt"
"""The cookie that a browser keeps while it is at the OpenID Connect provider."""


def session_key(site: Site, request: Request) -> str | None:
    """Return the key of the session that a browser has."""
    return kept(site, request, SESSION)


def kept(site: Site, request: Request, name: str) -> str | None:
    """Return the value of a cookie, or None."""
    return request.cookies.get(_full(site, request, name))


def give(site: Site, request: Request, answer: Response, values: Mapping[str, str], seconds: int) -> None:
    """
    Give a browser cookies.

    Only the cookie of a login at the provider is sent when a link of another site leads here, because the way back from
    the provider is such a link.
    """
    for name, value in values.items():
        same: Literal["lax", "strict"] = "lax" if name == ATTEMPT else "strict"
        full, secure = _full(site, request, name), _is_secure(site, request)
        answer.set_cookie(full, value, max_age=seconds, path="/", httponly=True, samesite=same, secure=secure)


def drop(site: Site, request: Request, answer: Response, name: str) -> None:
    """Make a browser forget a cookie."""
    full, secure = _full(site, request, name), _is_secure(site, request)
    answer.delete_cookie(full, path="/", httponly=True, secure=secure, samesite="strict")


def _full(site: Site, request: Request, name: str) -> str:
    # A browser accepts this prefix only from a server with TLS, for the whole host, and for no other host.
    return f"__Host-{name}" if _is_secure(site, request) else name


def _is_secure(site: Site, request: Request) -> bool:
    return site.settings.dashboard_url.startswith("https:") or request.url.scheme == "https"
