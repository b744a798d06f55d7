"""
The map for readers who are not logged in.

It shows published figures by quarter and by collection year, from the authority down to wards. Before the first
publication, the page says when the first quarter will be published.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from dashboard.drawing.boundaries import map_of
from dashboard.drawing.figures import said
from dashboard.drawing.map import Drawing, draw
from dashboard.reading.public import PublicPlaces, figures, next_release, periods, places, with_gaps
from dashboard.reading.public_measures import CHOICES, SOURCES, Measure, when
from dashboard.reading.reader import NotBuilt, Row
from dashboard.site import Asked
from dashboard.views.public_figures import by_ward, over_time, sources

__all__ = ["view"]

_KINDS = {"quarter": "quarter", "year": "collection year (April to March)"}


@dataclass(frozen=True)
class Choice:
    """What the reader chose: a measure, the kind of period, the period, and the place (empty for the authority)."""

    measure: Measure
    kind: str
    starts: list[date]
    step: int
    place: str

    @property
    def when(self) -> str:
        """The period in words."""
        return when(self.kind, self.starts[self.step])

    def href(self, place: str) -> str:
        """
        Return the address of the same view for another place.

        If the reader chose the latest period, the address does not name it. So the same address always shows the latest
        period.
        """
        asked: dict[str, object] = {"measure": self.measure.key, "kind": self.kind}
        if self.step < len(self.starts) - 1:
            asked["step"] = self.step
        return f"/map?{urlencode(asked | ({'place': place} if place else {}))}"


def view(asked: Asked) -> dict[str, Any]:
    """Return the content of the map for readers who are not logged in."""
    of_build, authority = asked.site.reader.of_build, asked.authority
    known = of_build(("published periods", authority), lambda lake: periods(lake, authority))
    if not known:
        return {"is_empty": True, "coming": _coming(asked), "figures": []}
    kind = asked.choice("kind", known, "quarter")
    of_place = of_build(("published places", authority), lambda lake: places(lake, authority))
    starts = known[kind]
    choice = Choice(
        measure=CHOICES[asked.choice("measure", CHOICES, next(iter(CHOICES)))],
        kind=kind,
        starts=starts,
        step=asked.step(len(starts)),
        place=asked.choice("place", of_place.names, ""),
    )
    rows = of_build(("published", authority, kind), lambda lake: figures(lake, authority, kind))
    return _content(authority, of_place, choice, rows) | {
        "is_empty": False,
        "coming": _coming(asked),
        "measures": list(CHOICES.values()),
        "kinds": {key: name for key, name in _KINDS.items() if key in known},
        "choice": choice,
        "labels": [when(kind, start) for start in starts],
    }


def _coming(asked: Asked) -> dict[str, Any] | None:
    """
    Return the next quarter to be published, and the day from which it may be published.

    Return None until somebody has confirmed the first quarter to be published.
    """
    authority = asked.authority
    try:
        found = asked.site.reader.of_build(("coming", authority), lambda lake: (next_release(lake, authority),))[0]
    except NotBuilt:
        return None
    as_of = asked.site.pulse.beat.as_of
    if found is None:
        return None
    return {
        "quarter": when("quarter", found[0]),
        "on": found[1],
        "is_due": as_of is not None and found[1] <= as_of.date(),
    }


def _content(authority: str, of_place: PublicPlaces, choice: Choice, rows: list[Row]) -> dict[str, Any]:
    measure, place, name = choice.measure, choice.place, of_place.names[choice.place]
    code = place or authority
    now = [row for row in rows if row["period_starts_on"] == choice.starts[choice.step]]
    wards = {row["area_code"]: row for row in now if _is(row, measure, "ward")}
    near = of_place.wards_of(place)
    level = "authority" if not place else "area" if place in of_place.areas else "ward"
    of_code = [row for row in rows if row["area_level"] == level and row["area_code"] == code]
    trend = [row for row in of_code if row["measure"] == measure.defined.measure]
    by = [
        {"title": SOURCES[row["measure"]].title.removeprefix("Children referred by "), "count": row["count"]}
        for row in now
        if (row["area_level"], row["area_code"]) == (level, code) and row["measure"] in SOURCES
    ]
    return {
        "drawing": _drawing(authority, choice, wards, near),
        "chosen": next((row for row in trend if row["period_starts_on"] == choice.starts[choice.step]), None),
        "name": name,
        "path": [(above, choice.href(code)) for code, above in of_place.above(place)],
        "areas": [(area, choice.href(code)) for code, area in of_place.areas.items()],
        "figures": [
            by_ward(
                measure,
                choice.when,
                [row | {"name": of_place.names[code]} for code, row in wards.items() if code in near],
            ),
            over_time(measure, choice.kind, name, with_gaps(trend, choice.kind)),
            sources(choice.when, name, by),
        ],
    }


def _is(row: Row, measure: Measure, level: str) -> bool:
    return bool(row["area_level"] == level and row["measure"] == measure.defined.measure)


def _drawing(authority: str, choice: Choice, wards: dict[str, Row], near: set[str]) -> Drawing | None:
    map_ = map_of(authority)
    if map_ is None:
        return None
    measure = choice.measure
    values = {code: row[measure.column] for code, row in wards.items()}
    return draw(
        map_,
        values,
        chosen=choice.place,
        wards=near - {"unknown"},
        with_spots=False,
        says=lambda code, name: f"{name}: {said(values.get(code), measure.kind)}, {choice.when}",
        href=choice.href,
        written=lambda value: said(value, measure.kind),
    )
