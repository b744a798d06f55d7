"""The project on a real lake."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streams.build.cut import choose_cut, landed_offsets, store_cut
from streams.build.warm_dbt import dbt_environment
from streams.lake.connect import connect, install_extensions
from streams.rules.register import rule_names
from streams.settings import PROJECT, Settings


@pytest.mark.slow
def test_models_and_their_tests_pass_on_a_lake(fresh_settings: Settings, tmp_path: Path) -> None:
    """Every seed, model, data test and unit test up to the alerts, by a dbt of its own."""
    with connect(fresh_settings, marts="read_write") as lake:
        store_cut(lake, choose_cut(lake, datetime.now(UTC), timedelta(seconds=60), landed_offsets(lake)))
    install_extensions()
    project = str(PROJECT / "dbt_project")
    environment = os.environ | dbt_environment(fresh_settings)
    folders = ["--project-dir", project, "--profiles-dir", project, "--target-path", tmp_path, "--log-path", tmp_path]
    chain = ["path:seeds", "path:models/staging", "path:models/intermediate", "+path:models/alerts"]

    dbt = [
        sys.executable,
        "-c",
        "from dbt.cli.main import cli; cli()",
        "build",
        "--quiet",
        "--indirect-selection",
        "cautious",
        *map(str, folders),
        "--select",
        *chain,
    ]
    done = subprocess.run(dbt, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
    with connect(fresh_settings) as lake:
        assert lake.sql("select count(*) from marts.reference.rules").fetchone() == (len(rule_names()),)
        assert lake.sql("select count(*) from marts.alerts.alert_adult_returns").fetchone() == (0,)
