"""The answer with which every page is sent."""

from typing import Any

from starlette.responses import Response

from dashboard.drawing.render import render
from dashboard.pages import PAGES, shown_to
from dashboard.site import Asked

__all__ = ["html"]


def html(asked: Asked, template: str, address: str = "", status: int = 200, **content: Any) -> Response:
    """Return a page as HTML. Its menu has the pages that the reader may see. No cache may keep it."""
    menu = {("/" + one): page.name for one, page in PAGES.items() if page.name and shown_to(asked.audience, page)}
    text = render(template, asked, menu=menu, here=f"/{address}", **content)
    return Response(text, status, {"Cache-Control": "no-store"}, "text/html")
