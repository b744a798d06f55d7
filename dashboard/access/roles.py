"""What the provider says about a person: the role on the pages, and the name."""

import hmac
from collections.abc import Mapping
from typing import Any

from dashboard.access.areas import checked_desk
from dashboard.access.audience import DESK, FIGURES, areas_of, audience_of, desk_of
from streams.errors import SettingInvalid

__all__ = ["name_in", "role_in", "roles_of", "told_apart"]

_LONGEST_NAME = 64
_MARK = 8


def roles_of(text: str, authority: str) -> dict[str, str]:
    """
    Read `CAF_OIDC_ROLES`, which says which value of the claim gives which role: `CAF-Desk=desk, CAF-Figures=figures`.

    Raises:
        SettingInvalid: a part of the text is no such pair, or names an unknown role or an area of another authority.
    """
    found: dict[str, str] = {}
    for pair in text.split(","):
        value, _, role = (part.strip() for part in pair.rpartition("="))
        if not value or audience_of(role) is None:
            allowed = "VALUE=figures or VALUE=desk or VALUE=desk:AREA+AREA, with commas between"
            raise SettingInvalid(f"CAF_OIDC_ROLES has the part {pair.strip()!r}; allowed: {allowed}")
        areas = areas_of(role)
        found[value] = checked_desk(areas, authority) if areas else role
    return found


def role_in(claims: Mapping[str, Any], claim: str, roles: Mapping[str, str]) -> str | None:
    """
    Return the role that the claim gives, or None if it gives none.

    If it gives several, the whole desk comes before desks of areas, whose areas are put together, and those come before
    figures.
    """
    values = _claim(claims, claim)
    texts = [values] if isinstance(values, str) else values if isinstance(values, list) else []
    given = {roles[text] for text in texts if isinstance(text, str) and text in roles}
    areas = frozenset[str]().union(*map(areas_of, given))
    if areas and DESK not in given:
        return desk_of(areas)
    return next((role for role in (DESK, FIGURES) if role in given), None)


def name_in(claims: Mapping[str, Any]) -> str:
    """
    Return the name that the provider gives. It decides nothing: people can often change it themselves, and two people
    may have the same one.
    """
    for claim in ("preferred_username", "email", "name"):
        if isinstance(text := claims.get(claim), str) and (name := _printable(text)):
            return name
    return _printable(str(claims["sub"])) or "unnamed"


def told_apart(name: str, subject: str, secret: str) -> str:
    """
    Return a name that no other person of the provider has, to show and to record.

    It ends in a mark that is made from the provider's id of the person. So it stays when the person takes another name,
    and when letters that a worker's id cannot have are replaced. Without the secret, nobody can work out the mark of an
    id.
    """
    mark = hmac.digest(secret.encode(), f"worker {subject}".encode(), "sha256").hex()[:_MARK]
    return f"{name[: _LONGEST_NAME - _MARK - 1]}-{mark}"


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    if name in claims:
        return claims[name]
    first, _, rest = name.partition(".")
    inner = claims.get(first)
    return _claim(inner, rest) if rest and isinstance(inner, Mapping) else None


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable()).strip()[:_LONGEST_NAME]
