"""Concerns (contacts, referrals and reported escalations), and whether anybody investigated the concerns."""

from dataclasses import dataclass

from streams.contracts.case_work import AssessmentStarted
from streams.contracts.codesets import Decision
from streams.contracts.escalation import EscalationReported
from streams.contracts.referral import ContactRecorded, ReferralDecided, ReferralSubmitted
from tests.oracle.facts import Fact
from tests.oracle.world import World

__all__ = ["Concern", "concerns"]

_REPORTS = (ContactRecorded, ReferralSubmitted, EscalationReported)

_INDIVIDUALS = frozenset({"1A", "1B", "1C", "1D", "9"})


@dataclass(frozen=True)
class Concern:
    """One concern: its first report, and all further reports of the same incident or referral by the same agency."""

    reports: tuple[Fact, ...]
    agency: str

    @property
    def first(self) -> Fact:
        return self.reports[0]

    def is_investigated(self, world: World) -> bool:
        """Whether any report of the concern led to a MASH or early-help decision, or to an assessment."""
        return any(_is_investigated(report, world) for report in self.reports)


def _agencies(reports: list[Fact], known: list[Fact]) -> list[str]:
    """
    The agency behind each report about one family, in the order of the reports.

    `known` holds all reports about the family, including reports after the point in time. All individuals and anonymous
    reporters together count as one agency. A report that names no agency belongs to the first named agency of the same
    kind (source code). The agency of a report does not depend on the point in time: if an agency is named only later,
    earlier unnamed reports of its kind belong to that agency all the same.
    """
    named: dict[str, str] = {}
    for report in known:
        if report.data.agency_id:
            named.setdefault(report.data.source_code, report.data.agency_id)
    return [
        "individuals"
        if (kind := report.data.source_code) in _INDIVIDUALS
        else report.data.agency_id or named.get(kind, f"source:{kind}")
        for report in reports
    ]


def concerns(world: World, family: str) -> list[Concern]:
    """Concerns about a family, in the order in which they were first reported."""
    groups: dict[tuple, list[Fact]] = {}
    reports, known = (list(each.of(*_REPORTS, family_id=family)) for each in (world, World(world.known)))
    for report, agency in zip(reports, _agencies(reports, known), strict=True):
        groups.setdefault((agency, *_what(report)), []).append(report)
    return [Concern(tuple(reports), agency) for (agency, *_), reports in groups.items()]


def _what(report: Fact) -> tuple:
    """
    What a report is about: the named incident, else the referral, else this report alone.

    A referral can be sent again, so several reports can be about one referral.
    """
    if report.data.incident_id:
        return "incident", report.data.incident_id
    if isinstance(report.data, ReferralSubmitted):
        return "referral", report.data.referral_id
    return "report", report.order


def _is_investigated(report: Fact, world: World) -> bool:
    """
    Whether a report was investigated.

    An assessment that names no referral covers all reports before the assessment.
    """
    family, referral = report.data.family_id, getattr(report.data, "referral_id", None)
    assessed = world.of(AssessmentStarted, family_id=family)
    if any(started.data.referral_id is None and started.order > report.order for started in assessed):
        return True
    if referral is None:
        return False
    decided = world.of(ReferralDecided, family_id=family, referral_id=referral)
    return any(started.data.referral_id == referral for started in assessed) or any(
        fact.data.decision in {Decision.MASH, Decision.EARLY_HELP} for fact in decided
    )
