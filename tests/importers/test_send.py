"""Census files on real topics and a real lake: first returns, resubmissions and refusals."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from streams.errors import ImportFileInvalid
from streams.importers.send import import_cin_xml
from streams.lake.connect import connect
from streams.land import run as land
from streams.settings import PROJECT


@pytest.fixture
def council(fresh_settings, fresh_topics):
    """Settings with an empty lake and empty topics."""
    return replace(fresh_settings, land_batch_seconds=0.05)


@pytest.fixture
def send(council, tmp_path):
    """Import a census and land its events; returns the result and the number of landed events."""

    def imported(text, **options):
        file = tmp_path / "census.xml"
        file.write_text(text)
        done = import_cin_xml(council, file, **options)
        return done, land(council, once=True).events

    return imported


def counts(council):
    """Count the referrals and cases in force. If an event was corrected or withdrawn, its latest amendment decides."""
    with connect(council, marts=None) as lake:
        return lake.execute(
            "SELECT count(*) FILTER (fact = 'referral-submitted'), count(*) FILTER (fact = 'case-opened') FROM ("
            "FROM landing.main.events QUALIFY row_number() OVER (PARTITION BY root_source, root_id "
            "ORDER BY change = 'recorded', event_at DESC, event_id DESC) = 1) WHERE change <> 'withdrawn'"
        ).fetchone()


def test_file_imported_twice_sends_nothing_the_second_time(council, send, write):
    text = write.census(write.child(local_id="A"), write.child(local_id="B"))
    first, landed = send(text)
    again, added = send(text)

    assert landed == sum(first.events.values()) == first.differences["new"]
    assert (added, again.differences) == (0, {"same": landed})
    assert counts(council) == (2, 2)


def test_resubmission_replaces_what_the_first_return_said_and_can_be_undone(council, send, write):
    """
    The resubmission corrects a date and drops a child: one referral and one case remain. Importing the first file again
    restores everything.
    """
    first = write.census(write.child(local_id="A"), write.child(local_id="B"))
    second = write.census(write.child(write.episode(referred="2023-10-07"), local_id="A"))
    send(first)
    tried, nothing = send(second, is_resubmission=True, is_dry_run=True)
    done, sent = send(second, is_resubmission=True)

    assert nothing == 0
    assert tried.differences == done.differences
    assert sent == done.differences["new"] + done.differences["withdrawn"] > 0
    assert counts(council) == (1, 1)
    assert send(second, is_resubmission=True)[1] == 0
    send(first, is_resubmission=True)
    assert counts(council) == (2, 2)


def test_second_return_that_is_not_said_to_be_one_is_refused(council, send, write):
    send(write.census(write.child()))

    with pytest.raises(ImportFileInvalid, match="--resubmission"):
        send(write.census(write.child(write.episode(source="2A"))))
    assert land(council, once=True).events == 0


def test_resubmission_of_a_few_children_is_not_taken_for_the_whole_year(council, send, write):
    """
    An export may have a forgotten filter. The other children must then not be withdrawn, unless `--yes` confirms
    it.
    """
    send(write.census(*(write.child(local_id=f"C{number}") for number in range(50))))
    few = write.census(write.child(local_id="C1"))

    with pytest.raises(ImportFileInvalid, match="leaves out 49 of the 50 children"):
        send(few, is_resubmission=True)
    assert counts(council) == (50, 50)
    send(few, is_resubmission=True, may_leave_out_most=True)
    assert counts(council) == (1, 1)


def test_truncated_file_sends_nothing(council, send, write):
    """The file is imported once it is complete. A resubmission that is cut off withdraws no child."""
    text = write.census(write.child(local_id="A"), write.child(local_id="B"))
    cut = text[: text.index("<LAchildID>B")]
    done, landed = send(cut)

    assert (landed, done.withheld) == (0, "the file could not be read to its end")
    send(text)
    assert send(cut, is_resubmission=True)[1] == 0
    assert counts(council) == (2, 2)


def test_command_says_loudly_that_most_children_are_rejected(council, write, tmp_path):
    """
    The exit code is 1. The output gives the number of rejected children, reasons and lines, says that nothing was sent,
    and shows no id.
    """
    bad = [write.child(local_id=f"LOCAL{n}").replace("2023-10-06", "6.10.2023") for n in range(9)]
    file = tmp_path / "census.xml"
    file.write_text(write.census(*bad, write.child(local_id="GOOD")))
    environ = {**os.environ, **council.to_env(), "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "streams.cli", "import", "cin-xml", str(file)]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert "9  CINreferralDate: expected a date such as 2024-03-31 (line " in ended.stdout
    assert "REJECTED: 9 of 10 children" in ended.stderr
    assert "NOTHING WAS SENT" in ended.stderr
    assert "LOCAL" not in ended.stdout + ended.stderr
    assert json.loads(max((council.home / "imports").glob("*.report.json")).read_text())["rejected"] == 9
    assert land(council, once=True).events == 0
