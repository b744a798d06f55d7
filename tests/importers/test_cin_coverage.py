"""An imported census covers a part, until somebody states that it is the authority's whole return."""

from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli.import_ import command
from streams.coverage import CENSUS_KINDS, Statement, standing
from streams.lake.connect import connect

SAMPLE = Path(__file__).parent / "data" / "CIN_Census_2024.xml"


@pytest.fixture
def imported(fresh_settings, fresh_topics, monkeypatch):
    """Run `./caf import cin-xml` on an empty lake; returns the printed text, and the coverage statements in force."""
    monkeypatch.setattr("streams.cli.import_.Settings.from_env", lambda: fresh_settings)

    def ran(*words: str, code: int = 0) -> tuple[str, list[Statement]]:
        done = CliRunner().invoke(command, ["cin-xml", *words])
        assert done.exit_code == code, done.output
        with connect(fresh_settings, marts=None) as lake:
            return done.output, standing(lake)

    return ran


def test_census_is_a_part_until_somebody_says_that_it_is_whole(imported, write, tmp_path: Path):
    """The census stays whole when it is imported again without `--covers`. With `--check`, nothing is stated."""
    file = tmp_path / "census.xml"
    file.write_text(write.census(write.child()))
    _, checked = imported(str(file), "--check", "--covers", "whole")
    _, first = imported(str(file))
    _, then = imported(str(file), "--covers", "whole")
    _, again = imported(str(file))

    assert checked == []
    assert [one.is_whole for one in first] == [False]
    assert [one.is_whole for one in then] == [False, True]
    assert again == then
    assert {(one.source, one.kinds, one.covers_from, one.covers_to) for one in again} == {
        ("/cin-census/E08000015", CENSUS_KINDS, date(2023, 4, 1), date(2024, 3, 31))
    }


def test_census_of_which_a_child_was_rejected_is_a_part(imported):
    said, stands = imported(str(SAMPLE), "--covers", "whole", code=1)

    assert "stated as a part" in said
    assert [one.is_whole for one in stands] == [False]
