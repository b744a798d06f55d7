"""
Every page with its address, and the content for each audience.

A page without an audience is shown only to the desk.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dashboard.access.audience import Audience
from dashboard.site import Asked
from dashboard.views import (
    alert,
    front_door,
    health,
    levels,
    need,
    now,
    outcomes,
    partners,
    public_need,
    quality,
    rules,
)

__all__ = ["PAGES", "Page", "Pages", "Shown", "shown_to"]

View = Callable[[Asked], dict[str, Any] | None]


@dataclass(frozen=True)
class Shown:
    """
    The content of a page for one audience. Audiences that may see more can also see this content.

    The content consists of a template and the function that makes the template's values.
    """

    template: str
    view: View
    audience: Audience = Audience.DESK


@dataclass(frozen=True)
class Page:
    """
    A page: its name in the menu, and its content for each audience.

    A page that is not in the menu has an empty name.
    """

    name: str
    shown: tuple[Shown, ...]


Pages = dict[str, Page]

_EVERYBODY, _FIGURES = Audience.EVERYBODY, Audience.FIGURES

PAGES: Pages = {
    "": Page("Now", (Shown("health.html", health.view, _EVERYBODY), Shown("now.html", now.view, _FIGURES))),
    "map": Page(
        "Map of need",
        (Shown("published.html", public_need.view, _EVERYBODY), Shown("need.html", need.view, _FIGURES)),
    ),
    "front-door": Page("Front door", (Shown("figures.html", front_door.view, _FIGURES),)),
    "levels": Page("Pyramid and flow", (Shown("figures.html", levels.view, _FIGURES),)),
    "partners": Page("Partners", (Shown("figures.html", partners.view, _FIGURES),)),
    "outcomes": Page("Outcomes", (Shown("figures.html", outcomes.view, _FIGURES),)),
    "quality": Page("Data quality", (Shown("figures.html", quality.view, _FIGURES),)),
    "rules": Page("Rules", (Shown("rules.html", rules.view, _EVERYBODY),)),
    "rules/{rule}": Page("", (Shown("rule.html", rules.one, _EVERYBODY),)),
    "alerts/{alert_id}": Page("", (Shown("alert.html", alert.view),)),
}
"""Every page in the order of the menu."""


def shown_to(audience: Audience, page: Page) -> Shown | None:
    """
    Return the content of a page with the most detail that this audience may see.

    Return None if the audience may see nothing on the page.
    """
    allowed = [shown for shown in page.shown if shown.audience <= audience]
    return max(allowed, key=lambda shown: shown.audience, default=None)
