"""
Compile the alert rules with dbt, in a separate process: `python -m streams.rules.dbt_compile PROJECT FOLDER`.

Importing dbt takes seconds and hundreds of megabytes. The watcher should not spend them, so dbt runs in a separate
process. dbt also loads the seeds into a DuckDB file, so that they have the types that dbt gives them. No lake is
needed.
"""

import csv
import sys
from pathlib import Path

import yaml

__all__ = ["SEEDS_FILE", "STREAM_SCOPES", "compile_project"]

SEEDS_FILE = "marts.duckdb"
STREAM_SCOPES = frozenset({"family", "record"})
"""Scopes of the rules that the stream evaluates. Only the build evaluates rules of other scopes."""

_BESIDE_RULES = ("+int_*_deadlines", "+int_family_desk", "+int_alert_actions", "+int_decided_referrals", "rules")
_OF_THE_BUILD = ("+mart_published_measures",)
"""The mart whose figures `./caf check-published` compares with the DfE's published figures."""


def compile_project(project: Path, folder: Path, *, with_build_rules: bool = False) -> bool:
    """
    Compile the alert rules of a project with dbt.

    Write `target/manifest.json` and the seeds' file into `folder`, and return whether dbt succeeded.
    """
    from dbt.cli.main import dbtRunner

    _write_profile(project, folder)
    places = ["--project-dir", str(project), "--profiles-dir", str(folder), "--log-path", str(folder / "logs")]
    selection = ["+path:models/alerts", *_BESIDE_RULES, *_OF_THE_BUILD] if with_build_rules else _selection(project)
    options = ["--quiet", "--target-path", str(folder / "target"), "--threads", "1", "--select", *selection]
    runner = dbtRunner()
    return all(runner.invoke([verb, *places, *options]).success for verb in ("seed", "compile"))


def _selection(project: Path) -> list[str]:
    """Return what dbt must select: the stream's rules, the models they need, and the models that are read on demand."""
    with (project / "seeds" / "rules.csv").open(newline="") as file:
        rules = sorted({line["rule"] for line in csv.DictReader(file) if line["scope"] in STREAM_SCOPES})
    return [*(f"+alert_{rule}" for rule in rules), *_BESIDE_RULES]


def _write_profile(project: Path, folder: Path) -> None:
    """Write a dbt profile whose catalogs have the same names as the lake's catalogs, but contain only the seeds."""
    name = yaml.safe_load((project / "dbt_project.yml").read_text())["profile"]
    catalogs = [{"path": ":memory:", "alias": "landing"}, {"path": str(folder / SEEDS_FILE), "alias": "marts"}]
    target = {"type": "duckdb", "path": ":memory:", "database": "marts", "schema": "main", "attach": catalogs}
    (folder / "profiles.yml").write_text(yaml.safe_dump({name: {"target": "stream", "outputs": {"stream": target}}}))


if __name__ == "__main__":
    sys.exit(0 if compile_project(Path(sys.argv[1]), Path(sys.argv[2]), with_build_rules=bool(sys.argv[3:])) else 1)
