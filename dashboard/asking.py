"""Who asks for what, and what they are let in to. Every request for a page, a table or an opening goes through this."""

import hashlib

from starlette.requests import Request

from dashboard.access.audience import Audience
from dashboard.access.login import EVERYBODY
from dashboard.cookies import session_key
from dashboard.pages import Page, Shown, shown_to
from dashboard.site import Asked, Site

__all__ = ["LIVE", "NotForThem", "SessionEnded", "asked_by", "let_in", "page_name"]

LIVE = "caf-live"
"""The header with which an open page asks for its new content. This is not a person's use of the session."""


class NotForThem(Exception):
    """The reader's audience is not allowed to see the page at this address."""


class SessionEnded(Exception):
    """The reader was logged in, but is so no longer. Without a word, the reader would get what everybody sees."""


def asked_by(site: Site, request: Request) -> Asked:
    """
    Return who asks for what.

    Raises:
        SessionEnded: the browser has a cookie whose session has ended.
    """
    key = session_key(site, request)
    who = site.door.who(key, is_use=LIVE not in request.headers)
    if key and who is EVERYBODY:
        raise SessionEnded
    of_area = key if who.audience is Audience.AREA else None
    return Asked(
        site,
        who,
        {**request.query_params, **request.path_params},
        opened=site.door.opened(of_area),
        token=site.door.own_token(key) if key else "",
        request=_named(key or "", request),
    )


def _named(key: str, request: Request) -> str:
    address = f"{request.url.path}?{request.url.query}"
    return hashlib.sha256(f"{key} {address}".encode()).hexdigest()


def let_in(asked: Asked, address: str, page: Page) -> Shown:
    """
    Return what this reader may see of a page.

    Raises:
        AuditUnavailable: a refusal cannot be recorded.
        NotForThem: the reader may see nothing of this page.
    """
    shown = shown_to(asked.audience, page)
    if shown is None:
        if asked.who.name:
            asked.site.seen.refused(asked.who, page_name(address))
        raise NotForThem
    return shown


def page_name(address: str) -> str:
    """Return the name of a page in the audit. Values in the address are left out, because they may be anything."""
    return address.partition("/")[0] or "now"
