"""Settings come from variables of the environment, or from the files that these variables name."""

from pathlib import Path

import pytest

from streams.errors import SettingInvalid
from streams.settings import Settings


def test_setting_may_be_in_a_file(tmp_path: Path) -> None:
    """The file may end with a line break, as editors write it."""
    (tmp_path / "url").write_text("postgresql://caf:secret@postgres/caf\n")

    assert Settings.from_env({"CAF_POSTGRES_FILE": str(tmp_path / "url")}).postgres == (
        "postgresql://caf:secret@postgres/caf"
    )


def test_variable_goes_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "port").write_text("1")

    assert Settings.from_env({"CAF_KAFKA_PORT": "2", "CAF_KAFKA_PORT_FILE": str(tmp_path / "port")}).kafka_port == 2


def test_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match=r"CAF_POSTGRES_FILE names .*/url, which cannot be read \(No such file"):
        Settings.from_env({"CAF_POSTGRES_FILE": str(tmp_path / "url")})


def test_wrong_value_in_a_file_is_not_repeated(tmp_path: Path) -> None:
    """The file may hold a secret that somebody has put into the wrong variable."""
    (tmp_path / "port").write_text("a secret")

    with pytest.raises(SettingInvalid, match="CAF_KAFKA_PORT_FILE names a wrong value") as got:
        Settings.from_env({"CAF_KAFKA_PORT_FILE": str(tmp_path / "port")})
    assert "a secret" not in str(got.value)
