"""
List the attempts of attackers that the tests make, in `docs/attacks.md`.

`python -m tests.attacks.listed` writes the page from what pytest collects. A test fails if the page is out of date.
"""

import os
import re
import subprocess
import sys
from collections import Counter

from streams.settings import PROJECT
from tests.conftest import HOMES

__all__ = ["ATTACKERS", "PAGE", "page"]

PAGE = PROJECT / "docs" / "attacks.md"

ATTACKERS = {
    "Another user of the machine": ("tests/attacks/test_another_user.py",),
    "A partner who sends events": (
        "tests/attacks/test_partner.py",
        "tests/intake/test_relay.py::test_forged_source_is_refused_kept_and_reported",
    ),
    "Somebody at the pages: with a stolen session, a forged login, a form of another site, or no account": (
        "tests/attacks/test_pages.py",
    ),
    "A worker with an account for one area": ("tests/attacks/test_areas.py",),
    "An analyst with a login of their own on PostgreSQL": (
        "tests/lake/test_roles.py::test_analyst_reads_the_marts_of_analysts_and_no_other_schema",
        "tests/lake/test_roles.py::test_catalog_shows_an_analyst_no_key_of_the_desks_files",
        "tests/lake/test_roles.py::test_analyst_is_refused",
        "tests/lake/test_roles.py::test_analyst_cannot_read_a_table_whose_rights_are_not_finished",
    ),
    "A feared person who asks what is held": (
        "tests/subject_access/test_answer.py::test_a_subject_finds_none_of_the_planted_values",
        "tests/subject_access/test_answer.py::test_a_subject_cannot_count_reports",
        "tests/subject_access/test_answer.py::test_order_of_the_records_does_not_show_which_is_newer",
        "tests/subject_access/test_answer.py::test_nothing_in_an_answer_shows_that_something_was_withheld",
    ),
    "Somebody who wants to change what the audit says": (
        "tests/audit/test_audit.py::test_each_change_to_what_has_landed_is_found",
        "tests/audit/test_audit.py::test_checkpoint_kept_elsewhere_finds_what_was_changed_everywhere",
        "tests/audit/test_audit.py::test_nobody_may_change_or_delete_entries",
        "tests/audit/test_audit.py::test_ids_are_found_however_a_query_writes_them",
    ),
    "Somebody who can write to the folder of backups": (
        "tests/backup/test_folder.py::test_manifest_that_leads_outside_its_folder_is_refused",
        "tests/backup/test_folder.py::test_what_no_backup_contains_is_not_restored",
        "tests/backup/test_folder.py::test_symbolic_link_in_place_of_a_file_is_refused",
        "tests/backup/test_folder.py::test_encrypted_files_cannot_change_places",
    ),
    "A reader of published figures": ("tests/disclosure/test_attack.py::test_attack_recovers_nothing",),
    "Somebody who reads logs and files that are left over": ("tests/attacks/test_planted_values.py",),
}
"""Who attacks, and the tests that attack in this role."""

CONTROLS = {
    "test_alert_of_the_own_area_alerts_nobody",
    "test_alert_without_an_area_is_of_the_desk_for_unknown_areas",
    "test_every_login_and_refusal_leaves_a_trace",
    "test_family_opens_after_it_is_recorded_and_the_manager_is_alerted",
    "test_partner_may_send_to_its_topic",
    "test_refusal_is_recorded_with_the_alert_that_exists",
    "test_refused_alert_can_be_opened_from_its_page",
    "test_the_values_are_where_they_are_meant_to_be",
    "test_whole_desk_is_led_to_the_family_without_an_alert",
}
"""Tests in the same files that attack nothing. They show what is allowed."""

_HEAD = """# Attempts that the tests make

This page is for governance boards, security engineers and data protection officers. It lists what the tests try as an
attacker. [security.md](security.md) says who could attack, what stops them, and what does not.

`python -m tests.attacks.listed` writes this page from the tests, and a test fails if it is out of date. An attempt is
one case of a test. Most attempts are made on real servers, and beside most of them somebody who may do the same does
it, which shows that there was something to get. Nobody from outside has tested the security of this system.

**{total} attempts.** If one of them succeeds, or a change that should be noticed is not, a test fails.

| who attacks | attempts |
|---|---|
"""
_CASE = re.compile(r"(tests/[\w/]+\.py)::(test_\w+)")


def page() -> str:
    """Return the text of the page."""
    found = _collected()
    sections = {
        who: {test: count for test, count in found.items() if _plays(test, places)} for who, places in ATTACKERS.items()
    }
    rows = [f"| {who} | {sum(tests.values())} |\n" for who, tests in sections.items()]
    text = _HEAD.format(total=sum(found.values())) + "".join(rows)
    for who, tests in sections.items():
        text += f"\n## {who}\n\n| what the test shows | attempts | test |\n|---|---|---|\n"
        text += "".join(_row(file, name, count) for (file, name), count in tests.items())
    return text


def _collected() -> Counter[tuple[str, str]]:
    """Return each test, as its file and name, with the number of its cases."""
    places = [place for places in ATTACKERS.values() for place in places]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n", "0", "-p", "no:cacheprovider", *places]
    # A run of the tests has homes that the other run must not remove.
    environ = {name: value for name, value in os.environ.items() if name != HOMES and not name.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=PROJECT, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"pytest cannot collect the tests:\n{done.stdout}{done.stderr}")
    cases = (_CASE.match(line) for line in done.stdout.splitlines())
    return Counter((case[1], case[2]) for case in cases if case and case[2] not in CONTROLS)


def _plays(test: tuple[str, str], places: tuple[str, ...]) -> bool:
    return test[0] in places or "::".join(test) in places


def _row(file: str, name: str, count: int) -> str:
    said = name.removeprefix("test_").replace("_", " ")
    return f"| {said[0].upper()}{said[1:]} | {count} | [{file.removeprefix('tests/')}](../{file}) |\n"


if __name__ == "__main__":
    PAGE.write_text(page())
