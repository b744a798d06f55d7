"""
The page Map of need: one measure at one time, on the map and in a table, from the authority down to LSOAs.

The mart says how each measure is defined. This module calculates no figures.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from dashboard.drawing.boundaries import map_of
from dashboard.drawing.figures import said
from dashboard.drawing.map import Drawing, draw
from dashboard.drawing.withheld import hide, hide_parts
from dashboard.reading.geography import Tree, tree
from dashboard.reading.measures import Measure, measures
from dashboard.reading.reader import NotBuilt, Row, Snapshot
from dashboard.site import Asked
from dashboard.views.need_figures import by_place, over_time
from dashboard.views.services import services

__all__ = ["view"]

_KINDS = {"rolling_12_months": "twelve months", "month": "month", "week": "week"}
_KIND, _MEASURE = "rolling_12_months", "dfe_referrals_per_10000"

_PERIODS = """
    SELECT DISTINCT period_start, period_end, is_partial
    FROM marts.analytics.mart_locality_need
    WHERE authority_code = $authority AND area_level = 'authority' AND period_kind = $kind
    ORDER BY ALL
"""
_PLACES = """
    SELECT area_level, area_code, area_name, numerator, denominator, value, lower, upper, expected,
           observed_to_expected, ratio_lower, ratio_upper, previous_value, change, change_lower, change_upper,
           year_before_value, year_change, year_change_lower, year_change_upper, sibling_rank, siblings,
           published_year, region_value, england_value, absent_because
    FROM marts.analytics.mart_locality_need
    WHERE authority_code = $authority AND period_kind = $kind AND period_start = $start AND measure = $measure
"""
_TREND = """
    SELECT period_start, is_partial, numerator, denominator, value, lower, upper, expected
    FROM marts.analytics.mart_locality_need
    WHERE authority_code = $authority AND period_kind = $kind AND measure = $measure AND area_code = $place
    ORDER BY period_start
"""
_BEGINS = """
    SELECT min(covers_from) AS begins_on
    FROM marts.analytics.dim_coverage
    WHERE authority_code = $authority AND kind NOT IN ('alerts', 'history')
"""
_COMPARED = (
    *("previous_value", "change", "change_lower", "change_upper"),
    *("year_before_value", "year_change", "year_change_lower", "year_change_upper", "sibling_rank"),
)
"""Columns from which a reader could work out a small count of an earlier period."""
_DERIVED = (
    *("denominator", "value", "lower", "upper", "expected", "observed_to_expected", "ratio_lower", "ratio_upper"),
    *_COMPARED,
)


@dataclass(frozen=True)
class Choice:
    """What the reader chose: a measure, the kind of period, the period, and the place (empty for the authority)."""

    measure: Measure
    kind: str
    periods: list[Row]
    step: int
    place: str

    @property
    def start(self) -> date:
        """The first day of the period."""
        start: date = self.periods[self.step]["period_start"]
        return start

    @property
    def when(self) -> str:
        """The period in words."""
        return _when(self.kind, self.periods[self.step])

    @property
    def asked(self) -> dict[str, object]:
        """
        The reader's choices, as the query part of a page's address.

        If the reader chose the latest period, the address does not name it. So the same address always shows the latest
        period.
        """
        asked = {"measure": self.measure.key, "kind": self.kind, "step": self.step, "place": self.place}
        is_newest = self.step == len(self.periods) - 1
        return {name: value for name, value in asked.items() if value != "" and not (name == "step" and is_newest)}

    def href(self, place: str) -> str:
        """Return the address of the same view for another place."""
        asked = {name: value for name, value in self.asked.items() if name != "place"}
        return f"/map?{urlencode(asked | ({'place': place} if place else {}))}"


def view(asked: Asked) -> dict[str, Any]:
    """
    Return the content of the page Map of need.

    Raises:
        NotBuilt: the mart has no figures for this authority.
    """
    of_build, authority = asked.site.reader.of_build, asked.authority
    known = of_build("measures", measures)
    kind = asked.choice("kind", _KINDS, _KIND)
    periods = of_build(("periods", authority, kind), lambda lake: _periods(lake, authority, kind))
    places = of_build(("tree", authority), lambda lake: tree(lake, authority))
    if not periods:
        raise NotBuilt
    choice = Choice(
        measure=known[asked.choice("measure", known, _MEASURE)],
        kind=kind,
        periods=periods,
        step=asked.step(len(periods)),
        place=asked.choice("place", places.names, ""),
    )
    key = ("need", authority, tuple(choice.asked.items()), asked.is_desk)
    return of_build(key, lambda lake: _content(asked, lake, places, choice)) | {
        "measures": list(known.values()),
        "kinds": _KINDS,
        "choice": choice,
        "labels": [_when(kind, period) for period in periods],
    }


def _periods(lake: Snapshot, authority: str, kind: str) -> list[Row]:
    return lake.rows(_PERIODS, {"authority": authority, "kind": kind})


def _when(kind: str, period: Row) -> str:
    start, last = period["period_start"], period["period_end"]
    so_far = " so far" if period["is_partial"] else ""
    if kind == "month":
        return f"{start:%B %Y}{so_far}"
    if kind == "week":
        return f"week of {start:%-d %B %Y}{so_far}"
    return f"{start:%B %Y} to {last:%B %Y}{so_far}"


def _content(asked: Asked, lake: Snapshot, places: Tree, choice: Choice) -> dict[str, Any]:
    rows = {row["area_code"]: row for row in _rows(asked, lake, places, choice)}
    level, below = places.below(choice.place)
    name = places.names.get(choice.place, places.authority_name)
    shown = [rows[code] for code in below if code in rows]
    return {
        "drawing": _drawing(asked, places, choice, {code: row["value"] for code, row in rows.items()}, level),
        "chosen": rows.get(choice.place or asked.authority),
        "begins": lake.rows(_BEGINS, {"authority": asked.authority})[0]["begins_on"],
        "name": name,
        "path": [(name, choice.href(code)) for code, name in places.above(choice.place)],
        "areas": [(name, choice.href(code), gateway) for code, name, gateway in places.areas],
        "figures": [
            by_place(choice.measure, choice.when, level, shown),
            over_time(choice.measure, _steps(choice.kind), name, _trend(asked, lake, places, choice)),
            services(asked, lake, places, choice.place),
        ],
    }


def _rows(asked: Asked, lake: Snapshot, places: Tree, choice: Choice) -> list[Row]:
    """
    Read the figures of all places.

    Only the desk sees LSOAs and all counts. For other readers, small counts are hidden. Other counts of the same level
    are hidden as well, if a small count could be worked out from them.
    """
    rows = lake.rows(_PLACES, _values(asked, choice) | {"start": choice.start})
    if asked.is_desk:
        return rows
    whole = hide([row for row in rows if row["area_level"] == "authority"], ["numerator"], _DERIVED)
    parts: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row["area_level"] in {"ward", "area"}:
            above = places.area_of(row["area_code"]) if row["area_level"] == "ward" else ""
            parts.setdefault((row["area_level"], above), []).append(row | dict.fromkeys(_COMPARED))
    return whole + [row for group in parts.values() for row in hide_parts(group, "numerator", _DERIVED)]


def _trend(asked: Asked, lake: Snapshot, places: Tree, choice: Choice) -> list[Row]:
    if choice.place in places.lsoas and not asked.is_desk:
        return []
    wanted = {"kind": _steps(choice.kind), "place": choice.place or asked.authority}
    rows = lake.rows(_TREND, _values(asked, choice) | wanted)
    return rows if asked.is_desk else hide(rows, ["numerator"], _DERIVED)


def _steps(kind: str) -> str:
    """
    Return the kind of period that the trend shows.

    If the reader chose twelve months, the trend shows single months. Otherwise it shows the chosen kind of period.
    """
    return "month" if kind == "rolling_12_months" else kind


def _values(asked: Asked, choice: Choice) -> dict[str, object]:
    return {"authority": asked.authority, "kind": choice.kind, "measure": choice.measure.key}


def _drawing(asked: Asked, places: Tree, choice: Choice, values: dict[str, Any], level: str) -> Drawing | None:
    map_ = map_of(asked.authority)
    if map_ is None:
        return None
    measure = choice.measure
    return draw(
        map_,
        values,
        chosen=choice.place,
        wards=places.wards_of(choice.place),
        with_spots=level == "lsoa" and asked.is_desk,
        says=lambda code, name: f"{name}: {said(values.get(code), measure.kind)} {measure.after}, {choice.when}",
        href=choice.href,
        written=lambda value: said(value, measure.kind),
    )
