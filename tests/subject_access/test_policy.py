"""The policy names everything that the contract has, and refuses what it cannot understand."""

import pytest

from streams.contracts.event import event_types, fact_name
from streams.contracts.landing import landing_tables
from streams.contracts.subjects import columns_naming, subjects
from streams.errors import PolicyInvalid
from streams.subject_access.holdings import SECTIONS
from streams.subject_access.policy import POLICY_FILE, read_policy

FACTS = {fact_name(type_) for type_ in event_types()} | {"withdrawal"}
TABLES = set(SECTIONS)


@pytest.mark.parametrize("table", SECTIONS)
def test_policy_names_every_field_of_the_contract(table):
    """A new field is withheld until somebody has decided about it. This test fails until then."""
    policy, columns = read_policy(), landing_tables()[table].columns
    named = {field for kind, of, field in policy.verdicts if of == table and field != "*"}

    assert [column for column in columns if not policy.names(table, column)] == []
    assert named - set(columns) == set()


def test_policy_names_every_kind_of_record_and_no_other():
    policy = read_policy()
    named = {record for _, record, field in policy.verdicts if field == "*"}

    assert named == FACTS | (TABLES - {"events"}) | {"figures"}


def test_every_landing_table_with_records_about_people_has_a_section():
    """The others hold no person: offsets, checks, coverage, and copies of what the quarantine holds."""
    without = {"dead_letters", "heartbeats", "topics", "validations", "coverage", "erased", "unused_offsets"}

    assert landing_tables().keys() == TABLES | without


def test_every_column_that_names_somebody_is_of_persons_of_families_or_of_addresses():
    one, several = subjects()
    known = [name for kind in ("person", "family") for columns in columns_naming(kind) for name in columns]

    assert sorted([*known, "address_id"]) == sorted([*one, *several])


def test_every_withholding_has_a_reason_with_its_law():
    policy = read_policy()

    assert [key for key, verdict in policy.verdicts.items() if verdict.shown != "yes" and not verdict.reason] == []
    assert all(reason.sentence.endswith(".") and reason.law for reason in policy.reasons.values())


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("events,payload,maybe,no,free_text", "has to_person 'maybe'; allowed: yes, no, own"),
        ("events,payload,no,no,because", "has the reason 'because'; allowed: others, reporter"),
        ("events,sex,no,no,others", "decides again about sex of events"),
        ("events,sex,no", "has other columns"),
    ],
)
def test_policy_that_cannot_be_understood_is_refused(tmp_path, line, says):
    file = tmp_path / "policy.csv"
    file.write_text(POLICY_FILE.read_text() + line + "\n")

    with pytest.raises(PolicyInvalid, match=says):
        read_policy(file)
