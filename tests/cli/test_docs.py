"""The page about the models, made with the same command as a user."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from streams.settings import PROJECT
from streams.stack.ports import free_ports
from streams.stack.stack import mark_home


@pytest.mark.slow
def test_the_models_are_one_page_that_is_served_alone(tmp_path: Path) -> None:
    """
    The page needs neither a lake nor a server. The page has every mart and exposure, and no path of this machine. No
    other file is served.

    The folder that contains the page can become a home afterwards.
    """
    (port,) = free_ports(1)
    target = tmp_path / "home" / "docs" / "models.html"
    target.parent.mkdir(parents=True)
    (target.parent / "beside.txt").write_text("not for anybody")
    serving = subprocess.Popen(
        [sys.executable, "-m", "streams.cli", "docs", "--serve", str(port)],
        cwd=PROJECT, env=os.environ | {"CAF_HOME": str(tmp_path / "home")}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        page = served(f"http://127.0.0.1:{port}/")
        beside = requests.get(f"http://127.0.0.1:{port}/beside.txt", timeout=5).text
    finally:
        serving.terminate()
        output, _ = serving.communicate(timeout=30)

    assert output.strip() == str(target)
    assert page == target.read_text()
    assert beside == page
    for name in ("mart_locality_need", "fct_referrals", "alert_adult_returns", "escalation_alerts"):
        assert name in page
    assert str(tmp_path) not in page
    assert not (tmp_path / "home" / "postgres").exists()
    mark_home(tmp_path / "home")


def served(url: str) -> str:
    patience = time.monotonic() + 120
    while True:
        try:
            return requests.get(url, timeout=5).text
        except requests.ConnectionError:
            if time.monotonic() > patience:
                raise
            time.sleep(0.5)
