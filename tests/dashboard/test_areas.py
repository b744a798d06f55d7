"""To which areas an account of the desk can be limited, and which alerts belong to them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from dashboard.access.areas import all_areas, area_of, checked_desk
from dashboard.access.audience import areas_of, audience_of
from streams.errors import SettingInvalid
from streams.settings import PROJECT
from tests.audit.alert import alert

WIRRAL = "E08000015"


def desk(home: Path, *words: str) -> subprocess.CompletedProcess:
    """Run `./caf desk` in a home without a broker."""
    environ = {**os.environ, "CAF_HOME": str(home), "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "streams.cli", "desk", *words]
    return subprocess.run(command, env=environ, cwd=PROJECT, capture_output=True, text=True, check=False)


def test_role_names_each_area_once_and_in_order() -> None:
    role = checked_desk(["wallasey", "birkenhead", "wallasey"], WIRRAL)

    assert role == "desk:birkenhead+wallasey"
    assert areas_of(role) == {"birkenhead", "wallasey"}
    assert audience_of(role).name == "AREA"


@pytest.mark.parametrize("area", ["leeds", "Birkenhead", "", "birkenhead+wallasey"])
def test_area_of_another_authority_is_refused_with_what_is_allowed(area: str) -> None:
    with pytest.raises(SettingInvalid, match=r"allowed: birkenhead, .*wallasey, .*unknown"):
        checked_desk(["birkenhead", area], WIRRAL)


def test_alert_that_shows_no_area_is_of_the_area_unknown() -> None:
    shown = alert("1" * 32, "F-1")

    assert area_of(shown) == "unknown"
    assert area_of(msgspec.structs.replace(shown, area="wallasey")) == "wallasey"
    assert "unknown" in all_areas(WIRRAL)


def test_command_limits_a_desk_to_areas_and_refuses_what_makes_no_sense(tmp_path: Path) -> None:
    """No account is made for a refused area, and figures have no areas."""
    added = desk(tmp_path, "add", "ann", "--area", "wallasey", "--area", "birkenhead", "--generate")
    wrong = desk(tmp_path, "add", "bob", "--area", "leeds", "--generate")
    figures = desk(tmp_path, "add", "cat", "--role", "figures", "--area", "wallasey", "--generate")

    assert added.returncode == 0, added.stderr
    assert wrong.returncode != 0
    assert "allowed: birkenhead" in wrong.stderr
    assert figures.returncode == 2
    assert desk(tmp_path, "list").stdout == "ann  desk:birkenhead+wallasey\n"
    roles = {name: one["role"] for name, one in json.loads((tmp_path / "desk" / "accounts.json").read_text()).items()}
    assert roles == {"ann": "desk:birkenhead+wallasey"}
