"""Tests of `./caf watch --check` and `./caf alerts`, as a user types these commands."""

import json
from datetime import UTC, datetime

import msgspec
import pytest
from click.testing import CliRunner

from streams.alerts.publisher import Publisher
from streams.alerts.trial import trial_alert
from streams.cli.main import caf
from streams.contracts.outputs import Heartbeat
from streams.errors import SettingInvalid, WatchSilent

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def caf_command(watch_settings):
    """Runs a command with the test's settings. Exceptions pass through unchanged."""

    def run(*words: str) -> str:
        result = CliRunner().invoke(caf, list(words), env=watch_settings.to_env(), catch_exceptions=False)
        return result.output

    return run


@pytest.fixture
def publisher(watch_settings):
    publisher = Publisher(watch_settings)
    yield publisher
    publisher.close()


def an_alert(number: int, **changed: object):
    alert = trial_alert(f"a-{number}", NOW, NOW)
    return msgspec.structs.replace(alert, **({"test": False, "family_id": "F-1", "rule": "re_referral"} | changed))


def test_check_fails_when_no_watcher_ever_ran(caf_command):
    """Having no heartbeat at all fails the check just as an old heartbeat does."""
    with pytest.raises(WatchSilent, match="never"):
        caf_command("watch", "--check")


def test_check_tells_a_fresh_heartbeat_from_an_old_one(caf_command, publisher):
    """The broker's clock decides how old a heartbeat is, so a wrong clock on the watcher's machine does no harm."""
    publisher.heartbeat(Heartbeat(leader="one", as_of=NOW, offsets={}))
    publisher.close()

    assert json.loads(caf_command("alerts", "check", "--max-age", "60", "--json"))["alive"]
    with pytest.raises(WatchSilent, match="silent for"):
        caf_command("watch", "--check", "--max-age", "0")


def test_open_alerts_are_listed_once(caf_command, publisher):
    """Only the latest version of an alert counts. Cleared alerts and test alerts are not listed as open."""
    publisher.alerts([an_alert(1), an_alert(1, version=2, severity="red"), an_alert(2), an_alert(3, test=True)])
    publisher.alerts([an_alert(2, version=2, status="cleared")])
    lines = [json.loads(line) for line in caf_command("alerts", "--json").splitlines()]

    assert [(line["alert_id"], line["version"]) for line in lines] == [("a-1", 2)]
    assert "RED   re_referral  F-1 · open · version 2" in caf_command("alerts")


def test_alerts_are_filtered(caf_command, publisher):
    """Alerts can be filtered by severity and by rule. `--all` shows every version."""
    publisher.alerts([an_alert(1, severity="red"), an_alert(2, rule="adult_returns")])

    assert "a-1" in caf_command("alerts", "--severity", "red")
    assert "a-2" not in caf_command("alerts", "--severity", "red")
    assert "a-2" in caf_command("alerts", "--rule", "adult_returns")
    assert len(caf_command("alerts", "--all", "--json").splitlines()) == 2
    with pytest.raises(SettingInvalid, match="rule 're_referal' is unknown; allowed: adult_returns"):
        caf_command("alerts", "--rule", "re_referal")


def test_history_of_an_alert_is_shown(caf_command, publisher):
    """The command shows the latest version and the earlier versions of one alert."""
    publisher.alerts([an_alert(1), an_alert(1, version=2, status="cleared", status_reason="new_evidence")])
    shown = caf_command("alerts", "show", "a-1")

    assert "re_referral  F-1 · cleared · version 2" in shown
    assert "version 1 on the topic: green, open; for nobody" in shown
    assert "version 2 on the topic: green, cleared, new evidence" in shown
