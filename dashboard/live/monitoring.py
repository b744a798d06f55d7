"""Report to monitoring that the pages are alive, and answer `/metrics` for clients that have the token."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from dashboard.site import Site
from streams.lake.sign import Sign, sign_of_life
from streams.settings import Settings

__all__ = ["metrics", "turning"]


def metrics(site: Site) -> Callable[[Request], Response]:
    """
    Return the function that answers requests for `/metrics`. The answer uses the results of the latest check, so a
    request never has to wait.

    If the settings have no token, this address does not exist. Clients on this machine need the token as well, because
    every request through a proxy on this machine looks as if it came from this machine.
    """
    expected = f"Bearer {site.settings.metrics_token}".encode()

    def answer(request: Request) -> Response:
        if not site.settings.metrics_token:
            raise HTTPException(404)
        given = request.headers.get("authorization", "").encode()
        if not secrets.compare_digest(given, expected):
            return PlainTextResponse("A token is needed.", 401, {"WWW-Authenticate": "Bearer"})
        return Response(site.watchdog.metrics.text(), 200, {"Cache-Control": "no-store"}, CONTENT_TYPE_LATEST)

    return answer


@asynccontextmanager
async def turning(settings: Settings) -> AsyncIterator[None]:
    """Report regularly that the pages are alive (their sign of life), as long as the server's event loop runs."""
    with sign_of_life(settings, "pages") as sign:
        task = asyncio.create_task(_turn(sign))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _turn(sign: Sign) -> None:
    while True:
        sign.turn()
        await asyncio.sleep(1)
