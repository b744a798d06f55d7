"""The rule register: everything that is known about a rule, from its seed, SQL, practice profile and tests."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import yaml

from streams.errors import UnknownRule
from streams.rules.compiled import DBT_PROJECT, CompiledRules
from streams.rules.dbt_compile import STREAM_SCOPES
from streams.rules.expected import Expected, expected_alerts
from streams.rules.lineage import EVENTS, Lineage
from streams.rules.seeds import seed_rows
from streams.rules.severities import severities
from streams.rules.thresholds import Thresholds, thresholds
from streams.settings import PROJECT

__all__ = ["Entry", "build_rules", "entry", "missing", "newest", "record_rules", "register", "rule_names"]

_BOOKKEEPING = {
    *("topic", "kafka_partition", "kafka_offset", "record_key", "received_at", "change", "root_source", "root_id"),
    *("root_at", "event_source", "event_id", "event_at", "content_id", "fact", "fact_at", "authority_code"),
    *("is_backfill", "replay_of", "inbound_record"),
}
"""Columns that every rule reads: the id of an event, when it happened, and whether it is still in force."""


@dataclass(frozen=True)
class Entry:
    """
    A rule as the register shows it.

    `severity` is the usual one, and `severities` are all that an alert of the rule can have. `columns` are the columns
    of events that the rule reads, without those that every rule reads. `models` are the models that the rule's model
    reads, directly or through other models. `expected` is None if nobody has said how many alerts to expect. `tests`
    have the form `file::name`. `oracle` is the file with the rule's second version in Python, or None, and
    `oracle_tests` are the tests of this version.
    """

    rule: str
    version: int
    severity: str
    severities: tuple[str, ...]
    entity_kind: str
    scope: str
    statement: str
    practice: str
    clears_when: str
    facts: tuple[str, ...]
    columns: tuple[str, ...]
    models: tuple[str, ...]
    thresholds: Thresholds
    tests: tuple[str, ...]
    oracle: str | None
    oracle_tests: tuple[str, ...]
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


def record_rules(project: Path = DBT_PROJECT) -> list[str]:
    """Return the names of the rules that are evaluated for one record at a time, in alphabetical order."""
    return sorted({line["rule"] for line in seed_rows("rules", project) if line["scope"] == "record"})


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
    named = _Named(_unit_tests(project) + _tests(tests / "dbt_project"), _tests(tests / "oracle"), tests)
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


class _Named(NamedTuple):
    """Pairs of a rule and a test: those of the rule itself, and those of its oracle."""

    tests: list[tuple[str, str]]
    oracle_tests: list[tuple[str, str]]
    folder: Path


def _entry(
    line: dict[str, str],
    compiled: CompiledRules,
    *,
    lineage: Lineage,
    project: Path,
    named: _Named,
    expected: Expected | None,
) -> Entry:
    rule = line["rule"]
    sql = next(project.rglob(f"models/alerts/alert_{rule}.sql"), None)
    model = f"alert_{rule}"
    is_compiled = model in compiled.models
    reads = lineage[model].all if is_compiled else frozenset()
    oracle = named.folder / "oracle" / "rules" / f"{rule}.py"
    return Entry(
        rule=rule,
        version=int(line["version"]),
        severity=line["severity"],
        severities=severities(compiled.models[model], line["severity"]) if is_compiled else (line["severity"],),
        entity_kind=line["entity_kind"],
        scope=line["scope"],
        statement=line["statement"],
        practice=line["practice"],
        clears_when=line["clears_when"],
        facts=tuple(fact for fact in line["facts"].split(";") if fact),
        columns=tuple(sorted({one.column for one in reads if one.relation == EVENTS} - _BOOKKEEPING)),
        models=_models_above(model, compiled) if is_compiled else (),
        thresholds=thresholds(compiled, lineage, rule) if is_compiled else {},
        tests=tuple(sorted({test for of, test in named.tests if of == rule})),
        oracle=str(oracle.relative_to(named.folder.parent)) if oracle.exists() else None,
        oracle_tests=tuple(sorted({test for of, test in named.oracle_tests if of == rule})),
        expected=expected,
        sql=str(sql.relative_to(project.parent)) if sql else None,
    )


def _models_above(model: str, compiled: CompiledRules) -> tuple[str, ...]:
    return tuple(name for name in compiled.above([model], with_static=True) if name != model)


def _unit_tests(project: Path) -> list[tuple[str, str]]:
    """Return pairs of a rule and a unit test of dbt."""
    found: list[tuple[str, str]] = []
    for file in sorted((project / "models").rglob("*.yml")):
        place = file.relative_to(project.parent)
        units = (yaml.safe_load(file.read_text()) or {}).get("unit_tests", ())
        found += [(unit["model"].removeprefix("alert_"), f"{place}::{unit['name']}") for unit in units]
    return found


def _tests(folder: Path) -> list[tuple[str, str]]:
    """Return pairs of a rule and a test function that is about the rule, of all files in a folder of `tests`."""
    return [
        (rule, f"{file.relative_to(folder.parent.parent)}::{name}")
        for file in sorted(folder.glob("test_*.py"))
        for rule, name in _functions(file)
    ]


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
