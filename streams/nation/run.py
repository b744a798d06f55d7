"""Run the Spark job in Spark's own Python environment, and pass on its messages."""

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
    The result of a Spark job.

    Attributes:
        shards: the number of shards.
        events: the number of events in all shards.
        largest_records: the number of records in the largest shard.
        slowest_seconds: the seconds that the slowest shard took.
        shard_seconds: the sum of the seconds that all shards took.
        peak_mb: the highest memory use of any Python process of a worker, in MB.
        seconds: the seconds that each step took.
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
    Run a plan on a Spark master.

    Raises:
        SparkUnavailable: Spark's environment cannot be created, or Java is missing.
        BuildFailed: the job failed. If a shard failed at all attempts, the message names it.
    """
    python = str(spark.python(settings, say))
    command = [python, "-P", "-m", "streams.nation.job", str(plan), master]
    own = {"JAVA_HOME": str(spark.java_home(settings)), "PYTHONPATH": str(PROJECT), "PYSPARK_DRIVER_PYTHON": python}
    # If the workers have this environment in another folder, PYSPARK_PYTHON says where.
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
            assert job.stdout is not None, "it is a pipe"
            for line in job.stdout:
                last = _facts(line) or last
                if sentence := _progress(last):
                    say(sentence)
        except BaseException:
            job.terminate()
            raise
    if "result" not in last:
        raise BuildFailed(f"{last.get('error', 'the Spark job ended without a message')}; see {log}")
    return ShardsMade(**last["result"])


def _facts(line: str) -> dict[str, Any] | None:
    """Parse one line of the job's output. Lines that are not JSON come from Spark itself and are ignored."""
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
