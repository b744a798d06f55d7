"""The gateways of an authority."""

from functools import cache

from streams.rules.seeds import seed_rows

__all__ = ["gateways_of"]


@cache
def gateways_of(authority: str) -> list[str]:
    """Return an authority's gateways in alphabetical order. If it has only a single gateway, the list is empty."""
    areas = {line["constituency_code"] for line in seed_rows("geography") if line["la_code"] == authority}
    return sorted({line["gateway"] for line in seed_rows("gateways") if line["area_code"] in areas})
