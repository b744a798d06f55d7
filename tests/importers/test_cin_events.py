"""The events that are made from a child's census record."""

from collections import Counter
from dataclasses import replace

import pytest

from streams.contracts import codesets as c
from streams.contracts.event import fact_name
from streams.importers.cin_codes import _by_lea, authority

ASSESSED = """<CINclosureDate>2024-01-20</CINclosureDate><ReasonForClosure>RC9</ReasonForClosure>
<Assessments><AssessmentActualStartDate>2023-10-09</AssessmentActualStartDate>
<AssessmentAuthorisationDate>2023-11-20</AssessmentAuthorisationDate>
<FactorsIdentifiedAtAssessment><AssessmentFactors>3B</AssessmentFactors><AssessmentFactors>16A</AssessmentFactors>
<AssessmentFactors>3B</AssessmentFactors></FactorsIdentifiedAtAssessment></Assessments>"""

PROTECTED = """<Section47><S47ActualStartDate>2023-10-10</S47ActualStartDate><ICPCnotRequired>false</ICPCnotRequired>
</Section47><ChildProtectionPlans><CPPstartDate>2023-10-24</CPPstartDate>
<Reviews><CPPreviewDate>2024-01-15</CPPreviewDate></Reviews></ChildProtectionPlans>"""


def facts(events) -> list[str]:
    return [fact_name(event.fact.type) for event in sorted(events, key=lambda e: (e.envelope.time, e.identity))]


def one(events, type_):
    (found,) = [event for event in events if type(event.fact).__name__ == type_]
    return found


def test_episode_is_told_from_referral_to_closure(run, write):
    """An episode that was assessed and closed becomes events, in the order in which its steps happened."""
    events = run(write.census(write.child(write.episode(inside=ASSESSED))))

    assert facts(events) == [
        "household-joined",
        "referral-submitted",
        "referral-decided",
        "referral-allocated",
        "case-opened",
        "assessment-started",
        "assessment-completed",
        "case-closed",
        "person-recorded",
    ]
    assert all(event.envelope.backfill and event.envelope.authority == "E08000015" for event in events)


def test_factors_are_kept_once_each(run, write):
    events = run(write.census(write.child(write.episode(inside=ASSESSED))))

    assert one(events, "AssessmentCompleted").fact.factors == ["3B", "16A"]


def test_day_stays_the_same_day_in_london(run, write):
    """
    A date in summer time becomes noon of that date in London. The events of a day are seconds apart, in a fixed
    order.
    """
    events = run(write.census(write.child(write.episode(referred="2023-07-01"))))

    assert one(events, "ReferralSubmitted").envelope.time.isoformat() == "2023-07-01T11:00:02+00:00"


def test_no_further_action_opens_nothing(run, write):
    events = run(write.census(write.child(write.episode(nfa="true"))))

    assert one(events, "ReferralDecided").fact.decision is c.Decision.NO_FURTHER_ACTION
    assert "case-opened" not in facts(events)


def test_enquiry_and_plan_raise_the_level_once(run, write):
    """The level of need becomes 4 at the first statutory step of an episode."""
    events = run(write.census(write.child(write.episode(inside=PROTECTED))))

    raised = one(events, "LevelChanged")
    assert (raised.fact.level, f"{raised.envelope.time:%Y-%m-%d}") == (4, "2023-10-10")
    assert "review-held" in facts(events)


@pytest.mark.parametrize(("reason", "level"), [("RC9", 2), ("RC7", 1)])
def test_closure_lowers_a_level_that_was_raised(run, write, reason, level):
    closed = f"<CINclosureDate>2024-02-01</CINclosureDate><ReasonForClosure>{reason}</ReasonForClosure>"
    events = run(write.census(write.child(write.episode(inside=PROTECTED + closed))))

    assert [e.fact.level for e in events if type(e.fact).__name__ == "LevelChanged"] == [4, level]


@pytest.mark.parametrize(
    ("element", "sex"),
    [
        ("<GenderCurrent>1</GenderCurrent>", "M"),
        ("<GenderCurrent>0</GenderCurrent>", "U"),
        ("<GenderCurrent>9</GenderCurrent>", "U"),
        ("<Sex>F</Sex>", "F"),
        ("<Sex>2</Sex>", "F"),
    ],
)
def test_sex_is_read_in_the_codes_of_either_era(run, write, element, sex):
    events = run(write.census(write.child(sex=element)))

    assert one(events, "PersonRecorded").fact.sex == sex


def test_two_referrals_of_one_day_are_two(run, write):
    events = run(write.census(write.child(write.episode(), write.episode(source="2A"))))

    ids = {event.fact.referral_id for event in events if type(event.fact).__name__ == "ReferralSubmitted"}
    assert len(ids) == 2
    assert len({event.identity for event in events}) == len(events)


def test_local_id_appears_nowhere(run, write):
    """Events name a child by a pseudonym. No event contains the child's local id."""
    run(write.census(write.child(local_id="LOCAL4711")))

    assert not any(b"LOCAL4711" in message.value + message.key for message in run.sent)


def test_same_child_has_the_same_family_in_every_year(run, write):
    first = run(write.census(write.child(), year=2024))
    later = run(write.census(write.child(write.episode(referred="2024-06-01")), year=2025))

    assert {event.key for event in first} == {event.key for event in later}


def test_child_of_another_authority_is_another(run, write):
    first = run(write.census(write.child()))
    other = run(write.census(write.child(), lea="876"))

    assert not {event.key for event in first} & {event.key for event in other}


def test_later_year_replaces_what_an_earlier_one_told(run, write):
    """
    An episode from before the file's year is sent as a correction of the earlier year's event, so that the later return
    counts.
    """
    first = one(run(write.census(write.child(), year=2024)), "ReferralSubmitted")
    again = one(run(write.census(write.child(write.episode(source="2A")), year=2025)), "ReferralSubmitted")

    assert (again.change, again.root) == ("corrected", first.identity)
    assert again.amendment.replaced_time == first.envelope.time


def test_unborn_child_is_known_by_its_due_date(run, write):
    text = write.census(write.child()).replace("PersonBirthDate", "ExpectedPersonBirthDate")
    events = run(text)

    assert f"{one(events, 'PersonRecorded').fact.due_date}" == "2015-03-27"
    assert one(events, "HouseholdJoined").fact.household_role is c.HouseholdRole.UNBORN


def test_pseudonyms_are_those_of_every_release(run, write):
    """Once a child has a key, no release of the software may change the key."""
    events = run(write.census(write.child()))

    assert one(events, "HouseholdJoined").key == "cin-344-ed58e1fb0ad8ff6d6aaa"
    assert {event.identity[0] for event in events} == {"/cin-census/E08000015"}


def test_new_codes_of_a_council_change_no_pseudonym(run, write, monkeypatch):
    """
    Dorset has had two DfE numbers and two GSS codes. A council that gets another GSS code keeps its children's
    ids.
    """
    first = run(write.census(write.child(), lea="835"))
    later = run(write.census(write.child(), lea="838"))
    before = run(write.census(write.child(), lea="370"))
    barnsley = authority("370")
    monkeypatch.setitem(_by_lea(), "370", replace(barnsley, gss_code="E08000038"))
    after = run(write.census(write.child(), lea="370"))

    assert [event.identity for event in first] == [event.identity for event in later]
    assert [event.key for event in first] == [event.key for event in later]
    assert [(event.identity, event.key) for event in before] == [(event.identity, event.key) for event in after]
    assert {event.envelope.authority for event in after} == {"E08000038"}


def test_merged_and_divided_councils_share_no_ids():
    """
    Two councils may use the same local ids. Only a council that continues the numbering of another council shares its
    codes.
    """
    shared = Counter((one.ids_lea, one.ids_gss) for one in _by_lea().values())

    assert [ids for ids, count in shared.items() if count > 1] == [("835", "E10000009")]
