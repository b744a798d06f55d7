"""
One child's census record as events.

The census knows days, children and episodes; events know instants, families and persons. The mapping, and what it
cannot know, is in `docs/import-cin-xml.md`.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from zoneinfo import ZoneInfo

from lxml import etree

from streams import contracts as events
from streams.contracts import codesets as c
from streams.contracts.event import Event
from streams.importers.cin_codes import SEXES
from streams.importers.cin_fields import Reader
from streams.importers.cin_file import Header
from streams.names import TIME_ZONE

__all__ = ["Fact", "child_facts", "pseudonym"]

_ZONE = ZoneInfo(TIME_ZONE)
_NOON = time(12, 0)

_ORDER = (
    "person", "joined", "referral", "decided", "allocated", "opened", "assessment", "section-47", "level-raised",
    "assessed", "review", "level-lowered", "closed",
)  # fmt: skip
"""Order of facts of one day: the census has no time of day, so each is some seconds after noon in London."""

_STATUTORY = {
    "Section47": "S47ActualStartDate",
    "CINPlanDates": "CINPlanStartDate",
    "ChildProtectionPlans": "CPPstartDate",
}


@dataclass(frozen=True)
class Fact:
    """One thing that happened; `name` is unique within the child and the same in every file that tells it."""

    name: str
    day: date
    moment: datetime
    event: Event


@dataclass(frozen=True)
class _Child:
    """The ids under which a child appears."""

    key: str
    lea: str

    @property
    def person_id(self) -> str:
        return f"{self.family_id}-1"

    @property
    def family_id(self) -> str:
        return f"cin-{self.lea}-{self.key}"


@dataclass(frozen=True)
class _Episode:
    """One `CINdetails` group; `key` is unique within the child, also when two begin on one day."""

    record: Reader
    child: _Child
    referred: date
    number: int

    @property
    def key(self) -> str:
        return f"{self.referred:%Y%m%d}-{self.number}"

    @property
    def referral_id(self) -> str:
        return f"{self.child.family_id}-{self.key}"

    @property
    def ids(self) -> dict[str, str]:
        return {"referral_id": self.referral_id, "family_id": self.child.family_id}


def pseudonym(la_child_id: str, authority: str) -> str:
    """
    The key of a child in ids: a hash of its local id under its authority.

    The same child has the same key in every year's file and on every machine; nobody who lacks the local id can
    tell it from the key, and an authority that has it can link the child to its case system.
    """
    return blake2b(la_child_id.encode(), key=authority.encode(), digest_size=10).hexdigest()


def child_facts(element: etree._Element, header: Header, today: date) -> list[Fact]:
    """
    All that a `Child` element tells.

    Raises:
        BadRecord: an element is missing, repeated, not of its type, or contradicts another.
    """
    record = Reader(element, header.year, today)
    key = pseudonym(record.group("ChildIdentifiers").text("LAchildID"), header.authority)
    child = _Child(key, header.lea)
    facts = [_person(record, child, header)]
    seen: Counter[tuple[str, date]] = Counter()
    for details in record.each("CINdetails"):
        day = details.required_day("CINreferralDate")
        facts += _episode_facts(_Episode(details, child, day, _number(seen, "referral", day)), seen)
    referrals = [fact.day for fact in facts if isinstance(fact.event, events.ReferralSubmitted)]
    if not referrals:
        raise record.bad("CINdetails", "missing")
    return [facts[0], _joined(facts[0].event, child, min(referrals)), *facts[1:]]


def _fact(step: str, day: date, event: Event, *parts: object) -> Fact:
    name = "/".join([step, f"{day:%Y%m%d}", *map(str, parts)])
    moment = datetime.combine(day, _NOON, _ZONE) + timedelta(seconds=_ORDER.index(step))
    return Fact(name, day, moment.astimezone(UTC), event)


def _person(record: Reader, child: _Child, header: Header) -> Fact:
    identifiers, characteristics = record.group("ChildIdentifiers"), record.group("ChildCharacteristics")
    born, due = identifiers.day("PersonBirthDate"), identifiers.day("ExpectedPersonBirthDate", ahead=True)
    if born is None and due is None:
        raise identifiers.bad("PersonBirthDate", "missing, and so is ExpectedPersonBirthDate")
    disabilities = [
        code for group in characteristics.each("Disabilities") for code in group.codes("Disability", c.Disability)
    ]
    person = events.PersonRecorded(
        person_id=child.person_id,
        date_of_birth=born,
        due_date=due,
        died_on=identifiers.day("PersonDeathDate"),
        upn_unknown=identifiers.code("UPNunknown", c.UpnUnknown),
        sex=identifiers.lookup("Sex", SEXES) or identifiers.lookup("GenderCurrent", SEXES),
        ethnicity=characteristics.code("Ethnicity", c.Ethnicity),
        disabilities=disabilities,
    )
    return _fact("person", header.reference_date, person)


def _joined(person: events.PersonRecorded, child: _Child, first_referral: date) -> Fact:
    role = c.HouseholdRole.CHILD if person.date_of_birth else c.HouseholdRole.UNBORN
    event = events.HouseholdJoined(family_id=child.family_id, person_id=child.person_id, household_role=role)
    return _fact("joined", first_referral, event)


def _number(seen: Counter[tuple[str, date]], step: str, day: date) -> int:
    """Which of several alike of one day, in the file's order."""
    seen[step, day] += 1
    return seen[step, day]


def _episode_facts(episode: _Episode, seen: Counter[tuple[str, date]]) -> Iterator[Fact]:
    yield _submitted(episode)
    is_nfa = episode.record.flag("ReferralNFA")
    decision = c.Decision.NO_FURTHER_ACTION if is_nfa else c.Decision.MASH
    decided = events.ReferralDecided(**episode.ids, decision=decision)
    yield _fact("decided", episode.referred, decided, episode.number)
    if not is_nfa:
        yield from _opened(episode)
    yield from _assessments(episode, seen)
    yield from _enquiries(episode, seen)
    yield from _reviews(episode, seen)
    raised = _statutory(episode.record)
    if raised:
        yield _level("level-raised", episode, raised, 4, c.LevelReason.ASSESSMENT)
    yield from _closed(episode, is_open=not is_nfa, is_raised=raised is not None)


def _submitted(episode: _Episode) -> Fact:
    record = episode.record
    source = record.code("ReferralSource", c.ReferralSource)
    if source is None:
        raise record.bad("ReferralSource", "missing")
    event = events.ReferralSubmitted(
        **episode.ids,
        source_code=source,
        severity=c.Severity.AMBER,
        person_ids=[episode.child.person_id],
        primary_need=record.code("PrimaryNeedCode", c.PrimaryNeed) or c.PrimaryNeed.NOT_STATED,
        service_kind=c.ServiceKind.SOCIAL_CARE,
    )
    return _fact("referral", episode.referred, event, episode.number)


def _opened(episode: _Episode) -> Iterator[Fact]:
    service = {"service_id": f"social-care-{episode.child.lea}", "service_kind": c.ServiceKind.SOCIAL_CARE}
    allocated = events.ReferralAllocated(**episode.ids, **service)
    yield _fact("allocated", episode.referred, allocated, episode.number)
    opened = events.CaseOpened(case_id=episode.referral_id, **episode.ids, **service)
    yield _fact("opened", episode.referred, opened, episode.number)


def _assessments(episode: _Episode, seen: Counter[tuple[str, date]]) -> Iterator[Fact]:
    for assessment in episode.record.each("Assessments"):
        day = assessment.required_day("AssessmentActualStartDate")
        number = _number(seen, "assessment", day)
        started = _started(episode, f"a{day:%Y%m%d}-{number}", c.AssessmentKind.CHILD_AND_FAMILY)
        yield _fact("assessment", day, started, number)
        authorised = assessment.day("AssessmentAuthorisationDate")
        if authorised:
            groups = assessment.each("FactorsIdentifiedAtAssessment")
            completed = events.AssessmentCompleted(
                assessment_id=started.assessment_id,
                family_id=started.family_id,
                factors=[code for group in groups for code in group.codes("AssessmentFactors", c.AssessmentFactor)],
            )
            yield _fact("assessed", authorised, completed, f"{day:%Y%m%d}", number)


def _enquiries(episode: _Episode, seen: Counter[tuple[str, date]]) -> Iterator[Fact]:
    for enquiry in episode.record.each("Section47"):
        day = enquiry.required_day("S47ActualStartDate")
        number = _number(seen, "section-47", day)
        started = _started(episode, f"e{day:%Y%m%d}-{number}", c.AssessmentKind.SECTION_47)
        yield _fact("section-47", day, started, number)


def _started(episode: _Episode, key: str, kind: c.AssessmentKind) -> events.AssessmentStarted:
    return events.AssessmentStarted(
        assessment_id=f"{episode.child.family_id}-{key}",
        assessment_kind=kind,
        person_ids=[episode.child.person_id],
        **episode.ids,
    )


def _reviews(episode: _Episode, seen: Counter[tuple[str, date]]) -> Iterator[Fact]:
    family_id = episode.child.family_id
    for plan in episode.record.each("ChildProtectionPlans"):
        for day in (day for reviews in plan.each("Reviews") for day in reviews.days("CPPreviewDate")):
            number = _number(seen, "review", day)
            event = events.ReviewHeld(review_id=f"{family_id}-v{day:%Y%m%d}-{number}", family_id=family_id)
            yield _fact("review", day, event, number)


def _statutory(record: Reader) -> date | None:
    """First day of an enquiry or a plan that only a child at the highest level of need has."""
    starts = (group.required_day(day) for name, day in _STATUTORY.items() for group in record.each(name))
    return min(starts, default=None)


def _closed(episode: _Episode, *, is_open: bool, is_raised: bool) -> Iterator[Fact]:
    day, reason = episode.record.day("CINclosureDate"), episode.record.code("ReasonForClosure", c.ClosureReason)
    if (day is None) != (reason is None):
        missing = "CINclosureDate" if day is None else "ReasonForClosure"
        raise episode.record.bad(missing, "missing; an episode has both or neither")
    if day is None:
        return
    if is_raised:
        level = 2 if reason is c.ClosureReason.ASSESSED_EARLY_HELP else 1
        yield _level("level-lowered", episode, day, level, c.LevelReason.PLAN_COMPLETED)
    if is_open:
        event = events.CaseClosed(case_id=episode.referral_id, family_id=episode.child.family_id, closure_reason=reason)
        yield _fact("closed", day, event, episode.key)


def _level(step: str, episode: _Episode, day: date, level: int, reason: c.LevelReason) -> Fact:
    event = events.LevelChanged(family_id=episode.child.family_id, level=level, level_reason=reason)
    return _fact(step, day, event, episode.key)
