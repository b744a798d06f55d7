"""The places of an authority, from the marts. LSOAs lie in wards, wards in areas, and areas in the authority."""

from dataclasses import dataclass

from dashboard.reading.reader import Row, Snapshot

__all__ = ["Tree", "tree"]

_TREE = """
    SELECT lsoa_code, lsoa_name, ward_code, ward_name, area_code, area_name, authority_name, gateway
    FROM marts.analytics.dim_area
    WHERE authority_code = $authority AND lsoa_code <> 'unknown'
    ORDER BY area_name, ward_name, lsoa_name
"""


@dataclass(frozen=True)
class Tree:
    """The areas, wards and LSOAs of an authority. The empty code stands for the authority itself."""

    rows: list[Row]

    @property
    def authority_name(self) -> str:
        """The name of the authority."""
        return self.rows[0]["authority_name"] if self.rows else "the authority"

    @property
    def names(self) -> dict[str, str]:
        """The name of every place by its code."""
        return {row[f"{level}_code"]: row[f"{level}_name"] for level in ("area", "ward", "lsoa") for row in self.rows}

    @property
    def lsoas(self) -> set[str]:
        """The codes of all LSOAs."""
        return {row["lsoa_code"] for row in self.rows}

    @property
    def areas(self) -> list[tuple[str, str, str]]:
        """The code, name and gateway of each area, ordered by name."""
        return list(dict.fromkeys((row["area_code"], row["area_name"], row["gateway"]) for row in self.rows))

    def area_of(self, ward: str) -> str:
        """Return the area in which a ward lies. For `unknown`, return an empty text."""
        return next((row["area_code"] for row in self.rows if row["ward_code"] == ward), "")

    def wards_of(self, place: str) -> set[str]:
        """Return the wards inside a place. For an LSOA, return the ward in which it lies."""
        return {row["ward_code"] for row in self.rows if place in {"", *_codes(row)}}

    def below(self, place: str) -> tuple[str, list[str]]:
        """
        Return the level below a place, and the codes of the places on that level.

        For an LSOA, return the LSOAs of its ward.
        """
        wards = self.wards_of(place)
        if len(wards) == 1 and place:
            return "lsoa", [row["lsoa_code"] for row in self.rows if row["ward_code"] in wards]
        return "ward", sorted(wards)

    def above(self, place: str) -> list[tuple[str, str]]:
        """Return the code and name of each place that contains this place. The authority comes first."""
        row = next((row for row in self.rows if place in _codes(row)), None)
        if row is None:
            return []
        levels = ("area", "ward", "lsoa")
        own = next(level for level in levels if row[f"{level}_code"] == place)
        above = levels[: levels.index(own)]
        return [("", self.authority_name), *((row[f"{level}_code"], row[f"{level}_name"]) for level in above)]


def tree(lake: Snapshot, authority: str) -> Tree:
    """Read the places of an authority."""
    return Tree(lake.rows(_TREE, {"authority": authority}))


def _codes(row: Row) -> tuple[str, str, str]:
    return row["area_code"], row["ward_code"], row["lsoa_code"]
