"""
The alert rules as dbt compiles them: SQL, build order and relation names.

The result is cached under a hash of the dbt project's files. The SQL for PostgreSQL is translated from this SQL, so
each rule is written only once.
"""

import csv
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from graphlib import TopologicalSorter
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog

from streams.errors import RulesInvalid
from streams.rules.dbt_compile import BESIDE_RULES, SEEDS_FILE, SELECTED, STREAM_SCOPES
from streams.settings import PROJECT, Settings

__all__ = ["DBT_PROJECT", "CompiledRules", "Model", "Rule", "compiled_rules", "project_checksum", "project_manifest"]

log = structlog.get_logger()

DBT_PROJECT = PROJECT / "dbt_project"

_WORD = re.compile(r"[a-z_][a-z0-9_]*")
_SOURCE_SUFFIXES = {".sql", ".yml", ".yaml", ".md", ".csv"}


@dataclass(frozen=True)
class Model:
    """
    One dbt model: its relation, its compiled SQL, and the models that it reads.

    `is_static` says whether the model reads only seeds.
    """

    name: str
    relation: str
    sql: str
    parents: tuple[str, ...]
    is_static: bool


@dataclass(frozen=True)
class Rule:
    """
    A line of the rule register.

    `scope` is `family`, `record` or `area`. `facts` are the facts that can change the result.
    """

    name: str
    version: int
    scope: str
    facts: frozenset[str]
    clears_when: str

    @property
    def model(self) -> str:
        """The name of the dbt model that contains the rule's SQL."""
        return f"alert_{self.name}"

    @property
    def deadlines(self) -> str:
        """
        The name of the model with the times at which the rule's result can change, even if no new event arrives.

        A rule without deadlines has no such model.
        """
        return f"int_{self.name}_deadlines"


@dataclass(frozen=True)
class CompiledRules:
    """The compiled models in build order, the rules of the register, and the file with the seeds."""

    models: dict[str, Model]
    rules: dict[str, Rule]
    seeds: Path
    checksum: str

    def names_below(self, name: str | None) -> frozenset[str]:
        """
        Return every identifier in the SQL of all models that read the given model, directly or through other models.

        If the name is None, return the identifiers of all models.
        """
        below = {name}
        words: set[str] = set()
        for model in self.models.values():
            if name is None or below & set(model.parents):
                below.add(model.name)
                words.update(_WORD.findall(model.sql.lower()))
        return frozenset(words)

    def ends(self, rule: str) -> list[str]:
        """Return those models of a rule that give results: its alerts and, if the rule has them, its deadlines."""
        names = (self.rules[rule].model, self.rules[rule].deadlines)
        return [name for name in names if name in self.models]

    def needed(self, rules: Iterable[str]) -> tuple[str, ...]:
        """Return the models whose tables are needed to evaluate the given rules, in dependency order."""
        return self.above([name for rule in rules for name in self.ends(rule)])

    def above(self, names: Iterable[str], *, with_static: bool = False) -> tuple[str, ...]:
        """
        Return the given models and all models they depend on, in dependency order.

        Models that read only seeds are left out, unless `with_static` is set.
        """
        wanted, pending = set(), list(names)
        while pending:
            model = self.models[pending.pop()]
            if (with_static or not model.is_static) and model.name not in wanted:
                wanted.add(model.name)
                pending += model.parents
        return tuple(name for name in self.models if name in wanted)


def compiled_rules(settings: Settings, project: Path = DBT_PROJECT, *, with_build_rules: bool = False) -> CompiledRules:
    """
    Compile the project's rules, or read the cached result if the project has not changed.

    Args:
        with_build_rules: also return the rules that only the build evaluates, the published measures, and the models
            that these rules and measures depend on.

    Raises:
        RulesInvalid: dbt cannot compile the project, or the register names a rule that has no model.
    """
    folder = _folder(settings, project)
    manifest = _manifest(folder)
    models = _models(manifest)
    rules = _register(manifest, project, models, with_build_rules)
    found = CompiledRules(models, rules, folder / SEEDS_FILE, project_checksum(project))
    if with_build_rules:
        return found
    read = [name for name in models if any(fnmatch(name, pattern) for pattern in BESIDE_RULES)]
    above = found.above([*read, *(rule.model for rule in rules.values())], with_static=True)
    return replace(found, models={name: models[name] for name in above})


def project_manifest(settings: Settings, project: Path = DBT_PROJECT) -> dict[str, Any]:
    """
    Return dbt's manifest of the whole project, with everything that the yml files contain.

    Only some models have compiled SQL: those that `compiled_rules` returns with the rules of the build.

    Raises:
        RulesInvalid: dbt cannot compile the project.
    """
    return _manifest(_folder(settings, project))


def _manifest(folder: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((folder / "target" / "manifest.json").read_text())
    return manifest


def _folder(settings: Settings, project: Path) -> Path:
    """Return the folder with the compiled project. If the project has changed, compile it first."""
    checksum = project_checksum(project)
    folder = settings.home / "rules" / checksum
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _compile(project, folder)
    return folder


def project_checksum(project: Path) -> str:
    """Return a digest of everything that can change the result of dbt's compilation."""
    versions = [version(package) for package in ("duckdb", "dbt-core", "dbt-duckdb")]
    digest = hashlib.sha256(f"{versions} {SELECTED}".encode())
    for file in sorted(path for path in project.rglob("*") if path.suffix in _SOURCE_SUFFIXES):
        relative = file.relative_to(project)
        if relative.parts[0] not in {"target", "logs"}:
            digest.update(f"{relative}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _compile(project: Path, folder: Path) -> None:
    building = folder.with_suffix(".building")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    log.info("compiling_rules", why="the files of the dbt project have changed", lasts="up to a minute")
    command = [sys.executable, "-m", "streams.rules.dbt_compile", str(project), str(building)]
    environ = {**os.environ, "PYTHONPATH": str(PROJECT), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    if done.returncode:
        raise RulesInvalid(f"dbt cannot compile {project}: {' '.join((done.stdout + done.stderr).split())[:600]}")
    building.rename(folder)


def _models(manifest: dict[str, Any]) -> dict[str, Model]:
    """Return the compiled models in dependency order. Seeds are not included, because they are loaded only once."""
    nodes = {
        key: node
        for key, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and node.get("compiled_code")
    }
    graph = {key: [parent for parent in node["depends_on"]["nodes"] if parent in nodes] for key, node in nodes.items()}
    models: dict[str, Model] = {}
    for key in TopologicalSorter({key: sorted(parents) for key, parents in graph.items()}).static_order():
        node, parents = nodes[key], tuple(nodes[parent]["name"] for parent in graph[key])
        reads_source = any(parent.startswith("source.") for parent in node["depends_on"]["nodes"])
        is_static = not reads_source and all(models[parent].is_static for parent in parents)
        models[node["name"]] = Model(node["name"], node["relation_name"], node["compiled_code"], parents, is_static)
    return models


def _register(
    manifest: dict[str, Any], project: Path, models: dict[str, Model], with_build_rules: bool
) -> dict[str, Rule]:
    """Return the registered rules that have a model: the stream's rules and, if wanted, the rules of the build."""
    node = next(
        node for node in manifest["nodes"].values() if node["resource_type"] == "seed" and node["name"] == "rules"
    )
    with (project / node["original_file_path"]).open(newline="") as file:
        lines = [line for line in csv.DictReader(file) if with_build_rules or line["scope"] in STREAM_SCOPES]
    rules = {
        line["rule"]: Rule(
            line["rule"],
            int(line["version"]),
            line["scope"],
            frozenset(fact.strip() for fact in line["facts"].split(";") if fact.strip()),
            line["clears_when"],
        )
        for line in lines
    }
    if missing := sorted(rule.model for rule in rules.values() if rule.model not in models):
        raise RulesInvalid(f"the rule register names rules without a model: {', '.join(missing)}")
    return rules
