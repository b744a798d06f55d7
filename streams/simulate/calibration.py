"""
The published figures to which the simulated world is fitted.

Source: DfE, Characteristics of children in need 2024 (`reference/published_cin.csv`). Published figures count
**children referred to social care**. In the simulation, each entry in `person_ids` of a `referral-submitted` with
`service_kind` `social_care` counts as one such child.
"""

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby

from streams.contracts.codesets import AssessmentFactor, PrimaryNeed
from streams.errors import SettingInvalid
from streams.reference import REFERENCE

__all__ = ["AUTHORITIES", "MONTHS", "YEAR", "Calibration", "calibrate"]

YEAR = "2024"
"""Year of the figures: April 2023 to March 2024."""

AUTHORITIES = {"E08000015": "wirral", "E06000006": "halton", "E06000019": "herefordshire"}
"""GSS code and short name of the authorities for which there are figures and places."""

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
"""Names of the months in the publication's spelling, starting with January."""

_REGIONS = {"E08000015": "E12000002", "E06000006": "E12000002", "E06000019": "E12000005"}
_SOURCES = (
    "Individual", "Schools", "Education_Services", "Health_Services", "Housing", "LA_Services",
    "Police", "Other_legal_agency", "Other", "Anonymous", "Unknown",
)  # fmt: skip
_NEEDS = {
    PrimaryNeed.ABUSE_OR_NEGLECT: "N1_Abuse_or_neglect",
    PrimaryNeed.CHILD_DISABILITY: "N2_Childs_disability_or_illness",
    PrimaryNeed.PARENT_DISABILITY: "N3_Parents_disability_or_illness",
    PrimaryNeed.ACUTE_STRESS: "N4_Family_in_acute_stress",
    PrimaryNeed.DYSFUNCTION: "N5_Family_dysfunction",
    PrimaryNeed.UNACCEPTABLE_BEHAVIOUR: "N6_Socially_unacceptable_behaviour",
    PrimaryNeed.LOW_INCOME: "N7_Low_income",
    PrimaryNeed.ABSENT_PARENTING: "N8_Absent_parenting",
    PrimaryNeed.NOT_IN_NEED: "N9_Cases_other_than_CIN",
    PrimaryNeed.NOT_STATED: "N0_Not_stated",
}
_FACTORS = {
    AssessmentFactor.ALCOHOL_CHILD: "Alcohol_Misuse_child",
    AssessmentFactor.ALCOHOL_PARENT: "Alcohol_Misuse_parent",
    AssessmentFactor.ALCOHOL_OTHER: "Alcohol_Misuse_person",
    AssessmentFactor.DRUGS_CHILD: "Drug_Misuse_child",
    AssessmentFactor.DRUGS_PARENT: "Drug_Misuse_parent",
    AssessmentFactor.DRUGS_OTHER: "Drug_Misuse_person",
    AssessmentFactor.DOMESTIC_ABUSE_CHILD: "Domestic_Abuse_child",
    AssessmentFactor.DOMESTIC_ABUSE_PARENT: "Domestic_Abuse_parent",
    AssessmentFactor.DOMESTIC_ABUSE_OTHER: "Domestic_Abuse_person",
    AssessmentFactor.MENTAL_HEALTH_CHILD: "Mental_Health_child",
    AssessmentFactor.MENTAL_HEALTH_PARENT: "Mental_Health_parent",
    AssessmentFactor.MENTAL_HEALTH_OTHER: "Mental_Health_person",
    AssessmentFactor.LEARNING_DISABILITY_CHILD: "Learning_Disability_child",
    AssessmentFactor.LEARNING_DISABILITY_PARENT: "Learning_Disability_parent",
    AssessmentFactor.LEARNING_DISABILITY_OTHER: "Learning_Disability_person",
    AssessmentFactor.PHYSICAL_DISABILITY_CHILD: "Physical_Disability_child",
    AssessmentFactor.PHYSICAL_DISABILITY_PARENT: "Physical_Disability_parent",
    AssessmentFactor.PHYSICAL_DISABILITY_OTHER: "Physical_Disability_person",
    AssessmentFactor.YOUNG_CARER: "Young_Carer",
    AssessmentFactor.FOSTERED_OTHER: "Privately_fostered",
    AssessmentFactor.UNACCOMPANIED: "Unaccompanied_asylum_seeker",
    AssessmentFactor.MISSING: "Going_missing",
    AssessmentFactor.SEXUAL_EXPLOITATION: "Child_sexual_exploitation",
    AssessmentFactor.TRAFFICKING: "Trafficking",
    AssessmentFactor.GANGS: "Gangs",
    AssessmentFactor.UNACCEPTABLE_BEHAVIOUR: "Socially_unacceptable_behaviour",
    AssessmentFactor.SELF_HARM: "Self_harm",
    AssessmentFactor.NEGLECT: "Neglect",
    AssessmentFactor.EMOTIONAL_ABUSE: "Emotional_Abuse",
    AssessmentFactor.PHYSICAL_ABUSE_CHILD: "Physical_Abuse_child_on_child",
    AssessmentFactor.PHYSICAL_ABUSE_ADULT: "Physical_Abuse_adult_on_child",
    AssessmentFactor.SEXUAL_ABUSE_CHILD: "Sexual_Abuse_child_on_child",
    AssessmentFactor.SEXUAL_ABUSE_ADULT: "Sexual_Abuse_adult_on_child",
    AssessmentFactor.FGM: "Female_Genital_Mutilation",
    AssessmentFactor.FAITH_OR_BELIEF: "Faith_linked_abuse",
    AssessmentFactor.CRIMINAL_EXPLOITATION: "Child_criminal_exploitation",
    AssessmentFactor.OTHER: "Other",
}
_DURATIONS = {
    "Same_day": (0, 0), "1-10_days": (1, 10), "11-20_days": (11, 20), "21-30_days": (21, 30), "31-40_days": (31, 40),
    "41-45_days": (41, 45), "46-50_days": (46, 50), "51-60_days": (51, 60), "61+_days": (61, 80),
}  # fmt: skip


_Figures = Mapping[str, Mapping[str, str]]
"""Published values of one area, by table and measure."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """
    The published figures of one authority for one year. A referral of three children to social care counts as three
    children's referrals.
    """

    authority: str
    referrals: float
    """Children's referrals in the year."""
    by_month: Mapping[int, float]
    """Children's referrals by calendar month, 1 to 12."""
    by_source: Mapping[str, float]
    """Children's referrals by the publication's group of sources."""
    re_referral_share: float
    """Share of children's referrals that come within 12 months of an earlier referral of the same child."""
    nfa_share: float
    """Share of children's referrals that end with no further action."""
    needs: Mapping[PrimaryNeed, float]
    """
    Number of children in need on 31 March, by primary need. Simulated referrals have the same proportions of needs,
    although these figures count children with open cases.
    """
    factors: Mapping[AssessmentFactor, float]
    """Share of assessments that find each factor. One assessment may find several factors."""
    durations: Sequence[tuple[tuple[int, int], float]]
    """Number of assessments by duration. A duration is a range (from, to) of working days between start and end."""
    filled_from_region: bool
    """
    Whether the authority's total of referrals is withheld. If so, the figures are estimated from the rates of its
    region.
    """


@cache
def calibrate(authority: str) -> Calibration:
    """
    Compute the figures of one authority. Withheld figures are estimated, so that every authority has figures for a
    whole year.

    1. If only some cells of a table are withheld, the part of the total that is left over is divided among these cells,
       in the same proportions as in the region.
    2. If the total itself is withheld (Herefordshire 2024: `u`, low reliability), the total is estimated: the region's
       rate per 10,000 children times the authority's own population aged 0 to 17. The cells are then estimated as in 1.

    Raises:
        SettingInvalid: there are no figures for the authority.
    """
    if authority not in AUTHORITIES:
        raise SettingInvalid(f"no published figures for authority {authority!r}; known: {', '.join(AUTHORITIES)}")
    figures, region = _published()[authority], _published()[_REGIONS[authority]]
    own_total = _number(figures["referrals"]["Referrals"])
    total = own_total if own_total is not None else _total_by_rate(figures, region)
    shares = (figures if own_total is not None else region)["referrals"]
    months = _filled("referrals_by_month", MONTHS, figures, region, total)
    stock = float(figures["primary_need"]["At31_episodes"])
    needs = _filled("primary_need", _NEEDS.values(), figures, region, stock)
    return Calibration(
        authority=authority,
        referrals=total,
        by_month={number: months[name] for number, name in enumerate(MONTHS, 1)},
        by_source=_filled("referrals_by_source", _SOURCES, figures, region, total),
        re_referral_share=float(shares["Re_referrals"]) / float(shares["Referrals"]),
        nfa_share=float(shares["No_Further_Action"]) / float(shares["Referrals"]),
        needs={code: needs[name] for code, name in _NEEDS.items()},
        factors={code: _factor_share(name, figures, region) for code, name in _FACTORS.items()},
        durations=[(span, float(figures["assessment_duration"][name])) for name, span in _DURATIONS.items()],
        filled_from_region=own_total is None,
    )


def _total_by_rate(figures: _Figures, region: _Figures) -> float:
    """Multiply the region's rate of referrals per 10,000 children by the authority's number of children."""
    children = float(figures["population_0_17"]["population_estimate"])
    return round(float(region["referrals"]["Referrals_rate"]) * children / 10_000)


def _filled(table: str, cells: Collection[str], figures: _Figures, region: _Figures, total: float) -> dict[str, float]:
    """
    Read the cells of a table, and estimate the withheld cells from the region, so that all cells add up to
    `total`.
    """
    known = {name: value for name in cells if (value := _number(figures[table][name])) is not None}
    withheld = {name: _number(region[table][name]) or 0.0 for name in cells if name not in known}
    left = total - sum(known.values())
    weight = sum(withheld.values())
    return known | {name: left * value / weight if weight else 0.0 for name, value in withheld.items()}


def _factor_share(name: str, figures: _Figures, region: _Figures) -> float:
    for area in (figures["assessment_factors"], region["assessment_factors"]):
        count, episodes = _number(area[name]), _number(area["Episodes_with_assessment_factor"])
        if count is not None and episodes:
            return count / episodes
    return 0.0


def _number(text: str) -> float | None:
    return None if text.strip() in {"c", "u", "x", "z", ":"} else float(text)


@cache
def _published() -> dict[str, dict[str, dict[str, str]]]:
    """
    Read the published values of the year `YEAR`, by area code, table and measure. The population is that of the year
    before.
    """
    with (REFERENCE / "published_cin.csv").open(encoding="utf-8") as lines:
        rows = [
            row
            for row in csv.DictReader(lines)
            if row["year"] == (str(int(YEAR) - 1) if row["table"] == "population_0_17" else YEAR)
        ]
    rows.sort(key=lambda row: row["area_code"])
    figures: dict[str, dict[str, dict[str, str]]] = {}
    for code, area in groupby(rows, key=lambda row: row["area_code"]):
        figures[code] = {}
        for row in area:
            figures[code].setdefault(row["table"], {})[row["measure"]] = row["value"]
    return figures
