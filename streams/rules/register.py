"""The rule register: all that is known of a rule, from its seed, its SQL, its profile and its tests."""

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
"""Columns that every rule reads: which event it is, when, and whether it stands."""


@dataclass(frozen=True)
class Entry:
    """
    A rule as the register shows it.

    `columns` are those of the events that it reads beside what is read of every event; `expected` is None where nobody
    has said; `tests` are `file::name`.
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
    """The names of all rules in force, in order of the alphabet."""
    return tuple(sorted({line["rule"] for line in seed_rows("rules", project)}))


def newest(project: Path = DBT_PROJECT) -> dict[str, dict[str, str]]:
    """The newest line of each rule in its seed, by name: what it says, without what it reads."""
    lines = sorted(seed_rows("rules", project), key=lambda line: (line["rule"], int(line["version"])))
    return {line["rule"]: line for line in lines}


def build_rules(project: Path = DBT_PROJECT) -> list[str]:
    """The names of the rules that the build alone judges, in order of the alphabet."""
    return sorted({line["rule"] for line in seed_rows("rules", project) if line["scope"] not in STREAM_SCOPES})


def register(compiled: CompiledRules, project: Path = DBT_PROJECT, tests: Path = PROJECT / "tests") -> list[Entry]:
    """
    Every rule of a project, with its newest version, in order of the alphabet.

    Args:
        compiled: the project's rules, with those of the build.
        tests: the folder of tests; where there is none, only dbt's own are named.

    Raises:
        LineageUnknown: what a rule reads cannot be told.
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
    The rule of a name.

    Raises:
        UnknownRule: there is none.
    """
    found = next((one for one in entries if one.rule == rule), None)
    if found is None:
        raise UnknownRule(f"no rule is called {rule!r}; allowed: {', '.join(one.rule for one in entries)}")
    return found


def missing(one: Entry) -> list[str]:
    """What a rule lacks to be in force: a sentence each."""
    needed = {
        "a statement": one.statement,
        "a practice": one.practice,
        "what clears it": one.clears_when,
        "an SQL file": one.sql,
        "facts": one.facts or one.scope != "family",
        "a column that it reads": one.columns or one.scope != "family",
        "a test": one.tests,
        "an expected number of alerts": one.expected is not None,
    }
    return [f"{one.rule} has not {what}" for what, is_there in needed.items() if not is_there]


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
    """Rules and their tests: dbt's unit tests, and functions of `tests/dbt_project` about them."""
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
    """Test functions with the rule that their file is named after, and every rule that they name."""
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield file.stem.removeprefix("test_"), node.name
            for inside in ast.walk(node):
                if isinstance(inside, ast.Constant) and isinstance(inside.value, str):
                    yield inside.value, node.name
