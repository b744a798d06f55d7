"""The pages for a governance board say what the configuration, the code and the policies say."""

from dataclasses import replace

import pytest

from streams.contracts.event import event_types
from streams.governance.facts import data_protection, lawful_bases, principals_page
from streams.governance.tables import seed
from streams.governance.transparency import transparency_record
from streams.kafka.rights import principals, rights
from streams.kafka.topics import topic_configs
from streams.rules.compiled import compiled_rules
from streams.rules.register import register, rule_names
from streams.settings import PROJECT, Settings

FOLDER = PROJECT / "docs" / "governance"
PAGES = {
    "data-protection.md": lambda: data_protection(Settings()),
    "lawful-bases.md": lawful_bases,
    "principals.md": principals_page,
}


def row(page: str, first: str) -> list[str]:
    """The cells of the row that begins with a cell."""
    (found,) = [line for line in page.splitlines() if line.startswith(f"| {first} |")]
    return [cell.strip() for cell in found.strip("|").split("|")]


@pytest.mark.parametrize("name", PAGES)
def test_page_in_the_documentation_is_up_to_date(name: str) -> None:
    """If this fails, run `./caf governance --write`, and read what has changed before you commit it."""
    assert (FOLDER / name).read_text() == PAGES[name]()


def test_transparency_record_is_up_to_date_and_has_every_rule(home) -> None:
    page = transparency_record(register(compiled_rules(Settings(home=home), with_build_rules=True)))

    assert (FOLDER / "transparency-record.md").read_text() == page
    assert all(page.count(f"| `{rule}` |") == 2 for rule in rule_names())


def test_every_topic_has_a_flow_with_a_lawful_basis() -> None:
    named = [topic for line in seed("flows") for topic in line["topics"].split()]

    assert sorted(named) == sorted(topic_configs(Settings()))
    assert all(all(line.values()) for line in seed("flows"))


def test_retention_and_readers_follow_the_settings_and_the_rights() -> None:
    page = data_protection(replace(Settings(), retention_days=7, ended_alert_days=3))
    readers = {one.principal for one in rights() if one.name == "caf.referral.v1" and "read" in one.operations}
    referral = row(page, "`caf.referral.v1`")

    assert referral[-1] == "7 days"
    assert {word.strip("` ") for word in referral[2].split(",")} == readers
    assert row(page, "`caf.heartbeat.v1`")[-1] == "1 day"
    assert row(page, "`caf.escalation.alerts.v1`")[-1] == "not limited"
    assert "3 days" in row(page, "`caf.escalation.alerts.current.v1`")[-1]


def test_every_field_of_every_event_is_listed() -> None:
    page = data_protection(Settings())

    assert all(f"| `{field}` |" in page for struct in event_types().values() for field in struct.__struct_fields__)


def test_every_principal_is_listed() -> None:
    assert all(f"\n## {name}\n" in principals_page() for name in principals())


def test_nothing_that_is_said_to_be_kept_is_deleted() -> None:
    """If code begins to delete landed rows, the page must say so (`streams/governance/stores.csv`)."""
    in_memory = {"streams/rules/engine.py", "streams/dfe_check/lake.py"}
    on_request = {"streams/erase/landing.py"}
    deleting = {
        str(file.relative_to(PROJECT))
        for folder in ("streams", "dags", "dashboard", "expectations")
        for file in (PROJECT / folder).rglob("*.py")
        if "DELETE FROM landing" in file.read_text() or "TRUNCATE landing" in file.read_text()
    }

    assert deleting == in_memory | on_request
