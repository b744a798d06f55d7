"""
Every page with its address, and what each audience sees of it.

If a page names no audience, only the desk sees it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dashboard.access.audience import Audience
from dashboard.site import Asked
from dashboard.views import (
    alert,
    family,
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
    What one audience sees of a page: a template, and the function that computes the values for the template.

    Audiences that may see more also see this.
    """

    template: str
    view: View
    audience: Audience = Audience.DESK


@dataclass(frozen=True)
class Page:
    """
    A page: its name in the menu, and what each audience sees of it.

    If the name is empty, the page is not in the menu.
    """

    name: str
    shown: tuple[Shown, ...]


Pages = dict[str, Page]

_EVERYBODY, _FIGURES, _AREA = Audience.EVERYBODY, Audience.FIGURES, Audience.AREA

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
    "families": Page("Family", (Shown("family.html", family.view, _AREA),)),
    "families/{family_id:path}": Page("", (Shown("family.html", family.view, _AREA),)),
    "alerts/{alert_id}": Page("", (Shown("alert.html", alert.view, _AREA),)),
}
"""Every page in the order of the menu."""


def shown_to(audience: Audience, page: Page) -> Shown | None:
    """
    Return the most detailed content of a page that this audience may see.

    Return None if the audience may see nothing of the page.
    """
    allowed = [shown for shown in page.shown if shown.audience <= audience]
    return max(allowed, key=lambda shown: shown.audience, default=None)
