"""
Compile the alert rules with dbt, in a separate process: `python -m streams.rules.dbt_compile PROJECT FOLDER`.

Importing dbt takes seconds and hundreds of megabytes. The watcher should not spend them, so dbt runs in a separate
process. dbt also loads the seeds into a DuckDB file, so that they have the types that dbt gives them. No lake is
needed.
"""

import sys
from pathlib import Path

import yaml

__all__ = ["BESIDE_RULES", "SEEDS_FILE", "SELECTED", "STREAM_SCOPES", "compile_project"]

SEEDS_FILE = "marts.duckdb"
STREAM_SCOPES = frozenset({"family", "record"})
"""Scopes of the rules that the stream evaluates. Only the build evaluates rules of other scopes."""

BESIDE_RULES = ("int_*_deadlines", "int_family_desk", "int_alert_actions", "int_decided_referrals")
"""Patterns of the models that the stream reads beside its rules."""

SELECTED = ("+path:models/alerts", *(f"+{name}" for name in BESIDE_RULES), "rules", "+mart_published_measures")
"""What dbt compiles. `./caf check-published` compares the figures of the mart with the DfE's published figures."""


def compile_project(project: Path, folder: Path) -> bool:
    """
    Compile the alert rules of a project with dbt, and the published measures.

    Write `target/manifest.json` and the seeds' file into `folder`, and return whether dbt succeeded.
    """
    from dbt.cli.main import dbtRunner

    _write_profile(project, folder)
    places = ["--project-dir", str(project), "--profiles-dir", str(folder), "--log-path", str(folder / "logs")]
    options = [*places, "--quiet", "--target-path", str(folder / "target"), "--threads", "1"]
    # Parsing takes longer than everything else, so both steps get the project that was parsed once.
    parsed = dbtRunner().invoke(["parse", "--no-write-json", *options])
    runner = dbtRunner(manifest=parsed.result)  # type: ignore[arg-type]  # a manifest, if it has succeeded
    steps = (["seed", "--no-write-json"], ["compile"])
    return parsed.success and all(runner.invoke([*step, *options, "--select", *SELECTED]).success for step in steps)


def _write_profile(project: Path, folder: Path) -> None:
    """Write a dbt profile whose catalogs have the same names as the lake's catalogs, but contain only the seeds."""
    name = yaml.safe_load((project / "dbt_project.yml").read_text())["profile"]
    catalogs = [{"path": ":memory:", "alias": "landing"}, {"path": str(folder / SEEDS_FILE), "alias": "marts"}]
    target = {"type": "duckdb", "path": ":memory:", "database": "marts", "schema": "main", "attach": catalogs}
    (folder / "profiles.yml").write_text(yaml.safe_dump({name: {"target": "stream", "outputs": {"stream": target}}}))


if __name__ == "__main__":
    sys.exit(0 if compile_project(Path(sys.argv[1]), Path(sys.argv[2])) else 1)
