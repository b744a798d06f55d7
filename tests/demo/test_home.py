"""The demo keeps its invented families in a separate home."""

from dataclasses import replace
from pathlib import Path

import pytest

from streams.demo.home import home_of_demo
from streams.errors import SettingInvalid
from streams.settings import Settings


def test_home_with_records_of_others_is_refused(tmp_path: Path) -> None:
    """Invented families must not mix with the records of real families."""
    (tmp_path / "lake" / "landing").mkdir(parents=True)
    (tmp_path / "lake" / "landing" / "rows.parquet").touch()

    with (
        pytest.raises(SettingInvalid, match="holds records that no demo has sent"),
        home_of_demo(Settings(home=tmp_path)),
    ):
        pass
    assert not (tmp_path / "demo").exists()


def test_home_of_an_earlier_demo_is_used_again(tmp_path: Path) -> None:
    """The records of an earlier demo are also invented."""
    with home_of_demo(Settings(home=tmp_path)):
        (tmp_path / "lake").mkdir()
        (tmp_path / "lake" / "rows.parquet").touch()
    with home_of_demo(Settings(home=tmp_path)):
        pass


def test_second_demo_in_one_home_is_refused(tmp_path: Path) -> None:
    """When a demo ends, it stops all servers of its home, so the first demo would stop the servers of the second."""
    settings = Settings(home=tmp_path)
    with home_of_demo(settings), pytest.raises(SettingInvalid, match="another demo runs in"), home_of_demo(settings):
        pass


@pytest.mark.parametrize("field", ["kafka", "postgres", "lake_data"])
def test_servers_of_a_council_are_refused(tmp_path: Path, field: str) -> None:
    """If a shell is set up for real work, the demo must not send invented families to the council's servers."""
    settings = replace(Settings(home=tmp_path), **{field: "elsewhere"})

    with pytest.raises(SettingInvalid, match=f"run it without CAF_{field.upper()}"), home_of_demo(settings):
        pass
