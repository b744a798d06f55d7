"""Runs the Spark job in Spark's own environment, and passes on what it says."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streams.errors import BuildFailed
from streams.settings import PROJECT, Settings
from streams.stack import spark
from streams.stack.processes import Say

__all__ = ["ShardsMade", "run"]


@dataclass(frozen=True)
class ShardsMade:
    """
    What a job did: `seconds` of each step, `shard_seconds` of all shards together, `slowest_seconds` of one of them.

    `peak_mb` is the most memory that a worker's Python process held, and `largest_records` of what.
    """

    shards: int
    events: int
    largest_records: int
    slowest_seconds: float
    shard_seconds: float
    peak_mb: int
    seconds: dict[str, float]


def run(settings: Settings, plan: Path, master: str, say: Say) -> ShardsMade:
    """
    Run a plan on a master.

    Raises:
        SparkUnavailable: Spark's environment cannot be made, or there is no Java.
        BuildFailed: the job failed; a shard that did, again and again, is named.
    """
    python = str(spark.python(settings, say))
    command = [python, "-P", "-m", "streams.nation.job", str(plan), master]
    own = {"JAVA_HOME": str(spark.java_home(settings)), "PYTHONPATH": str(PROJECT), "PYSPARK_DRIVER_PYTHON": python}
    # Where workers have this environment elsewhere, PYSPARK_PYTHON says where.
    environ = {"PYSPARK_PYTHON": python, **os.environ, **own}
    environ.pop("SPARK_HOME", None)
    log = settings.home / "logs" / "spark.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    last: dict[str, Any] = {}
    with (
        log.open("ab") as errors,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environ,
            text=True,
            cwd=plan.parent,
        ) as job,
    ):
        try:
            for line in job.stdout:
                last = _facts(line) or last
                if sentence := _progress(last):
                    say(sentence)
        except BaseException:
            job.terminate()
            raise
    if "result" not in last:
        raise BuildFailed(f"{last.get('error', 'the Spark job ended without a word')}; its log is {log}")
    return ShardsMade(**last["result"])


def _facts(line: str) -> dict[str, Any] | None:
    """What the job says; other lines are Spark's own."""
    try:
        facts = json.loads(line)
    except ValueError:
        return None
    return facts if isinstance(facts, dict) else None


def _progress(facts: dict[str, Any]) -> str | None:
    if "step" in facts:
        return f"Spark: {facts['step']} …"
    if "done" in facts:
        return f"  {facts['done']:,} of {facts['of']:,} {facts['what']}"
    return None
