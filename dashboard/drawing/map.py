"""The map, ready for its template: each ward and LSOA with its colour class, its text and its link."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.drawing.boundaries import Map, Shape
from dashboard.drawing.withheld import Hidden

__all__ = ["Drawing", "Drawn", "Legend", "draw"]

_CLASSES = 5
_MARGIN = 8


@dataclass(frozen=True)
class Drawn:
    """
    One place on the map. A ward has an outline (`path`), and an LSOA has a centre.

    Wards in the background extend beyond the picture. They have no link, because it would cover places that a reader
    can choose.
    """

    code: str
    says: str
    href: str
    css: str
    path: str = ""
    x: float = 0
    y: float = 0


@dataclass(frozen=True)
class Legend:
    """One colour of the map's legend, and the values that it stands for."""

    css: str
    says: str


@dataclass(frozen=True)
class Drawing:
    """A map that is ready to be shown: the part of it that is visible, its places, and its legend."""

    view_box: str
    radius: float
    wards: list[Drawn]
    spots: list[Drawn]
    legend: list[Legend]


def draw(
    map_: Map,
    values: Mapping[str, Any],
    *,
    chosen: str,
    wards: set[str],
    with_spots: bool,
    says: Callable[[str, str], str],
    href: Callable[[str], str],
    written: Callable[[float], str],
) -> Drawing:
    """
    Colour the places by their values. There are five classes of colour, each with about the same number of places.

    Args:
        values: the value of each place, by the code of the place. Places may be missing.
        chosen: the code of the place that the reader chose.
        wards: codes of the wards that are shown in full. The other wards are in the background.
        with_spots: whether to colour the LSOAs of these wards instead of the wards.
        says: a function that returns the text of a place, given its code and name.
        href: a function that returns the link of a place, given its code.
        written: a function that formats a value.
    """
    spots = [spot for spot in map_.spots if with_spots and spot.ward_code in wards]
    coloured = {spot.code for spot in spots} or wards
    numbers = sorted(value for code, value in values.items() if code in coloured and isinstance(value, int | float))
    edges = _edges(numbers)
    near = [ward for ward in map_.wards if ward.code in wards]
    return Drawing(
        view_box=_view_box(map_, near),
        radius=_radius(map_, near),
        wards=[
            Drawn(
                ward.code,
                says(ward.code, ward.name),
                href(ward.code) if ward.code in wards else "",
                _css(values.get(ward.code), edges, is_coloured=not spots and ward.code in wards)
                + (" chosen" if ward.code == chosen else "" if ward.code in wards else " beside"),
                path=ward.path,
            )
            for ward in map_.wards
        ],
        spots=[
            Drawn(
                spot.code,
                says(spot.code, spot.name),
                href(spot.code),
                _css(values.get(spot.code), edges, is_coloured=True) + (" chosen" if spot.code == chosen else ""),
                x=spot.x,
                y=spot.y,
            )
            for spot in spots
        ],
        legend=_legend(numbers, edges, written, [values.get(code) for code in coloured]),
    )


def _edges(numbers: list[float]) -> list[float]:
    """Return the lowest value of each colour class except the first."""
    if not numbers:
        return []
    cuts = [numbers[len(numbers) * step // _CLASSES] for step in range(1, _CLASSES)]
    return sorted({cut for cut in cuts if cut > numbers[0]})


def _css(value: Any, edges: list[float], *, is_coloured: bool) -> str:
    if not is_coloured or value is None:
        return "none"
    if isinstance(value, Hidden):
        return "hidden"
    return f"q{_step(sum(value >= edge for edge in edges), len(edges))}"


def _step(place: int, edges: int) -> int:
    """
    Return the number of the colour of a class. If there are fewer classes than colours, the classes are spread over all
    colours.
    """
    return 1 + round(place * (_CLASSES - 1) / edges) if edges else 3


def _legend(
    numbers: list[float], edges: list[float], written: Callable[[float], str], values: list[object]
) -> list[Legend]:
    found = []
    starts = [numbers[0], *edges] if numbers else []
    for place, start in enumerate(starts):
        within = [one for one in numbers if one >= start and (place + 1 == len(starts) or one < starts[place + 1])]
        low, high = written(within[0]), written(within[-1])
        found.append(Legend(f"q{_step(place, len(edges))}", low if low == high else f"{low} to {high}"))
    found += [Legend("hidden", means) for means in {value.means for value in values if isinstance(value, Hidden)}]
    if any(value is None for value in values):
        found.append(Legend("none", "no figure"))
    return found


def _view_box(map_: Map, near: list[Shape]) -> str:
    left, top, width, height = _frame(map_, near)
    return f"{left:g} {top:g} {width:g} {height:g}"


def _frame(map_: Map, near: list[Shape]) -> tuple[float, float, float, float]:
    if not near or len(near) == len(map_.wards):
        return -_MARGIN, -_MARGIN, map_.width + 2 * _MARGIN, map_.height + 2 * _MARGIN
    left, top = (min(ward.box[side] for ward in near) for side in (0, 1))
    right, bottom = (max(ward.box[side] for ward in near) for side in (2, 3))
    around = max(right - left, bottom - top) * 0.08
    return left - around, top - around, right - left + 2 * around, bottom - top + 2 * around


def _radius(map_: Map, near: list[Shape]) -> float:
    """Return the radius of an LSOA's dot. On the screen, the dot has the same size at every zoom level."""
    return round(_frame(map_, near)[2] / 42, 2)
