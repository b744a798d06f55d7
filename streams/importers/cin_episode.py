"""Turn one episode of a child's census record, from its referral to its closure, into events."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import TypedDict

from streams import contracts as events
from streams.contracts import codesets as c
from streams.importers.cin_codes import SOURCE_REQUIRED_FROM
from streams.importers.cin_facts import Episode, Fact, dated_fact, next_number
from streams.importers.cin_fields import Reader

__all__ = ["episode_facts"]

_STATUTORY = {
    "Section47": "S47ActualStartDate",
    "CINPlanDates": "CINPlanStartDate",
    "ChildProtectionPlans": "CPPstartDate",
}


class _Service(TypedDict):
    service_id: str
    service_kind: c.ServiceKind


def episode_facts(episode: Episode, seen: Counter[tuple[str, date]]) -> Iterator[Fact]:
    """
    Yield the facts of an episode. Wrong elements are left out, and are added to the record's flaws.

    Args:
        seen: how many facts of each kind and day the child's record had so far. The counts are updated.
    """
    yield _submitted(episode)
    is_nfa = _is_no_further_action(episode.record)
    if is_nfa is not None:
        decision = c.Decision.NO_FURTHER_ACTION if is_nfa else c.Decision.MASH
        decided = events.ReferralDecided(**episode.ids, decision=decision)
        yield dated_fact("decided", episode.referred, decided, episode.number)
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


def _submitted(episode: Episode) -> Fact:
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
    return dated_fact("referral", episode.referred, event, episode.number)


def _opened(episode: Episode) -> Iterator[Fact]:
    service = _Service(service_id=f"social-care-{episode.child.ids_lea}", service_kind=c.ServiceKind.SOCIAL_CARE)
    allocated = events.ReferralAllocated(**episode.ids, **service)
    yield dated_fact("allocated", episode.referred, allocated, episode.number)
    opened = events.CaseOpened(case_id=episode.referral_id, **episode.ids, **service)
    yield dated_fact("opened", episode.referred, opened, episode.number)


def _assessments(episode: Episode, seen: Counter[tuple[str, date]]) -> Iterator[Fact]:
    for assessment in episode.record.each("Assessments"):
        if (day := assessment.needed_day("AssessmentActualStartDate")) is None:
            continue
        number = next_number(seen, "assessment", day)
        started = _started(episode, f"a{day:%Y%m%d}-{number}", c.AssessmentKind.CHILD_AND_FAMILY)
        yield dated_fact("assessment", day, started, number)
        authorised = assessment.day("AssessmentAuthorisationDate")
        if authorised:
            groups = assessment.each("FactorsIdentifiedAtAssessment")
            completed = events.AssessmentCompleted(
                assessment_id=started.assessment_id,
                family_id=started.family_id,
                factors=[code for group in groups for code in group.codes("AssessmentFactors", c.AssessmentFactor)],
            )
            yield dated_fact("assessed", authorised, completed, f"{day:%Y%m%d}", number)


def _enquiries(episode: Episode, seen: Counter[tuple[str, date]]) -> Iterator[Fact]:
    for enquiry in episode.record.each("Section47"):
        if (day := enquiry.needed_day("S47ActualStartDate")) is None:
            continue
        number = next_number(seen, "section-47", day)
        started = _started(episode, f"e{day:%Y%m%d}-{number}", c.AssessmentKind.SECTION_47)
        yield dated_fact("section-47", day, started, number)


def _started(episode: Episode, key: str, kind: c.AssessmentKind) -> events.AssessmentStarted:
    return events.AssessmentStarted(
        assessment_id=f"{episode.child.family_id}-{key}",
        assessment_kind=kind,
        person_ids=[episode.child.person_id],
        **episode.ids,
    )


def _reviews(episode: Episode, seen: Counter[tuple[str, date]]) -> Iterator[Fact]:
    family_id = episode.child.family_id
    for plan in episode.record.each("ChildProtectionPlans"):
        for day in (day for reviews in plan.each("Reviews") for day in reviews.days("CPPreviewDate")):
            number = next_number(seen, "review", day)
            event = events.ReviewHeld(review_id=f"{family_id}-v{day:%Y%m%d}-{number}", family_id=family_id)
            yield dated_fact("review", day, event, number)


def _statutory(record: Reader) -> date | None:
    """
    Return the first day on which an enquiry or a plan began. Only children at the highest level of need have enquiries
    or plans.
    """
    starts = (group.needed_day(day) for name, day in _STATUTORY.items() for group in record.each(name))
    return min((day for day in starts if day is not None), default=None)


def _closed(episode: Episode, *, is_open: bool, is_raised: bool) -> Iterator[Fact]:
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
        yield dated_fact("closed", day, event, episode.key)


def _level(step: str, episode: Episode, day: date, level: int, reason: c.LevelReason) -> Fact:
    event = events.LevelChanged(family_id=episode.child.family_id, level=level, level_reason=reason)
    return dated_fact(step, day, event, episode.key)
