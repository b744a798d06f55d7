"""
Choose who reports on a family: the kind of reporter (source) and the organisation.

Published figures count groups of sources. Each group consists of one or more census codes.
"""

from random import Random

from streams.contracts.codesets import AgencyKind, ReferralSource
from streams.simulate.population import Family

__all__ = ["AGENCY_KINDS", "GROUPS", "agency_of", "source_in"]

_S = ReferralSource

GROUPS: dict[str, dict[ReferralSource, int]] = {
    "Individual": {_S.RELATIVE: 45, _S.ACQUAINTANCE: 20, _S.SELF: 25, _S.OTHER_INDIVIDUAL: 10},
    "Schools": {_S.SCHOOL: 1},
    "Education_Services": {_S.EDUCATION_SERVICE: 1},
    "Health_Services": {
        _S.GP: 12, _S.HEALTH_VISITOR: 22, _S.SCHOOL_NURSE: 8, _S.PRIMARY_HEALTH: 8, _S.EMERGENCY_DEPARTMENT: 30,
        _S.OTHER_HEALTH: 20,
    },
    "Housing": {_S.HOUSING: 1},
    "LA_Services": {
        _S.SOCIAL_CARE: 35, _S.OTHER_AUTHORITY_INTERNAL: 15, _S.OTHER_AUTHORITY_EXTERNAL: 20, _S.EARLY_HELP: 30,
    },
    "Police": {_S.POLICE: 1},
    "Other_legal_agency": {_S.LEGAL: 1},
    "Other": {_S.OTHER: 1},
    "Anonymous": {_S.ANONYMOUS: 1},
    "Unknown": {_S.UNKNOWN: 1},
}  # fmt: skip
"""
The census codes of each published group. Each code has a weight, which is invented, because no figures by code are
published.
"""

AGENCY_KINDS: tuple[AgencyKind, ...] = (
    AgencyKind.SCHOOL, AgencyKind.HEALTH, AgencyKind.EARLY_HELP, AgencyKind.POLICE, AgencyKind.HOUSING,
    AgencyKind.VOLUNTARY,
)  # fmt: skip
"""Kinds of organisations that take part in a team around the family."""

_NAMES = {
    _S.EDUCATION_SERVICE: "education-welfare", _S.GP: "gp", _S.HEALTH_VISITOR: "health-visiting",
    _S.SCHOOL_NURSE: "school-nursing", _S.PRIMARY_HEALTH: "community-health", _S.EMERGENCY_DEPARTMENT: "hospital-ed",
    _S.OTHER_HEALTH: "maternity", _S.HOUSING: "housing", _S.SOCIAL_CARE: "adult-social-care",
    _S.OTHER_AUTHORITY_INTERNAL: "youth-offending", _S.OTHER_AUTHORITY_EXTERNAL: "other-authority",
    _S.EARLY_HELP: "early-help", _S.POLICE: "police", _S.LEGAL: "probation", _S.OTHER: "family-charity",
}  # fmt: skip


def source_in(group: str, rng: Random) -> ReferralSource:
    """Draw a source at random: one of the census codes in a published group."""
    codes = GROUPS[group]
    return next(iter(codes)) if len(codes) == 1 else rng.choices(list(codes), list(codes.values()))[0]


def agency_of(source: ReferralSource, family: Family, slug: str) -> str | None:
    """
    Return the id of the organisation that reports on a family. Return None for individuals, and for anonymous and
    unknown reporters.
    """
    if source is _S.SCHOOL:
        return next((child.school_id for child in family.children if child.school_id), family.place.schools[0])
    if source is _S.GP:
        return f"gp-{family.place.ward_code}"
    name = _NAMES.get(source)
    return f"{slug}-{name}" if name else None
