"""Who may read /metrics, and that it answers even if the lake or the broker does not."""

from dataclasses import replace
from pathlib import Path

import pytest
import requests

from streams.settings import Settings
from tests.dashboard.conftest import Served, await_true, pages_of

TOKEN = "a-token"


@pytest.fixture
def monitored(away: Settings, tmp_path: Path):
    """Pages with a metrics token. The lake and the broker of these pages do not answer."""
    with pages_of(replace(away, metrics_token=TOKEN), tmp_path / "pages.log") as served:
        yield served


def asked(served: Served, **headers: str) -> requests.Response:
    return requests.get(f"{served.url}/metrics", headers=headers, timeout=60)


def test_without_a_token_in_the_settings_there_are_no_metrics(no_lake: Served) -> None:
    """Requests from this machine are refused as well, because a proxy on it would look the same."""
    assert asked(no_lake).status_code == 404
    assert asked(no_lake, Authorization="Bearer ").status_code == 404


def test_whoever_has_the_token_is_told_what_is_away(monitored: Served) -> None:
    await_true(lambda: "caf_looked_at_seconds" in asked(monitored, Authorization=f"Bearer {TOKEN}").text)
    answer = asked(monitored, Authorization=f"Bearer {TOKEN}")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert 'caf_part_level{part="postgres"} 2.0' in answer.text
    assert 'caf_part_level{part="kafka"} 2.0' in answer.text
    for wrong in ({}, {"Authorization": "Bearer another"}, {"Authorization": TOKEN}, {"Authorization": "Bearer é"}):
        refused = requests.get(
            f"{monitored.url}/metrics", headers={k: v.encode() for k, v in wrong.items()}, timeout=60
        )
        assert (refused.status_code, "caf_" in refused.text) == (401, False)
