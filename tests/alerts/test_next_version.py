"""When an alert needs a new version, and which reason the version gives, both in the watcher and in a build."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from streams.alerts.handling import handled_as
from streams.alerts.next_version import next_version, withdrawn
from streams.alerts.trial import trial_alert
from streams.contracts.outputs import Alert, Evidence

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
FIRST, SECOND = (Evidence(NOON, "/test", name, "uk.caf.referral.contact-recorded.v1") for name in ("e-1", "e-2"))


def alert(**facts: object) -> Alert:
    return msgspec.structs.replace(trial_alert("A-1", NOON, NOON), **{"evidence": [FIRST]} | facts)


@pytest.mark.parametrize(
    ("new", "old", "reason"),
    [
        ({"evidence": [FIRST, SECOND]}, {}, "new_evidence"),
        ({"evidence": []}, {}, "new_evidence"),
        ({"severity": "red"}, {"acknowledged_at": NOON}, "new_evidence"),
        ({"status": "cleared"}, {}, "cleared"),
        ({"status": "cleared", "evidence": []}, {"status": "cleared"}, "new_evidence"),
        ({}, {"status": "cleared"}, "reopened"),
        ({}, {"status": "withdrawn"}, "reopened"),
        ({"acknowledged_at": NOON}, {}, "acknowledged"),
        ({}, {"acknowledged_at": NOON}, "acknowledgement_withdrawn"),
    ],
)
def test_a_version_gives_its_reason(new, old, reason):
    version = next_version(alert(**new), alert(version=3, **old))

    assert (version.version, version.status_reason) == (4, reason)


def test_what_time_alone_changes_is_a_passed_deadline():
    assert next_version(alert(severity="red"), alert(), is_deadline=True).status_reason == "deadline_passed"


def test_another_wording_is_no_version():
    assert next_version(alert(reason="other words"), alert()) is None


def test_times_make_a_version_only_where_they_count():
    moved = alert(anchored_at=NOON + timedelta(hours=1))

    assert next_version(moved, alert()).status_reason == "new_evidence"
    assert next_version(moved, alert(), do_times_count=False) is None


def test_a_closing_is_kept_by_the_next_version():
    closed = alert(status="closed", closed_at=NOON, closed_by="W-1", acknowledged_at=NOON, acknowledged_by="W-1")

    assert next_version(handled_as(alert(), closed), closed) is None


def test_a_withdrawn_version_supersedes_nothing():
    gone = withdrawn(alert(supersedes="A-0"), "late_evidence")

    assert (gone.version, gone.status, gone.status_reason, gone.supersedes) == (2, "withdrawn", "late_evidence", None)
