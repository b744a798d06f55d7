"""The statements that dbt compiled for one process make the marts of the next one, without dbt."""

import errno
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from streams.marts.builder import Builder
from streams.marts.statements import Statement
from streams.marts.stored_statements import store_statements, stored_statements
from streams.marts.warm_dbt import WarmDbt
from streams.names import REFERRAL
from streams.rules.compiled import DBT_PROJECT, project_checksum
from streams.settings import Settings
from tests.published import FRESH, published

pytestmark = pytest.mark.long

BROKEN = Statement("model.caf.broken", '"marts"."staging"."broken"', "FROM marts.staging.no_such_table", ())


@pytest.fixture
def verbs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What dbt was asked to do."""
    asked: list[str] = []
    invoke = WarmDbt._invoke
    monkeypatch.setattr(WarmDbt, "_invoke", lambda dbt, verb, *rest: asked.append(verb) or invoke(dbt, verb, *rest))
    return asked


def build(settings: Settings, *, tests: bool = False) -> None:
    """Build as a process that has just started."""
    with Builder(settings, fresh_seconds=FRESH) as builder:
        builder.build(tests=tests)


def test_stored_statements_make_the_tables_that_dbt_makes(lake, make, verbs, monkeypatch) -> None:
    lake.land(*(make.referral(f"R{n}", f"F{n % 3}") for n in range(9)), *(make.contact(f"F{n}") for n in range(4)))
    lake.beat(datetime(2026, 6, 2, tzinfo=UTC), {REFERRAL: [13]})
    with monkeypatch.context() as nothing_stored:
        nothing_stored.setattr("streams.marts.warm_dbt.stored_statements", lambda _: [])
        build(lake.settings)
    by_dbt = published(lake.duckdb)
    by_dbt_verbs = verbs.copy()
    verbs.clear()
    build(lake.settings)

    assert by_dbt_verbs == ["parse", "build"]
    assert verbs == ["parse"]
    assert published(lake.duckdb) == by_dbt


def test_data_tests_run_after_stored_statements(lake, make, verbs) -> None:
    lake.land(make.referral("R1"))
    build(lake.settings, tests=True)

    assert verbs[-1] == "test"
    assert lake.one("SELECT is_tested FROM marts.run.builds ORDER BY started_at DESC LIMIT 1")


def test_statement_that_fails_is_left_to_dbt(lake, make, verbs, monkeypatch) -> None:
    lake.land(make.referral("R1"), make.referral("R2", "F2"))
    monkeypatch.setattr("streams.marts.warm_dbt.stored_statements", lambda _: [BROKEN])
    build(lake.settings)

    assert verbs[-1] == "build"
    assert lake.one("SELECT count(*) FROM marts.analytics.fct_referrals") == 2


def test_statements_are_kept_for_one_version_of_the_project(tmp_path: Path, settings: Settings, monkeypatch) -> None:
    own = replace(settings, home=tmp_path)
    assert stored_statements(own) == []

    store_statements(own, [BROKEN])
    assert stored_statements(own) == [BROKEN]

    monkeypatch.setattr("streams.marts.stored_statements.project_checksum", lambda _: "another")
    assert stored_statements(own) == []


def test_damaged_file_counts_as_missing(tmp_path: Path, settings: Settings) -> None:
    own = replace(settings, home=tmp_path)
    store_statements(own, [BROKEN])
    (file,) = (tmp_path / "rules").iterdir()
    file.write_bytes(file.read_bytes()[:-5])

    assert stored_statements(own) == []


def test_full_disk_costs_only_the_stored_statements(tmp_path: Path, settings: Settings, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    own = replace(settings, home=tmp_path)
    monkeypatch.setattr("streams.marts.stored_statements.write_privately", full)
    store_statements(own, [BROKEN])

    assert stored_statements(own) == []


def test_another_version_of_dbt_or_duckdb_counts_as_another_project(monkeypatch) -> None:
    before = project_checksum(DBT_PROJECT)
    monkeypatch.setattr("streams.rules.compiled.version", lambda package: f"{package} 99")

    assert project_checksum(DBT_PROJECT) != before
