"""Refuses requests that no page of this server sends: for other hosts, from other sites, and with too much in them."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.settings import Settings

__all__ = ["MOST_BYTES", "Guard"]

MOST_BYTES = 16_384
"""The largest body and the largest headers, in bytes. Forms are much smaller, and no other request has a body."""

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]", "::1"})
_READING = frozenset({"GET", "HEAD"})
_FOR_MACHINES = "/metrics"


class Guard:
    """
    Refuses a request before anything else looks at it.

    - For another host, if it is known which hosts lead to these pages. So a name that an attacker points at this server
      cannot be used. `/metrics` is left out, because monitoring uses other names, and needs a token.
    - If it would change something and comes from another site.
    - If its body or its headers are larger than `MOST_BYTES`.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._hosts = _hosts(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        read = 0

        async def limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            # The rest is not read. The handler sees a reader who has gone away.
            return message if read <= MOST_BYTES else {"type": "http.disconnect"}

        await self._app(scope, limited, send)

    def _refusal(self, scope: Scope, headers: Headers) -> PlainTextResponse | None:
        host = headers.get("host", "")
        if self._hosts and _name(host) not in self._hosts and scope["path"] != _FOR_MACHINES:
            return PlainTextResponse(
                "These pages have another address. Administrators name it in CAF_DASHBOARD_URL.", 421
            )
        if scope["method"] not in _READING and not _is_own(headers, host):
            return PlainTextResponse("This form was sent from another site.", 403)
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MOST_BYTES:
            return PlainTextResponse("The headers are too large.", 431)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:20]) > MOST_BYTES:
            return PlainTextResponse("The request is too large.", 413)
        return None


def _hosts(settings: Settings) -> frozenset[str]:
    """Return the names under which the pages are reached. Empty if nobody knows: then every name is allowed."""
    if settings.dashboard_url:
        return _LOOPBACK | {_name(urlsplit(settings.dashboard_url).netloc)}
    return _LOOPBACK if settings.dashboard_host in _LOOPBACK else frozenset()


def _name(host: str) -> str:
    """Return a host without its port."""
    bare, separator, port = host.rpartition(":")
    return (bare if separator and port.isdecimal() else host).lower()


def _is_own(headers: Headers, host: str) -> bool:
    """Whether a page of this server sent a form. Programs that are no browser say nothing, and have no cookies."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site in {"same-origin", "none"}
    return origin is None or urlsplit(origin).netloc.lower() == host.lower()
