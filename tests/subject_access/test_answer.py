"""A subject learns nothing that endangers somebody else. An officer sees everything, with what is withheld and why."""

import json

import pytest

from streams.errors import SubjectUnknown
from streams.subject_access.policy import Policy, Verdict, read_policy
from tests.subject_access.conftest import CHILD, FAMILY, FEARED, SECRETS, VICTIM


@pytest.mark.parametrize("asked", [FAMILY, FEARED, CHILD, "P-old"])
def test_a_subject_finds_none_of_the_planted_values(ask, page, asked):
    """Whoever asks, the answer does not show who reported, where somebody is, who else is named, or any marker."""
    said = json.dumps(ask(asked)["records"]) + page(asked, "subject").split("</style>")[1]

    assert [secret for secret in SECRETS if secret.lower() in said.lower()] == []
    own = {asked, *({CHILD, "P-old"} if asked in {CHILD, "P-old"} else ())}
    assert [other for other in (FAMILY, FEARED, VICTIM, CHILD) if other not in own and other in said] == []


def test_the_feared_adult_sees_his_own_facts_and_nothing_of_the_family(ask):
    records = ask(FEARED)["records"]

    assert [one["record"] for one in records] == ["custody-release-planned", "person-recorded"]
    assert records[0]["facts"].keys() == {"fact", "person_id", "release_on"}
    assert records[1]["facts"]["date_of_birth"] == "1985-02-03"


def test_a_subject_cannot_count_reports(ask, page):
    """Otherwise two answers would show that somebody has reported in between, and whether anything was corrected."""
    feared, child = ask(FEARED)["records"], ask(CHILD)["records"]

    assert [one["record"] for one in feared].count("person-recorded") == 1
    assert [one["record"] for one in child].count("outcome-recorded") == 1
    assert [one["facts"].get("release_on") for one in feared] == ["2026-04-02", None]
    assert "1985-12-13" not in json.dumps(feared)
    assert [one for one in (*feared, *child) if "change" in one["facts"]] == []
    assert page(FEARED, "subject").count("<article>") == 2


def test_order_of_the_records_does_not_show_which_is_newer(ask):
    records = ask(CHILD)["records"]

    assert records == sorted(records, key=lambda one: json.dumps([one["record"], one["facts"]], sort_keys=True))


def test_old_and_new_ids_of_the_child_give_the_same_records(ask):
    """The link with the weaker basis and the withdrawn link are not followed, because they may be wrong."""
    old, new = ask("P-old")["records"], ask(CHILD)["records"]

    assert old == new
    assert {one["facts"].get("date_of_birth") for one in new} == {None, "2017-05-21"}
    assert [one["record"] for one in new].count("person-recorded") == 2
    assert "outcome-recorded" in {one["record"] for one in new}


def test_nothing_in_an_answer_shows_that_something_was_withheld(ask):
    """The answer about a family with markers says the same as one about a family of which little is known."""
    feared, quiet = ask(FAMILY), ask("F-nobody")

    assert feared["records"] == quiet["records"] == []
    assert feared.keys() == quiet.keys()
    assert feared["information"] == quiet["information"]


def test_an_officer_sees_everything_and_the_reason_of_each_withholding(ask):
    answer = ask(FAMILY, "officer")
    found = {table: [one["record"] for one in rows] for table, rows in answer["sections"].items()}
    withheld = [one["withheld"] for rows in answer["sections"].values() for one in rows]
    contact = next(one for one in answer["sections"]["events"] if one["record"] == "contact-recorded")
    named = {reason for one in withheld for reason in (one.get("fields") or {"": one["whole"]}).values()}

    assert {"contact-recorded", "risk-marker-set", "alert-acknowledged", "case-opened"} <= set(found["events"])
    assert {table: len(rows) for table, rows in found.items() if table != "events"} == {
        "quarantine": 1,
        "alerts": 2,
        "sharing_decisions": 1,
        "feedback": 1,
        "audit": 0,
    }
    assert contact["facts"]["agency_id"] == "secret-agency"
    assert {one["state"] for one in answer["sections"]["events"]} == {"in force"}
    assert answer["persons"] == [CHILD, FEARED, VICTIM]
    assert contact["withheld"] == {"whole": "reporter"}
    assert named <= answer["reasons"].keys()
    assert "records that have arrived but have not landed" in answer["not_included"]


def test_an_officer_sees_corrections_withdrawals_and_what_they_replaced(ask):
    events = ask(CHILD, "officer")["sections"]["events"]
    states = [(one["record"], one["state"]) for one in events]
    births = {one["facts"].get("date_of_birth"): one["state"] for one in events if "date_of_birth" in one["facts"]}

    assert births["2016-11-30"] == "corrected"
    assert births["2017-05-21"] == "in force"
    assert ("persons-linked", "withdrawn") in states
    assert ("withdrawal", "withdrawal") in states


def test_an_officer_sees_the_weak_link_with_its_records_but_not_the_withdrawn_one(ask):
    answer = ask(CHILD, "officer")
    births = {one["facts"].get("date_of_birth") for one in answer["sections"]["events"]}

    assert answer["identifiers"] == [CHILD, "P-old", "P-secret-namesake"]
    assert "1999-09-09" in births
    assert "1998-08-08" not in births


def test_rejected_records_that_name_the_person_are_found_however_they_are_spelt(ask):
    """An id within another id or word is not the person's."""
    rejected = ask(CHILD, "officer")["sections"]["quarantine"]

    assert len(rejected) == 2
    assert all("secret" in one["facts"]["record_value"] for one in rejected)


def test_alerts_of_a_person_are_those_that_rest_on_records_that_name_the_person(ask):
    assert ask(VICTIM, "officer")["sections"]["alerts"] == []


def test_unknown_id_says_nothing_more(ask):
    with pytest.raises(SubjectUnknown, match=r"^nothing is held under this id; check its spelling"):
        ask("P-never-heard-of")
    with pytest.raises(SubjectUnknown, match="nothing is held about a family with this id"):
        ask(CHILD, kind="family")


def test_what_the_policy_does_not_name_is_withheld(ask):
    policy = read_policy()
    without = {key: verdict for key, verdict in policy.verdicts.items() if key[2] != "date_of_birth"}
    answer = ask(FEARED, policy=Policy(without, policy.reasons))

    assert {one["facts"].get("date_of_birth") for one in answer["records"]} == {None}


def test_an_officer_can_show_more_in_a_case_with_another_policy(ask):
    """Only what the policy says more is shown more: a record that also names somebody else stays withheld."""
    policy = read_policy()
    more = {("family", fact, "*"): Verdict("yes", "") for fact in ("case-opened", "household-left")}
    answer = ask(FAMILY, policy=Policy({**policy.verdicts, **more}, policy.reasons))

    assert [one["record"] for one in answer["records"]] == ["case-opened"]
    assert answer["records"][0]["facts"] == {"fact": "case-opened", "family_id": FAMILY}


def test_document_contains_no_markup_of_records(page):
    """A record may contain anything. In the officer's browser, it must be text."""
    shown = page(FAMILY, "officer")

    assert "secret remark" in shown
    assert "{&quot;" in shown
    assert "<script" not in shown
