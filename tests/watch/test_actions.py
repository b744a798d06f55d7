"""Tests of `./caf alerts` from end to end, with a real broker, a watcher with the real rules, and the commands."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from streams.cli.main import caf
from streams.errors import ActionInvalid, ActionUnknown, AlertUnknown


@pytest.fixture
def caf_command(watch_settings):
    """Runs a command with the test's settings. Exceptions pass through unchanged."""

    def verb(*words: str) -> dict:
        settings = watch_settings.to_env() | {"CAF_WORKER": "W-7"}
        result = CliRunner().invoke(caf, [*words, "--json"], env=settings, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        # The watcher in this process logs to the same stream.
        return json.loads(next(line for line in result.output.splitlines() if line.startswith("{")))

    return verb


@pytest.fixture
def alert(watched, send, referral, alerts):
    """An open alert of the running watcher."""
    now = datetime.now(UTC)
    send(referral(1, at=now - timedelta(hours=2)), referral(2, at=now - timedelta(hours=1)))
    ends_at = now + timedelta(seconds=30)
    while datetime.now(UTC) < ends_at:
        for found in alerts():
            if found.rule == "re_referral":
                return found
    pytest.fail("no alert was raised")


def test_alert_is_acknowledged_closed_and_opened_again(alert, caf_command):
    """Each command prints the alert version that contains the user's action."""
    seen = caf_command("alerts", "ack", alert.alert_id, "--because", "On my way.")
    assert (seen["version"], seen["status"], seen["acknowledged_by"]) == (2, "open", "W-7")
    assert "On my way" not in str(seen)

    closed = caf_command("alerts", "close", alert.alert_id, "--because", "already_known", "--worker", "W-8")
    assert (closed["version"], closed["status"], closed["closed_by"]) == (3, "closed", "W-8")
    assert (closed["acknowledged_by"], closed["alert_closure"]) == ("W-7", "already_known")

    again = caf_command("alerts", "undo", alert.alert_id)
    assert (again["version"], again["status"], again["acknowledged_by"]) == (4, "open", "W-7")

    anew = caf_command("alerts", "undo", alert.alert_id)
    assert (anew["version"], anew["acknowledged_by"]) == (5, None)
    with pytest.raises(ActionUnknown, match="taken back already"):
        caf_command("alerts", "undo", alert.alert_id)

    with pytest.raises(ActionInvalid, match=r"worker_id.*allowed"):
        caf_command("alerts", "ack", alert.alert_id, "--worker", "two words")
    with pytest.raises(AlertUnknown):
        caf_command("alerts", "ack", "nothing")
