"""Run the demo with the same command as a user."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.settings import PROJECT
from streams.stack import processes
from streams.stack.ports import free_ports

pytestmark = pytest.mark.long


def test_the_demo_accounts_for_every_record_alerts_every_planted_case_and_leaves_nothing_running(
    make_home: Callable[[str], Path],
) -> None:
    home = make_home("demo")
    ports = zip(("CAF_KAFKA_PORT", "CAF_AIRFLOW_PORT", "CAF_DASHBOARD_PORT"), map(str, free_ports(3)), strict=True)
    environ = {**os.environ, "CAF_HOME": str(home), **dict(ports)}

    ended = subprocess.run(
        [sys.executable, "-m", "streams.cli", "demo", "--for", "40s", "--days", "20", "--rate", "5", "--json"],
        cwd=PROJECT, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert ended.returncode == 0, ended.stderr[-4_000:]
    verdict = json.loads(ended.stdout)
    assert verdict["ok"]
    assert len(verdict["checks"]) == 4
    assert "planted cases alerted" in " ".join(verdict["checks"])
    for part in ("postgres", "kafka", "airflow"):
        assert not processes.members(home, part)
