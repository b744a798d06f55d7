"""Every rule is described, with the events and columns it needs and its tests. A rule that lacks a part is found."""

import csv
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from streams.cli.rules import command
from streams.contracts.columns import events_table
from streams.contracts.referral import ContactRecorded
from streams.errors import UnknownRule
from streams.lake.connect import connect
from streams.rules.compiled import DBT_PROJECT, CompiledRules, compiled_rules
from streams.rules.engine import Engine
from streams.rules.page import PAGE, page
from streams.rules.performance import performance
from streams.rules.register import entry, missing, register, rule_names
from streams.settings import Settings
from tests.oracle.records import Log, decoded

RULE = "two_agencies_one_week"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

TOY = """
with found as (
    select
        cast(null as varchar) as clause,
        cast(null as varchar) as severity,
        family_id,
        family_id as entity_id,
        'Somebody was worried about family ' || family_id || '.' as reason,
        [evidence] as evidence,
        evidence as anchor,
        occurred_at as anchored_at,
        cast(null as timestamp) as deadline,
        cast(null as timestamp) as cleared_at,
        profile_id,
        is_backfill
    from {{ ref('stg_events') }}
    where fact = 'contact-recorded'
)

{{ alert_envelope('toy', 'found') }}
"""


@pytest.fixture(scope="module")
def compiled(settings: Settings) -> CompiledRules:
    return compiled_rules(settings, with_build_rules=True)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the dbt project, with a copy of its tests next to it."""
    tests = DBT_PROJECT.parent / "tests" / "dbt_project"
    shutil.copytree(tests, tmp_path / "tests" / "dbt_project", ignore=shutil.ignore_patterns("__pycache__"))
    return Path(shutil.copytree(DBT_PROJECT, tmp_path / "dbt_project", ignore=shutil.ignore_patterns("target", "logs")))


def rewrite(seed: Path, **columns: str) -> None:
    """Replace columns in the line of `RULE` in a seed file."""
    with seed.open(newline="") as file:
        lines = list(csv.DictReader(file))
    for line in lines:
        if line["rule"] == RULE:
            line.update(columns)
    with seed.open("w", newline="") as file:
        writer = csv.DictWriter(file, lines[0])
        writer.writeheader()
        writer.writerows(lines)


def without_tests(project: Path) -> None:
    (project.parent / "tests" / "dbt_project" / f"test_{RULE}.py").unlink()
    described = project / "models" / "alerts" / f"alert_{RULE}.yml"
    document = yaml.safe_load(described.read_text())
    del document["unit_tests"]
    described.write_text(yaml.safe_dump(document))


def without_expected(project: Path) -> None:
    seed = project / "seeds" / "expected_alerts.csv"
    seed.write_text(re.sub(rf"^{RULE},.*\n", "", seed.read_text(), flags=re.MULTILINE))


def test_every_rule_has_all_that_a_rule_needs(compiled: CompiledRules) -> None:
    entries = register(compiled)

    assert [one.rule for one in entries] == list(rule_names())
    assert [sentence for one in entries for sentence in missing(one)] == []


@pytest.mark.parametrize(
    ("take", "what"),
    [
        (lambda project: rewrite(project / "seeds" / "rules.csv", statement=""), "a statement"),
        (lambda project: rewrite(project / "seeds" / "rules.csv", practice=""), "a practice"),
        (lambda project: rewrite(project / "seeds" / "rules.csv", clears_when=""), "what clears its alerts"),
        (lambda project: rewrite(project / "seeds" / "rules.csv", facts=""), "facts"),
        (lambda project: next(project.rglob(f"alert_{RULE}.sql")).unlink(), "an SQL file"),
        (without_expected, "an expected number of alerts"),
        (without_tests, "a test"),
    ],
)
def test_a_piece_that_is_missing_is_found(compiled: CompiledRules, copied: Path, take, what: str) -> None:
    take(copied)
    entries = register(compiled, copied, copied.parent / "tests")

    assert [sentence for one in entries for sentence in missing(one)] == [f"{RULE} lacks {what}"]


def test_checked_in_page_is_what_the_rules_give(compiled: CompiledRules) -> None:
    """`./caf rules --write` writes this page."""
    assert PAGE.read_text() == page(register(compiled))


def test_a_rule_is_added_as_the_documentation_says(copied: Path, settings: Settings) -> None:
    """
    After adding one SQL file, its tests and its lines in the seeds, the new rule is in the register and raises alerts.
    """
    alerts = copied / "models" / "alerts"
    (alerts / "alert_toy.sql").write_text(TOY)
    (model,) = yaml.safe_load((alerts / f"alert_{RULE}.yml").read_text())["models"]
    described = {"version": 2, "models": [model | {"name": "alert_toy"}]}
    (alerts / "alert_toy.yml").write_text(yaml.safe_dump(described))
    (copied.parent / "tests" / "dbt_project" / "test_toy.py").write_text("def test_fires():\n    pass\n")
    with (copied / "seeds" / "rules.csv").open("a") as rules:
        rules.write("toy,1,green,family,family,contact-recorded,A worry.,A test.,nothing,1900-01-01\n")
    with (copied / "seeds" / "expected_alerts.csv").open("a") as expected:
        expected.write("toy,1,0,0,0,0\n")
    compiled = compiled_rules(settings, copied)
    toy = entry(register(compiled, copied, copied.parent / "tests"), "toy")
    log = Log()
    log.add(NOON, ContactRecorded(family_id="F-1", contact_id="C-1", source_code="6"))
    engine = Engine(compiled)
    fired = engine.evaluate(events_table(decoded(log.records)[0], NOON), None, ["toy"], NOON).alerts
    engine.close()

    assert missing(toy) == []
    assert toy.columns == ("family_id",)
    assert [(alert.rule, alert.family_id) for alert in fired] == [("toy", "F-1")]


def test_performance_of_a_rule_is_read_once_it_is_built(fresh_settings: Settings) -> None:
    with connect(fresh_settings, marts="read_write") as lake:
        before = performance(fresh_settings, RULE)
        lake.execute("CREATE SCHEMA marts.analytics")
        lake.execute(
            f"CREATE TABLE marts.analytics.mart_rule_performance AS SELECT '{RULE}' AS rule, 1 AS rule_version"
        )

    assert before is None
    assert performance(fresh_settings, RULE) == [{"rule": RULE, "rule_version": 1}]
    assert performance(fresh_settings, "re_referral") == []


def test_a_rule_is_shown_with_its_thresholds_and_its_file(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in settings.to_env().items():
        monkeypatch.setenv(name, value)
    shown = CliRunner().invoke(command, [RULE]).stdout

    assert "two_agencies_hours = 168" in shown
    assert f"dbt_project/models/alerts/alert_{RULE}.sql" in shown
    assert CliRunner().invoke(command, ["--show", RULE]).stdout == shown, "as it was spelt before"
    with pytest.raises(UnknownRule, match="no rule is called 'toy'; allowed: adult_returns, "):
        CliRunner().invoke(command, ["toy"], catch_exceptions=False)


def test_sql_of_a_rule_is_shown_for_both_databases(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The models are listed in order of dependency. For a rule that only the build evaluates, only DuckDB's SQL exists.
    """
    for name, value in settings.to_env().items():
        monkeypatch.setenv(name, value)
    texts = {name: CliRunner().invoke(command, [RULE, "--sql", name]).stdout for name in ("duckdb", "postgres")}
    models = [[line for line in text.splitlines() if re.match("-- [a-z]+_[a-z_]+$", line)] for text in texts.values()]
    built = CliRunner().invoke(command, ["locality_surge", "--sql", "postgres"])

    assert models[0] == models[1]
    assert models[0][-1] == f"-- alert_{RULE}"
    assert "list_transform(" in texts["duckdb"]
    assert "list_transform(" not in texts["postgres"]
    assert built.exit_code == 2
    assert "only the build evaluates" in built.output
