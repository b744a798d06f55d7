"""What somebody does to an erasure is recorded before it is done. If it cannot be recorded, it is not done."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.cli.main import caf
from streams.erase.records import Records
from streams.errors import AuditUnavailable, ErasureInvalid
from streams.lake.postgres import Postgres
from streams.settings import Settings
from streams.stack.machine import MARKER
from streams.stack.ports import free_ports
from tests.audit.entries import waiting_entries


@pytest.fixture
def alone(fresh_settings: Settings, postgres: Postgres, tmp_path: Path) -> Settings:
    """A home without a broker, so that its entries wait on the disk."""
    home = tmp_path / "home"
    home.mkdir()
    (home / MARKER).touch()
    return replace(fresh_settings, home=home, postgres=postgres.url, kafka_port=free_ports(1)[0])


def erase(settings: Settings, *words: str) -> Result:
    return CliRunner().invoke(caf, ["erase", *words], env=settings.to_env())


def recorded(settings: Settings) -> list[tuple[str, str, str | None]]:
    return [(str(one.action), str(one.outcome), one.subject) for one in waiting_entries(settings.home)]


def test_request_and_its_withdrawal_are_recorded(alone: Settings) -> None:
    asked = erase(alone, "request", "--family", "F-1", "--because", "court order", "--by", "anna")
    (made,) = Records(alone).all()
    taken_back = erase(alone, "withdraw", made.id)

    assert (asked.exit_code, taken_back.exit_code) == (0, 0), asked.output + taken_back.output
    assert recorded(alone) == [("erasure_asked", "allowed", made.id), ("erasure_withdrawn", "allowed", made.id)]


@pytest.mark.parametrize("words", [("approve", "--by", "anna"), ("withdraw",)])
def test_what_is_refused_is_recorded_as_refused(alone: Settings, words: tuple[str, ...]) -> None:
    made = Records(alone).request(["F-1"], [], "court order", "anna")
    if words == ("withdraw",):
        Records(alone).withdraw(made.id)
    done, action = (
        erase(alone, words[0], made.id, *words[1:]),
        {"approve": "approved", "withdraw": "withdrawn"}[words[0]],
    )

    assert isinstance(done.exception, ErasureInvalid)
    assert recorded(alone) == [(f"erasure_{action}", outcome, made.id) for outcome in ("allowed", "refused")]


def test_what_cannot_be_recorded_is_not_done(alone: Settings) -> None:
    made = Records(alone).request(["F-1"], [], "court order", "anna")
    (alone.home / "audit" / "waiting").mkdir(parents=True)
    attempts = [
        erase(alone, "request", "--family", "F-2", "--because", "court order", "--by", "anna"),
        erase(alone, "approve", made.id, "--by", "ben"),
        erase(alone, "withdraw", made.id),
    ]

    assert [type(one.exception) for one in attempts] == [AuditUnavailable] * 3
    assert Records(alone).all() == [made]


def test_word_that_is_no_erasure_is_not_recorded(alone: Settings) -> None:
    """Somebody may type a name into the wrong place."""
    assert isinstance(erase(alone, "approve", "Jo Smith").exception, ErasureInvalid)
    assert isinstance(erase(alone, "withdraw", "Jo Smith").exception, ErasureInvalid)
    assert recorded(alone) == []
