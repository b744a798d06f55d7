"""The rule register: everything that is known about a rule, from its seed, SQL, practice profile and tests."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from streams.errors import UnknownRule
from streams.rules.compiled import DBT_PROJECT, CompiledRules
from streams.rules.dbt_compile import STREAM_SCOPES
from streams.rules.expected import Expected, expected_alerts
from streams.rules.lineage import EVENTS, Lineage
from streams.rules.seeds import seed_rows
from streams.rules.thresholds import Thresholds, thresholds
from streams.settings import PROJECT

__all__ = ["Entry", "build_rules", "entry", "missing", "newest", "register", "rule_names"]

_BOOKKEEPING = {
    *("topic", "kafka_partition", "kafka_offset", "record_key", "received_at", "change", "root_source", "root_id"),
    *("root_at", "event_source", "event_id", "event_at", "content_id", "fact", "fact_at", "authority_code"),
    *("is_backfill", "replay_of"),
}
"""Columns that every rule reads: the id of an event, when it happened, and whether it is still in force."""


@dataclass(frozen=True)
class Entry:
    """
    A rule as the register shows it.

    `columns` are the columns of events that the rule reads, without those that every rule reads. `expected` is None if
    nobody has said how many alerts to expect. `tests` have the form `file::name`.
    """

    rule: str
    version: int
    severity: str
    entity_kind: str
    scope: str
    statement: str
    practice: str
    clears_when: str
    facts: tuple[str, ...]
    columns: tuple[str, ...]
    thresholds: Thresholds
    tests: tuple[str, ...]
    expected: Expected | None
    sql: str | None


def rule_names(project: Path = DBT_PROJECT) -> tuple[str, ...]:
    """Return the names of all rules in force, in alphabetical order."""
    return tuple(sorted({line["rule"] for line in seed_rows("rules", project)}))


def newest(project: Path = DBT_PROJECT) -> dict[str, dict[str, str]]:
    """
    Return the newest line of each rule in the seed `rules`, by the name of the rule.

    These lines do not say which columns a rule reads.
    """
    lines = sorted(seed_rows("rules", project), key=lambda line: (line["rule"], int(line["version"])))
    return {line["rule"]: line for line in lines}


def build_rules(project: Path = DBT_PROJECT) -> list[str]:
    """Return the names of the rules that only the build evaluates, in alphabetical order."""
    return sorted({line["rule"] for line in seed_rows("rules", project) if line["scope"] not in STREAM_SCOPES})


def register(compiled: CompiledRules, project: Path = DBT_PROJECT, tests: Path = PROJECT / "tests") -> list[Entry]:
    """
    Return every rule of a project in its newest version, in alphabetical order.

    Args:
        compiled: the project's rules, including those of the build.
        tests: the folder of tests. If it does not exist, only dbt's own tests are listed.

    Raises:
        LineageUnknown: the columns that a rule reads cannot be determined.
    """
    lineage = Lineage(compiled, counts_optional=False)
    lines = newest(project)
    expected = expected_alerts(project)
    named = _tests(project, tests)
    return [
        _entry(lines[rule], compiled, lineage=lineage, project=project, named=named, expected=expected.get(rule))
        for rule in sorted(lines)
    ]


def entry(entries: list[Entry], rule: str) -> Entry:
    """
    Return the rule with this name.

    Raises:
        UnknownRule: no rule has that name.
    """
    found = next((one for one in entries if one.rule == rule), None)
    if found is None:
        raise UnknownRule(f"no rule is called {rule!r}; allowed: {', '.join(one.rule for one in entries)}")
    return found


def missing(one: Entry) -> list[str]:
    """Return one sentence for each thing that is missing before the rule can be in force."""
    needed = {
        "a statement": one.statement,
        "a practice": one.practice,
        "what clears its alerts": one.clears_when,
        "an SQL file": one.sql,
        "facts": one.facts or one.scope != "family",
        "a column that it reads": one.columns or one.scope != "family",
        "a test": one.tests,
        "an expected number of alerts": one.expected is not None,
    }
    return [f"{one.rule} lacks {what}" for what, is_there in needed.items() if not is_there]


def _entry(
    line: dict[str, str],
    compiled: CompiledRules,
    *,
    lineage: Lineage,
    project: Path,
    named: list[tuple[str, str]],
    expected: Expected | None,
) -> Entry:
    rule = line["rule"]
    sql = next(project.rglob(f"models/alerts/alert_{rule}.sql"), None)
    is_compiled = f"alert_{rule}" in compiled.models
    reads = lineage[f"alert_{rule}"].all if is_compiled else frozenset()
    return Entry(
        rule=rule,
        version=int(line["version"]),
        severity=line["severity"],
        entity_kind=line["entity_kind"],
        scope=line["scope"],
        statement=line["statement"],
        practice=line["practice"],
        clears_when=line["clears_when"],
        facts=tuple(fact for fact in line["facts"].split(";") if fact),
        columns=tuple(sorted({one.column for one in reads if one.relation == EVENTS} - _BOOKKEEPING)),
        thresholds=thresholds(compiled, lineage, rule) if is_compiled else {},
        tests=tuple(sorted({test for of, test in named if of == rule})),
        expected=expected,
        sql=str(sql.relative_to(project.parent)) if sql else None,
    )


def _tests(project: Path, tests: Path) -> list[tuple[str, str]]:
    """Return the tests of each rule: dbt's unit tests, and functions in `tests/dbt_project` about the rule."""
    found: list[tuple[str, str]] = []
    for file in sorted((project / "models").rglob("*.yml")):
        place = file.relative_to(project.parent)
        units = (yaml.safe_load(file.read_text()) or {}).get("unit_tests", ())
        found += [(unit["model"].removeprefix("alert_"), f"{place}::{unit['name']}") for unit in units]
    for file in sorted((tests / "dbt_project").glob("test_*.py")):
        place = file.relative_to(tests.parent)
        found += [(rule, f"{place}::{name}") for rule, name in _functions(file)]
    return found


def _functions(file: Path) -> Iterator[tuple[str, str]]:
    """
    Yield pairs of a rule and a test function.

    A function belongs to the rule after which its file is named. It also belongs to every rule whose name appears as a
    string in the function.
    """
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield file.stem.removeprefix("test_"), node.name
            for inside in ast.walk(node):
                if isinstance(inside, ast.Constant) and isinstance(inside.value, str):
                    yield inside.value, node.name
