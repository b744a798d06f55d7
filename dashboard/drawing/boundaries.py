"""Ward boundaries from files, projected to a flat drawing. Drawing a map needs no network."""

import csv
import json
import math
from dataclasses import dataclass
from functools import cache
from typing import Any

from streams.reference import REFERENCE

__all__ = ["Map", "Shape", "Spot", "area_names", "map_of"]

_FOLDER = REFERENCE
_WIDTH = 600
_STEP = 0.6
"""
The smallest distance between neighbouring points of an outline. Closer points are left out, because nobody could tell
them apart.
"""

Point = tuple[float, float]


@dataclass(frozen=True)
class Shape:
    """A ward: its outline as an SVG path, and the corners of the rectangle around it."""

    code: str
    name: str
    path: str
    area_code: str
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Spot:
    """An LSOA. Only its centre is known."""

    code: str
    name: str
    ward_code: str
    x: float
    y: float


@dataclass(frozen=True)
class Map:
    """An authority's wards and LSOAs in one drawing. `width` and `height` are the size of the drawing."""

    width: int
    height: int
    wards: tuple[Shape, ...]
    spots: tuple[Spot, ...]


@cache
def map_of(authority: str) -> Map | None:
    """Return the map of an authority, or None if there is no file with its boundaries."""
    file = _FOLDER / f"wards_{authority}.geojson"
    if not file.exists():
        return None
    features = json.loads(file.read_text())["features"]
    rings = {feature["properties"]["ward_code"]: _rings(feature["geometry"]) for feature in features}
    flat = _Flat([point for of_ward in rings.values() for ring in of_ward for point in ring])
    lines = _lsoas(authority)
    areas = {line["ward_code"]: line["constituency_code"] for line in lines}
    wards = tuple(
        Shape(
            code, feature["properties"]["ward_name"], flat.path(rings[code]), areas.get(code, ""), flat.box(rings[code])
        )
        for feature in sorted(features, key=lambda one: one["properties"]["ward_name"])
        for code in [feature["properties"]["ward_code"]]
    )
    spots = tuple(
        Spot(
            line["lsoa_code"], line["lsoa_name"], line["ward_code"], *flat.place(float(line["lon"]), float(line["lat"]))
        )
        for line in lines
    )
    return Map(_WIDTH, flat.height, wards, spots)


@cache
def area_names(authority: str) -> list[str]:
    """Return the areas of an authority, with the names that alerts use."""
    return sorted({line["constituency_name"].lower().replace(" ", "_") for line in _lsoas(authority)})


class _Flat:
    """Projects longitude and latitude to the drawing. In the middle of the map, both have the same scale."""

    def __init__(self, points: list[Point]) -> None:
        longitudes, latitudes = [x for x, _ in points], [y for _, y in points]
        self._west, self._north = min(longitudes), max(latitudes)
        squeeze = math.cos(math.radians((self._north + min(latitudes)) / 2))
        self._x = _WIDTH / (max(longitudes) - self._west)
        self._y = self._x / squeeze
        self.height = math.ceil((self._north - min(latitudes)) * self._y)

    def place(self, longitude: float, latitude: float) -> Point:
        return round((longitude - self._west) * self._x, 1), round((self._north - latitude) * self._y, 1)

    def path(self, rings: list[list[Point]]) -> str:
        return "".join(f"M{'L'.join(f'{x:g},{y:g}' for x, y in self._thinned(ring))}Z" for ring in rings)

    def box(self, rings: list[list[Point]]) -> tuple[float, float, float, float]:
        places = [self.place(*point) for ring in rings for point in ring]
        (left, right), (top, bottom) = ((min(of), max(of)) for of in zip(*places, strict=True))
        return left, top, right, bottom

    def _thinned(self, ring: list[Point]) -> list[Point]:
        kept: list[Point] = []
        for point in ring:
            place = self.place(*point)
            if not kept or math.dist(kept[-1], place) >= _STEP:
                kept.append(place)
        return kept


def _rings(geometry: dict[str, Any]) -> list[list[Point]]:
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    return [[tuple(point[:2]) for point in ring] for polygon in polygons for ring in polygon]


def _lsoas(authority: str) -> list[dict[str, str]]:
    with (_FOLDER / "geography.csv").open(newline="") as file:
        return [line for line in csv.DictReader(file) if line["la_code"] == authority]
