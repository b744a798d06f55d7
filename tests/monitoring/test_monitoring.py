"""Every metric that Prometheus and Grafana query exists, and the values that alert rules compare with can occur."""

import json
import re
import shutil
import subprocess
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families as families

from streams.health.figures import Figures
from streams.health.look import Health
from streams.health.metrics import LEVELS, Metrics
from streams.health.parts import parts
from streams.health.row import Row
from streams.settings import PROJECT, Settings

FOLDER = PROJECT / "monitoring"
OWN = re.compile(r"\bcaf_\w+")
ASKED_BY_NAME = re.compile(r'absent\(caf_part_level\{part="([^"]+)"}\)')


def expressions() -> list[str]:
    """The query expressions of all Prometheus rules and all Grafana panels."""
    rules = yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"]
    panels = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    return [rule["expr"] for group in rules for rule in group["rules"]] + [
        target["expr"] for panel in panels for target in panel["targets"]
    ]


def told() -> dict[str, list[Any]]:
    """Samples by metric name, for a part with level red whose row has every possible value."""
    now, metrics = datetime.now(UTC), Metrics()
    row = Row(part="land", state="falling behind", level="red", waiting=4, waiting_seconds=90.0, rate=2.0, restarts=1)
    metrics.note(Health(looked_at=now, parts=[row]), Figures(rejected=Counter({("/a", "not_json"): 3}), took=[0.1]))
    found: dict[str, list[Any]] = {}
    for family in families(metrics.text().decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample)
    return found


@pytest.mark.parametrize("expression", expressions())
def test_every_metric_that_an_expression_uses_exists(expression: str) -> None:
    assert set(OWN.findall(expression)) <= set(told())


def test_every_metric_is_shown_or_used_by_a_rule() -> None:
    asked = {name for expression in expressions() for name in OWN.findall(expression)}
    made = {name for name in told() if not name.endswith(("_created", "_count", "_sum"))}

    assert made - asked == {"caf_part_state"}, "kept for whoever asks which state it is"


def test_parts_that_are_asked_for_by_name_exist() -> None:
    rules = (FOLDER / "rules.yml").read_text()
    known = {part.name for part in parts(Settings())} | {"postgres", "kafka"}

    assert {"watch", "land", "build"} <= set(ASKED_BY_NAME.findall(rules)) <= known


def test_the_level_that_a_rule_waits_for_is_that_of_a_red_part() -> None:
    (level,) = told()["caf_part_level"]

    assert (level.labels, level.value) == ({"part": "land"}, LEVELS["red"])
    assert f"caf_part_level == {LEVELS['red']}" in expressions()


def test_files_that_compose_mounts_exist_and_scrape_the_pages() -> None:
    compose = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
    asked = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"][0]
    pages = compose["services"]["pages"]["environment"]
    mounted = {
        config["source"] for name in ("prometheus", "grafana") for config in compose["services"][name]["configs"]
    }

    assert mounted
    assert all((PROJECT / compose["configs"][name]["file"]).is_file() for name in mounted)
    assert asked["static_configs"][0]["targets"] == [f"pages:{pages['CAF_DASHBOARD_PORT']}"]
    assert asked["authorization"]["credentials_file"] == "/run/secrets/metrics-token"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool on PATH (Debian: prometheus)")
def test_rules_fire_in_the_tests_of_prometheus_itself() -> None:
    for words in (["check", "rules", "rules.yml"], ["test", "rules", "rules.test.yml"]):
        done = subprocess.run(["promtool", *words], cwd=FOLDER, capture_output=True, text=True, check=False)

        assert done.returncode == 0, done.stdout + done.stderr
