"""What each published measure is, for readers who have nothing but what is published."""

from typing import NamedTuple

__all__ = ["MEASURES", "PublicMeasure"]


class PublicMeasure(NamedTuple):
    """A measure of a public table, in words."""

    source_table: str
    measure: str
    title: str
    unit: str
    numerator: str
    caveat: str
    source: str


_DFE = "DfE, characteristics of children in need: methodology, table c1"
_CHILDREN = (
    "children aged 0 to 17 of the place: the ONS mid-year estimate before the collection year, or the latest before "
    "it, shared out to places below the authority as estimated"
)
_COUNTED = "children's referrals as the DfE counts them: a named child, and social care asked for, decided or allocated"
_SIBLINGS = "Children, not families: siblings are referred together."
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
        f"{_COUNTED}; the rate is for 10,000 {_CHILDREN}, and of a quarter it is taken times four",
        _SIBLINGS,
        _DFE,
    ),
    PublicMeasure(
        "referrals",
        "re_referrals",
        "Children referred again within twelve months",
        "referrals of a child",
        f"{_COUNTED}; of these those within twelve months of an earlier one of the same child",
        "Where the twelve months before a quarter are not in the records, there is no figure.",
        _DFE,
    ),
    PublicMeasure(
        "referrals",
        "nfa",
        "Referrals that ended with no further action",
        "referrals of a child",
        f"{_COUNTED}; of these those that ended with no further action",
        "As decided when the quarter was published.",
        _DFE,
    ),
    *(
        PublicMeasure(
            "referrals",
            f"source_{group}",
            f"Children referred by {name}",
            "referrals of a child",
            f"{_COUNTED}; of these those by {name}",
            "For the authority and its areas, not for wards.",
            _DFE,
        )
        for group, name in _SOURCES.items()
    ),
    PublicMeasure(
        "cafs",
        "cafs",
        "CAFs and early help assessments started",
        "assessments",
        f"assessments of the kinds caf and early_help that were started; the rate is for 10,000 {_CHILDREN}, and of a "
        "quarter it is taken times four",
        "Of families, and started, not completed; one family may have several.",
        "caf contract, assessment-started",
    ),
)
"""Every published measure."""
