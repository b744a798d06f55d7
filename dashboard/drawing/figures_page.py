"""
Pages that consist of an introduction and figures.

What such a page shows is computed once for each build and audience.
"""

from collections.abc import Callable
from typing import Any

from dashboard.drawing.figures import Figure
from dashboard.reading.reader import Snapshot
from dashboard.site import Asked

__all__ = ["figures_page"]


def figures_page(intro: str, figures: Callable[[Asked, Snapshot], list[Figure]]) -> Callable[[Asked], dict[str, Any]]:
    """
    Return a function that makes the content of a page with figures.

    Args:
        intro: one or two sentences under the page's title.
        figures: a function that reads the figures. Unless the reader is the desk, it must hide small counts of people.
    """

    def view(asked: Asked) -> dict[str, Any]:
        key = (intro, asked.authority, asked.audience)
        return {"intro": intro, "figures": asked.site.reader.of_build(key, lambda lake: figures(asked, lake))}

    return view
