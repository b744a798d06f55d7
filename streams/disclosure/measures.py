"""Descriptions of the published measures, for readers who have only the published file."""

from typing import NamedTuple

__all__ = ["MEASURES", "PublicMeasure"]


class PublicMeasure(NamedTuple):
    """The description of one measure of a public table."""

    source_table: str
    measure: str
    title: str
    unit: str
    numerator: str
    caveat: str
    source: str


_DFE = "DfE, characteristics of children in need: methodology, table c1"
_CHILDREN = (
    "children aged 0 to 17 in the place: the ONS mid-year estimate for the collection year, or the latest before it, "
    "divided among areas and wards by their estimated shares"
)
_COUNTED = "referrals as the DfE counts them: of a named child, with social care asked for, decided or allocated"
_SIBLINGS = "This counts children, not families. Siblings are referred together."
_SOURCES = {
    "individual": "individuals (family, neighbours, the child)",
    "schools": "schools",
    "education_services": "education services",
    "health_services": "health services",
    "housing": "housing",
    "la_services": "the authority's own services",
    "police": "the police",
    "other_legal_agency": "other legal agencies",
    "other": "other sources",
    "anonymous": "people who gave no name",
    "unknown": "an unknown source",
}

MEASURES = (
    PublicMeasure(
        "referrals",
        "referrals",
        "Children referred to social care",
        "referrals of a child",
        f"{_COUNTED}; the rate is per 10,000 {_CHILDREN}; for a quarter, it is multiplied by four",
        _SIBLINGS,
        _DFE,
    ),
    PublicMeasure(
        "referrals",
        "re_referrals",
        "Children referred again within twelve months",
        "referrals of a child",
        f"{_COUNTED}; only those within twelve months after an earlier referral of the same child",
        "There is no figure if the records do not cover all of the twelve months before the quarter.",
        _DFE,
    ),
    PublicMeasure(
        "referrals",
        "nfa",
        "Referrals that ended with no further action",
        "referrals of a child",
        f"{_COUNTED}; only those that ended with no further action",
        "This counts what was decided by the time the quarter was published.",
        _DFE,
    ),
    *(
        PublicMeasure(
            "referrals",
            f"source_{group}",
            f"Children referred by {name}",
            "referrals of a child",
            f"{_COUNTED}; only those by {name}",
            "This is published for the authority and its areas, not for wards.",
            _DFE,
        )
        for group, name in _SOURCES.items()
    ),
    PublicMeasure(
        "cafs",
        "cafs",
        "CAFs and early help assessments started",
        "assessments",
        f"assessments of the kinds caf and early_help that were started; the rate is per 10,000 {_CHILDREN}; for a "
        "quarter, it is multiplied by four",
        "This counts assessments of families that were started, not completed. One family may have several.",
        "caf contract, assessment-started",
    ),
)
"""All published measures."""
