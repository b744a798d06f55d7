"""The published figures that the pages show. They all come from `marts.public`."""

from dataclasses import dataclass
from datetime import date

from dashboard.drawing.withheld import WITHHELD
from dashboard.reading.reader import NotBuilt, Row, Snapshot
from streams.disclosure.due import begun, next_due

__all__ = ["PublicPlaces", "figures", "latest_quarter", "next_release", "periods", "places", "with_gaps"]

_PLACES = """
    SELECT authority_name, area_code, area_name, ward_code, ward_name
    FROM marts.public.places
    WHERE authority_code = $authority
    ORDER BY area_name, ward_name
"""
_FIGURES = """
    SELECT area_level, area_code, period, period_starts_on, measure, "count", symbol, children, rate_per_10000
    FROM (FROM marts.public.referrals UNION ALL BY NAME FROM marts.public.cafs)
    WHERE authority_code = $authority AND period = $period
    ORDER BY ALL
"""
_PERIODS = """
    SELECT DISTINCT period, period_starts_on
    FROM marts.public.referrals
    WHERE authority_code = $authority
    ORDER BY ALL
"""
_LATEST = "SELECT max(quarter_starts_on) AS quarter FROM marts.public.releases WHERE authority_code = $authority"


@dataclass(frozen=True)
class PublicPlaces:
    """
    Areas and wards by code. The empty code stands for the authority.

    A ward may lie in two areas. There is also a place called `unknown`.
    """

    authority: str
    rows: list[Row]

    @property
    def names(self) -> dict[str, str]:
        """The name of every place."""
        named = {row[f"{level}_code"]: row[f"{level}_name"] for level in ("area", "ward") for row in self.rows}
        return {"": self.rows[0]["authority_name"], **named} if self.rows else {"": "the authority"}

    @property
    def areas(self) -> dict[str, str]:
        """All areas except the unknown area."""
        return {row["area_code"]: row["area_name"] for row in self.rows if row["area_code"] != "unknown"}

    def wards_of(self, place: str) -> set[str]:
        """
        Return the wards of the authority or of an area.

        For a ward, return all wards of the areas in which it lies.
        """
        within = {row["area_code"] for row in self.rows if place in {"", row["area_code"], row["ward_code"]}}
        return {row["ward_code"] for row in self.rows if row["area_code"] in within}

    def above(self, place: str) -> list[tuple[str, str]]:
        """Return the code and name of each place that contains this place. The authority comes first."""
        if not place:
            return []
        areas = {row["area_code"]: row["area_name"] for row in self.rows if row["ward_code"] == place != "unknown"}
        return [("", self.names[""]), *areas.items()]


def places(lake: Snapshot, authority: str) -> PublicPlaces:
    """Read those places of an authority for which figures are published."""
    return PublicPlaces(authority, lake.rows(_PLACES, {"authority": authority}))


def periods(lake: Snapshot, authority: str) -> dict[str, list[date]]:
    """Return the first days of all published quarters and years. Before the first publication, return nothing."""
    found: dict[str, list[date]] = {}
    try:
        rows = lake.rows(_PERIODS, {"authority": authority})
    except NotBuilt:
        return {}
    for row in rows:
        found.setdefault(row["period"], []).append(row["period_starts_on"])
    return found


def figures(lake: Snapshot, authority: str, period: str) -> list[Row]:
    """Read all published figures of quarters, or all published figures of years. Withheld figures are marked."""
    rows = lake.rows(_FIGURES, {"authority": authority, "period": period})
    hidden = {"count": WITHHELD, "rate_per_10000": WITHHELD}
    return [row | hidden if row["symbol"] else row for row in rows]


def with_gaps(rows: list[Row], period: str) -> list[Row]:
    """Fill the gaps between a place's first and last published period. Each missing period gets an empty row."""
    if not rows:
        return []
    known = {row["period_starts_on"]: row for row in rows}
    nothing = dict.fromkeys(("count", "rate_per_10000", "children"))
    step, found = 3 if period == "quarter" else 12, []
    on = min(known)
    while on <= max(known):
        found.append(known.get(on) or rows[0] | nothing | {"period_starts_on": on, "symbol": None})
        months = on.year * 12 + on.month - 1 + step
        on = on.replace(year=months // 12, month=months % 12 + 1)
    return found


def latest_quarter(lake: Snapshot, authority: str) -> date | None:
    """Return the first day of the latest published quarter, or None before the first publication."""
    try:
        row = lake.one(_LATEST, {"authority": authority})
    except NotBuilt:
        return None
    return row["quarter"] if row else None


def next_release(lake: Snapshot, authority: str) -> tuple[date, date] | None:
    """
    Return the next quarter to publish, and the day from which it may be published.

    Return None until somebody has confirmed the first quarter to be published.
    """
    first = begun(lake.lake).get(authority)
    return next_due(first, latest_quarter(lake, authority)) if first else None
