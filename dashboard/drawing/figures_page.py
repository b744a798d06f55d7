"""Pages that are an introduction and figures, made once a build for each audience."""

from collections.abc import Callable
from typing import Any

from dashboard.drawing.figures import Figure
from dashboard.reading.reader import Snapshot
from dashboard.site import Asked

__all__ = ["figures_page"]


def figures_page(intro: str, figures: Callable[[Asked, Snapshot], list[Figure]]) -> Callable[[Asked], dict[str, Any]]:
    """
    What makes such a page's content.

    Args:
        intro: one sentence under its name.
        figures: reads them; counts of people are hidden there unless the desk asks.
    """

    def view(asked: Asked) -> dict[str, Any]:
        key = (intro, asked.authority, asked.audience)
        return {"intro": intro, "figures": asked.site.reader.of_build(key, lambda lake: figures(asked, lake))}

    return view
