"""
Turn one child's census record into events.

The census is about children and episodes, and has days but no times. Events are about families and persons, and need
times. `docs/import-cin-xml.md` describes how each census item becomes an event, and what cannot be known.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from typing import TypedDict

from streams import contracts as events
from streams.contracts import codesets as c
from streams.contracts.event import Event
from streams.importers.cin_codes import SEXES, SOURCE_REQUIRED_FROM
from streams.importers.cin_fields import BadRecord, Reader
from streams.importers.cin_file import Header
from streams.times import LONDON

__all__ = ["Fact", "child_facts", "child_key"]

_NOON = time(12, 0)

_ORDER = (
    "person", "joined", "referral", "decided", "allocated", "opened", "assessment", "section-47", "level-raised",
    "assessed", "review", "level-lowered", "closed",
)  # fmt: skip
"""
The order of facts that have the same day. The census gives no times, so each fact gets a time some seconds after noon
in London.
"""

_STATUTORY = {
    "Section47": "S47ActualStartDate",
    "CINPlanDates": "CINPlanStartDate",
    "ChildProtectionPlans": "CPPstartDate",
}


@dataclass(frozen=True)
class Fact:
    """
    A fact about a child. Each fact about a child has its own `name`, which is the same in every file that contains the
    fact.
    """

    name: str
    day: date
    moment: datetime
    event: Event


class _EpisodeIds(TypedDict):
    referral_id: str
    family_id: str


class _Service(TypedDict):
    service_id: str
    service_kind: c.ServiceKind


@dataclass(frozen=True)
class _Child:
    """The ids that a child has in events."""

    key: str
    ids_lea: str

    @property
    def person_id(self) -> str:
        return f"{self.family_id}-1"

    @property
    def family_id(self) -> str:
        return f"cin-{self.ids_lea}-{self.key}"


@dataclass(frozen=True)
class _Episode:
    """One `CINdetails` group. Each episode of a child has its own `key`, even if two episodes begin on one day."""

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
    def ids(self) -> _EpisodeIds:
        return {"referral_id": self.referral_id, "family_id": self.child.family_id}


def child_key(record: Reader, header: Header) -> str:
    """
    Make the key that stands for a child in the ids of events. The key is a hash of the child's local id.

    The hash also depends on a code of the authority that never changes. So a child has the same key in every year's
    file and on every machine. Nobody can work out the local id from the key alone. The authority itself knows its local
    ids, so it can find the child in its case system.

    Raises:
        BadRecord: the record has no local id, or more than one.
    """
    local_id = record.group("ChildIdentifiers").required_text("LAchildID")
    return blake2b(local_id.encode(), key=header.authority.ids_gss.encode(), digest_size=10).hexdigest()


def child_facts(record: Reader, key: str, header: Header) -> list[Fact]:
    """
    Read all facts of a child's record. Wrong elements are left out, and are added to the record's flaws.

    Raises:
        BadRecord: no referral has a readable day.
    """
    child = _Child(key, header.authority.ids_lea)
    facts: list[Fact] = []
    seen: Counter[tuple[str, date]] = Counter()
    for details in record.each("CINdetails"):
        if (day := details.needed_day("CINreferralDate")) is not None:
            facts += _episode_facts(_Episode(details, child, day, _number(seen, "referral", day)), seen)
    referrals = [fact.day for fact in facts if isinstance(fact.event, events.ReferralSubmitted)]
    if not referrals:
        undated = [flaw for flaw in record.flaws if flaw.element == "CINreferralDate"]
        raise BadRecord(undated[0]) if undated else record.bad("CINdetails", "missing")
    person = _person(record, child)
    recorded = _fact("person", header.reference_date, person)
    return [recorded, _joined(person, child, min(referrals)), *facts]


def _fact(step: str, day: date, event: Event, *parts: object) -> Fact:
    name = "/".join([step, f"{day:%Y%m%d}", *map(str, parts)])
    moment = datetime.combine(day, _NOON, LONDON) + timedelta(seconds=_ORDER.index(step))
    return Fact(name, day, moment.astimezone(UTC), event)


def _person(record: Reader, child: _Child) -> events.PersonRecorded:
    identifiers, characteristics = record.group("ChildIdentifiers"), record.group("ChildCharacteristics")
    born, due = identifiers.day("PersonBirthDate"), identifiers.day("ExpectedPersonBirthDate", ahead=True)
    if born is None and due is None:
        identifiers.without("PersonBirthDate", "no birth date and no expected birth date: sent as a child")
    disabilities = [
        code for group in characteristics.each("Disabilities") for code in group.codes("Disability", c.Disability)
    ]
    return events.PersonRecorded(
        person_id=child.person_id,
        date_of_birth=born,
        due_date=due,
        died_on=identifiers.day("PersonDeathDate"),
        upn_unknown=identifiers.code("UPNunknown", c.UpnUnknown),
        sex=identifiers.lookup("Sex", SEXES) or identifiers.lookup("GenderCurrent", SEXES),
        ethnicity=characteristics.code("Ethnicity", c.Ethnicity),
        disabilities=disabilities,
    )


def _joined(person: events.PersonRecorded, child: _Child, first_referral: date) -> Fact:
    is_unborn = person.date_of_birth is None and person.due_date is not None
    role = c.HouseholdRole.UNBORN if is_unborn else c.HouseholdRole.CHILD
    event = events.HouseholdJoined(family_id=child.family_id, person_id=child.person_id, household_role=role)
    return _fact("joined", first_referral, event)


def _number(seen: Counter[tuple[str, date]], step: str, day: date) -> int:
    """Return the next number for facts of one kind on the same day. Facts are numbered in the order of the file."""
    seen[step, day] += 1
    return seen[step, day]


def _episode_facts(episode: _Episode, seen: Counter[tuple[str, date]]) -> Iterator[Fact]:
    yield _submitted(episode)
    is_nfa = _is_no_further_action(episode.record)
    if is_nfa is not None:
        decision = c.Decision.NO_FURTHER_ACTION if is_nfa else c.Decision.MASH
        decided = events.ReferralDecided(**episode.ids, decision=decision)
        yield _fact("decided", episode.referred, decided, episode.number)
    if is_nfa is False:
        yield from _opened(episode)
    yield from _assessments(episode, seen)
    yield from _enquiries(episode, seen)
    yield from _reviews(episode, seen)
    raised = _statutory(episode.record)
    if raised:
        yield _level("level-raised", episode, raised, 4, c.LevelReason.ASSESSMENT)
    yield from _closed(episode, is_open=is_nfa is False, is_raised=raised is not None)


def _is_no_further_action(record: Reader) -> bool | None:
    """
    Return whether the referral was marked as no further action; None if this is not known.

    If the flag is unreadable and a later step follows in the episode, the referral counts as taken on.
    """
    is_nfa = record.flag("ReferralNFA")
    if is_nfa is not None:
        return is_nfa
    is_taken_on = any(record.has(name) for name in (*_STATUTORY, "Assessments"))
    told = "taken on, because later steps follow" if is_taken_on else "a referral without a decision"
    record.without("ReferralNFA", f"neither yes nor no: sent as {told}")
    return False if is_taken_on else None


def _submitted(episode: _Episode) -> Fact:
    record = episode.record
    source = record.code("ReferralSource", c.ReferralSource)
    if source is None and episode.referred >= SOURCE_REQUIRED_FROM:
        record.without("ReferralSource", "not a source in the list: sent as unknown")
    event = events.ReferralSubmitted(
        **episode.ids,
        source_code=source or c.ReferralSource.UNKNOWN,
        severity=c.Severity.AMBER,
        person_ids=[episode.child.person_id],
        primary_need=record.code("PrimaryNeedCode", c.PrimaryNeed) or c.PrimaryNeed.NOT_STATED,
        service_kind=c.ServiceKind.SOCIAL_CARE,
    )
    return _fact("referral", episode.referred, event, episode.number)


def _opened(episode: _Episode) -> Iterator[Fact]:
    service = _Service(service_id=f"social-care-{episode.child.ids_lea}", service_kind=c.ServiceKind.SOCIAL_CARE)
    allocated = events.ReferralAllocated(**episode.ids, **service)
    yield _fact("allocated", episode.referred, allocated, episode.number)
    opened = events.CaseOpened(case_id=episode.referral_id, **episode.ids, **service)
    yield _fact("opened", episode.referred, opened, episode.number)


def _assessments(episode: _Episode, seen: Counter[tuple[str, date]]) -> Iterator[Fact]:
    for assessment in episode.record.each("Assessments"):
        if (day := assessment.needed_day("AssessmentActualStartDate")) is None:
            continue
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
        if (day := enquiry.needed_day("S47ActualStartDate")) is None:
            continue
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
    """
    Return the first day on which an enquiry or a plan began. Only children at the highest level of need have enquiries
    or plans.
    """
    starts = (group.needed_day(day) for name, day in _STATUTORY.items() for group in record.each(name))
    return min((day for day in starts if day is not None), default=None)


def _closed(episode: _Episode, *, is_open: bool, is_raised: bool) -> Iterator[Fact]:
    day, reason = episode.record.day("CINclosureDate"), episode.record.code("ReasonForClosure", c.ClosureReason)
    if day is None and reason is not None:
        episode.record.without("CINclosureDate", "a reason without a day: sent as not closed")
    if day is None:
        return
    if reason is None:
        episode.record.without("ReasonForClosure", "not a reason in the list: sent as RC7, any other reason")
        reason = c.ClosureReason.NO_LONGER_IN_NEED
    if is_raised:
        level = 2 if reason is c.ClosureReason.ASSESSED_EARLY_HELP else 1
        yield _level("level-lowered", episode, day, level, c.LevelReason.PLAN_COMPLETED)
    if is_open:
        event = events.CaseClosed(case_id=episode.referral_id, family_id=episode.child.family_id, closure_reason=reason)
        yield _fact("closed", day, event, episode.key)


def _level(step: str, episode: _Episode, day: date, level: int, reason: c.LevelReason) -> Fact:
    event = events.LevelChanged(family_id=episode.child.family_id, level=level, level_reason=reason)
    return _fact(step, day, event, episode.key)
