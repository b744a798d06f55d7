"""With --json, standard output is JSON and nothing else: one object on each line, or one value."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from streams.cli.main import caf
from streams.settings import PROJECT, Settings

pytestmark = pytest.mark.long

CIN = next((PROJECT / "tests" / "importers" / "data").glob("*.xml"))
PUBLISHED = PROJECT / "streams" / "reference" / "published_cin.csv"
ELSEWHERE = {"bench", "demo"}
"""Verbs that are tested elsewhere, because they start a stack of their own and take minutes."""

WATCHED = {
    "simulate": ["--days", "2", "--stories", "0", "--malformed", "0.05"],
    "alerts test": ["--timeout", "60"],
}
"""Verbs that run while a watcher evaluates the events that they send."""

THEN = {
    "intake": ["--once"],
    "land": ["--for", "10"],
    "verify": ["--wait", "30"],
    "build": [],
    "status": [],
    "alerts": ["--all"],
    "alerts show": ["{alert}"],
    "alerts ack": ["{alert}", "--worker", "W-1", "--wait", "0"],
    "alerts close": ["{alert}", "--worker", "W-1", "--because", "acted_on", "--wait", "0"],
    "alerts undo": ["{alert}", "--wait", "0"],
    "alerts check": ["--max-age", "600"],
    "notify failed": ["--group", "desk"],
    "notify webhook": ["--replay", "--group", "desk", "--url", "https://receiver.example", "--secret-file", "{secret}"],
    "notify email": [
        "--replay",
        "--group",
        "desk",
        "--smtp",
        "localhost:25",
        "--to",
        "a@b.example",
        "--from",
        "c@d.example",
    ],
    "quarantine list": [],
    "quarantine left-out": [],
    "quarantine show": ["--bytes", "--limit", "1000"],
    "replay": ["--dry-run"],
    "validations holds": [],
    "coverage list": [],
    "topics list": [],
    "import cin-xml": [str(CIN), "--check"],
    "check-event": ["{event}"],
    "publish": [],
    "check-published": [str(PUBLISHED), "--authority", "E06000006", "--year", "2024"],
    "measures": ["nfa_percent"],
    "rules": ["re_referral"],
    "backtest": ["re_referral", "--change", "re_referral_months=6"],
    "routes": [],
    "about": ["--for", "officer", "{family}"],
    "share": ["--once"],
    "feedback": ["--once"],
    "audit": [],
    "audit verify": [],
    "erase preview": ["--family", "{family}"],
    "erase due": [],
    "erase list": [],
    "backup take": ["{backups}"],
    "secrets list": [],
}


def with_json(group: click.Group, *path: str) -> Iterator[str]:
    """Yield the verbs and sub-verbs with the option `--json`, except those that are tested elsewhere."""
    context = click.Context(group)
    for name in set(group.list_commands(context)) - ELSEWHERE:
        found = group.get_command(context, name)
        if any("--json" in option.opts for option in found.params):
            yield " ".join((*path, name))
        if isinstance(found, click.Group):
            yield from with_json(found, *path, name)


def values(output: str) -> list[object]:
    """Return the JSON values that were printed, in order."""
    decoder, found, text = json.JSONDecoder(), [], output.strip()
    while text:
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:].lstrip()
    return found


def test_output_is_json_and_logs_are_not_in_it(fresh_settings: Settings, fresh_topics: str, tmp_path: Path) -> None:
    """The verbs run in order, because each verb needs the results of earlier verbs."""
    event = tmp_path / "event.json"
    event.write_text('{"specversion": "1.0"}')
    environ = {**os.environ, **fresh_settings.to_env(), "PYTHONPATH": str(PROJECT)}
    secret = tmp_path / "secret"
    secret.write_text("whsec_" + "c2VjcmV0" * 4)
    found, ended = {}, {}

    def start(verb: str, *options: str) -> subprocess.Popen:
        alerts = found.get("alerts", [{"alert_id": "", "family_id": "none"}])
        family = next(alert["family_id"] for alert in alerts if alert["family_id"])
        given = {"event": event, "secret": secret, "alert": alerts[0]["alert_id"], "family": family}
        given["backups"] = tmp_path / "backups"
        words = [*verb.split(), *(word.format(**given) for word in options), "--json"]
        streams = {"stdout": subprocess.PIPE, "stderr": (tmp_path / f"{verb}.log").open("w")}
        return subprocess.Popen([sys.executable, "-m", "streams.cli", *words], env=environ, text=True, **streams)

    def finish(verb: str, process: subprocess.Popen) -> None:
        found[verb], ended[verb] = values(process.communicate(timeout=180)[0]), process.returncode

    watch = start("watch")
    for verb, options in WATCHED.items():
        finish(verb, start(verb, *options))
    watch.terminate()
    finish("watch", watch)
    for verb, options in THEN.items():
        finish(verb, start(verb, *options))
    rejected = found["land"][0]["rejected"]
    del ended["audit verify"]  # 1 if the shared home has checkpoints of other tests, whose entries are gone

    assert {verb: code for verb, code in ended.items() if code} == {
        "status": 1,
        "check-event": 1,
        "import cin-xml": 1,
    }
    # Whether entries of the audit have landed depends on the tests before, which share the home.
    assert [verb for verb, printed in found.items() if not printed and verb != "audit"] == [
        "notify failed",
        "quarantine left-out",
        "validations holds",
        "erase due",
        "erase list",
    ]
    assert rejected == found["replay"][0]["would_send"] == len(found["quarantine show"]) > 0
    assert found["verify"][0]["offsets"]["differences"] == []
    assert "event=batch_landed" in (tmp_path / "land.log").read_text()
    assert "There has been no build yet: building the marts" in (tmp_path / "verify.log").read_text()


def test_every_json_option_is_tried() -> None:
    assert set(with_json(caf)) == {*WATCHED, *THEN, "watch"}
