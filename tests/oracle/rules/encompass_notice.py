"""`encompass_notice`: no school was notified of domestic abuse in a pupil's home before the next school day."""

from collections.abc import Iterator
from datetime import datetime

from streams.contracts.case_people import HouseholdJoined
from streams.contracts.case_work import SchoolNotified
from streams.contracts.codesets import EscalationKind
from streams.contracts.escalation import EscalationReported
from tests.oracle.alert import Expected
from tests.oracle.facts import Fact
from tests.oracle.profile import Profile
from tests.oracle.terms import next_school_day
from tests.oracle.world import World

__all__ = ["expected"]


def expected(world: World, as_of: datetime, profile: Profile) -> Iterator[Expected]:
    """
    Raise an alert for each child if nobody was notified of the incident before the next school day starts.

    Evidence: the first report on the family that makes the incident concern the child, and, if a school has been
    notified, the event that says so.
    """
    concerned = set()
    for report in world.of(EscalationReported, escalation_kind=EscalationKind.DOMESTIC_ABUSE_INCIDENT):
        incident = report.data.incident_id or report.root
        deadline = next_school_day(report.at, profile)
        for child, name in _pupils(world.until(report), report, deadline).items():
            if (report.data.family_id, incident, child) in concerned:
                continue
            concerned.add((report.data.family_id, incident, child))
            notice = _notice(world, report, child)
            if as_of > deadline and (notice is None or notice.at > deadline):
                yield Expected(
                    rule="encompass_notice",
                    entity_kind="child",
                    family_id=report.data.family_id,
                    entity_id=name,
                    anchor=report.root,
                    anchored_at=deadline,
                    severity="red",
                    status="cleared" if notice else "open",
                    evidence=frozenset({report.root, notice.root} if notice else {report.root}),
                    deadline=deadline,
                )


def _notice(world: World, report: Fact, child: str) -> Fact | None:
    """The first event that notified a school, or the authority, of this incident and this child."""
    if report.data.incident_id is None:
        return None
    notices = world.of_person(child, SchoolNotified, incident_id=report.data.incident_id)
    if child in world.crowds.persons:
        notices = [fact for fact in notices if fact.data.family_id == report.data.family_id]
    return notices[0] if notices else None


def _pupils(then: World, report: Fact, school_day: datetime) -> dict[str, str]:
    """
    The pupils in the family, and in the other households of the adults whom the report names.

    The result maps each child to the identifier under which the child first joined one of these households.
    """
    families = {report.data.family_id}
    for person in {then.person(named) for named in report.data.person_ids} - then.crowds.persons:
        homes = {home for home in then.families if then.stay(home, person)}
        families |= {home for home in homes if not then.is_child(home, person, report.at)}
    children = {
        child
        for family in families
        for child in then.children(family, report.at)
        if then.is_pupil(family, child, school_day)
    }
    joined = [fact for fact in then.of(HouseholdJoined) if fact.data.family_id in families]
    return {
        child: next(fact.data.person_id for fact in joined if then.person(fact.data.person_id) == child)
        for child in sorted(children)
    }
