"""Statements of operators about coverage are stored with author and reason, listed, and removed."""

import json
from datetime import date

import pytest
from click.testing import CliRunner

from streams.cli.coverage import command
from streams.coverage import EVERY_SOURCE, KINDS, remove, standing, state, statement
from streams.errors import CoverageInvalid, CoverageUnknown
from streams.lake.connect import connect
from tests.coverage.conftest import AUTHORITY


@pytest.fixture
def run(fresh_settings, monkeypatch):
    """A function that runs `./caf coverage` on a separate lake."""
    monkeypatch.setattr("streams.cli.coverage.Settings.from_env", lambda: fresh_settings)

    def ran(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(command, words)
        assert done.exit_code == code, done.output
        return done.output

    return ran


def test_statement_is_listed_with_author_and_reason_until_it_is_removed(run):
    run("add", "--kinds", "contacts,levels", "--from", "2025-04-01", "--whole", "--why", "the old system was migrated")
    [listed] = [json.loads(line) for line in run("list", "--json").splitlines()]
    taken = run("remove", listed["statement_id"], "--why", "it was not all")

    assert (listed["authority_code"], listed["source"]) == (AUTHORITY, EVERY_SOURCE)
    assert (listed["kinds"], listed["covers_from"], listed["covers_to"]) == (["contacts", "levels"], "2025-04-01", None)
    assert listed["is_whole"]
    assert listed["stated_by"]
    assert listed["why"] == "the old system was migrated"
    assert "taken back" in taken
    assert run("list").startswith("there are no statements")


def test_help_names_every_kind(run):
    said = run("add", "--help")

    assert all(kind in said for kind in KINDS)


@pytest.mark.parametrize(
    ("kinds", "since", "until", "says"),
    [
        (["contact"], "2025-04-01", None, "no kind contact; allowed: contacts"),
        ([], "2025-04-01", None, "no kind was given"),
        (["levels"], "1999-12-31", None, "from 2000-01-01 on"),
        (["levels"], "2025-04-01", "2025-03-31", "a last day that is not before it"),
    ],
)
def test_impossible_statement_is_refused(kinds, since, until, says):
    first, last = date.fromisoformat(since), date.fromisoformat(until) if until else None
    with pytest.raises(CoverageInvalid, match=says):
        statement(AUTHORITY, EVERY_SOURCE, kinds, first, last, is_whole=True, why="a test")


@pytest.mark.parametrize(
    ("change", "says"), [({"authority": "E0800001"}, "not a GSS code"), ({"why": " "}, "no reason")]
)
def test_statement_about_nobody_or_without_a_reason_is_refused(change, says):
    given = {"authority": AUTHORITY, "why": "a test"} | change
    with pytest.raises(CoverageInvalid, match=says):
        statement(
            source=EVERY_SOURCE, kinds=["levels"], covers_from=date(2025, 4, 1), covers_to=None, is_whole=True, **given
        )


def test_repeated_statement_returns_the_id_of_the_first(run):
    words = ("add", "--kinds", "levels", "--from", "2025-04-01", "--whole", "--why", "typed twice")
    (first, *_), again = run(*words).split(), run(*words)

    assert again.startswith(f"this was stated before: {first} ")
    assert run("remove", first, "--why", "a test").startswith(f"taken back: {first} ")


def test_latest_statement_is_not_stored_again(fresh_settings):
    """
    If an import is repeated, its statement is stored once. If another statement lies between two equal ones, both are
    kept.
    """

    def said(*, is_whole: bool):
        return statement(AUTHORITY, "/cin", ["social_care"], date(2023, 4, 1), None, is_whole=is_whole, why="a test")

    with connect(fresh_settings, landing="read_write", marts=None) as lake:
        for is_whole in (True, True, False, True):
            state(lake, said(is_whole=is_whole))
        kept = [one.is_whole for one in standing(lake)]

    assert kept == [True, False, True]


def test_unknown_statement_cannot_be_removed(fresh_settings):
    with (
        connect(fresh_settings, landing="read_write", marts=None) as lake,
        pytest.raises(CoverageUnknown, match="none"),
    ):
        remove(lake, "unknown", "a test")
