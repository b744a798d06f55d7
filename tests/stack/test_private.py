"""A home belongs to its owner. What others could read is closed at every start, and reported in one sentence."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.errors import LakeUnavailable, MachineUnfit
from streams.lake.postgres import Postgres, data_folder, socket_folder
from streams.settings import PROJECT, Settings
from streams.stack import machine, private, stack

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give a file away")


@pytest.fixture
def said() -> list[str]:
    """The sentences that the user sees."""
    return []


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _own_mode() -> int:
    return 0o711 if os.geteuid() == 0 else 0o700


def _home(folder: Path) -> Path:
    home = folder / "home"
    (home / "lake" / "landing").mkdir(parents=True)
    (home / "lake" / "landing" / "rows.parquet").touch()
    (home / "warehouse.duckdb").touch()
    stack.mark_home(home, lambda _: None)
    return home


def test_new_home_is_closed_and_nothing_is_said(tmp_path: Path, said: list[str]) -> None:
    """A newcomer sees no sentence about permissions."""
    home = tmp_path / "a" / "home"
    stack.mark_home(home, said.append)

    assert said == []
    assert _mode(home) & 0o066 == 0
    assert _mode(home / machine.MARKER) == 0o600


def test_opened_home_is_closed_again_and_reported(tmp_path: Path, said: list[str]) -> None:
    """The next start repairs a careless `chmod -R`. The sentence names what was open."""
    home = _home(tmp_path)
    for path in (home, *home.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    stack.mark_home(home, said.append)
    stack.mark_home(home, said.append)

    (sentence,) = said
    assert "(the folder itself, caf-home, lake, warehouse.duckdb); now only its owner can" in sentence
    assert _mode(home) == _own_mode()
    assert {_mode(home / "lake"), _mode(home / "warehouse.duckdb")} == {0o700, 0o600}


def test_files_below_a_closed_folder_are_not_visited(tmp_path: Path, said: list[str]) -> None:
    """Nobody else can reach them, and a lake may have hundreds of thousands of them."""
    home = _home(tmp_path)
    rows = home / "lake" / "landing" / "rows.parquet"
    rows.chmod(0o644)
    stack.mark_home(home, said.append)

    assert (said, _mode(rows)) == ([], 0o644)


def test_python_environment_in_the_home_stays_readable(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The programs of PostgreSQL are in it, and if root starts them, they run as another user."""
    home = _home(tmp_path)
    (home / "venv").mkdir(mode=0o755)
    (home / "venv").chmod(0o755)
    monkeypatch.setattr(sys, "prefix", str(home / "venv"))
    stack.mark_home(home, said.append)

    assert (said, _mode(home / "venv")) == ([], 0o755)


def test_permissions_that_do_not_change_are_reported(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems ignore permissions. A start does not fail for this reason."""
    home = _home(tmp_path)
    (home / "lake").chmod(0o755)
    monkeypatch.setattr(Path, "chmod", lambda *_: None)
    stack.mark_home(home, said.append)

    assert len(said) == 1
    assert "(lake), and its permissions cannot be changed; let CAF_HOME name" in said[0]


def test_open_lake_outside_the_home_is_reported_and_left_alone(tmp_path: Path, said: list[str]) -> None:
    """Whoever made the folder may have let others in on purpose."""
    lake = tmp_path / "lake"
    lake.mkdir()
    lake.chmod(0o755)
    private.report_open_lake(Settings(home=tmp_path / "home", lake_data=str(lake)), said.append)
    private.report_open_lake(Settings(home=tmp_path / "home", lake_data="s3://bucket/lake"), said.append)
    private.report_open_lake(Settings(home=_home(tmp_path)), said.append)
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "lake").symlink_to(lake)
    private.report_open_lake(Settings(home=tmp_path / "linked"), said.append)

    sentence = f"other users of this machine may enter the lake; unless that is intended, run: chmod 700 {lake}"
    assert said == [sentence, sentence]
    assert _mode(lake) == 0o755


def test_command_makes_files_for_its_owner_only(tmp_path: Path) -> None:
    """Programs that a command starts inherit this."""
    script = (
        "import subprocess; from streams.stack.machine import prepare_process; prepare_process(); "
        f"subprocess.run(['sh', '-c', 'mkdir {tmp_path}/folder; touch {tmp_path}/file'], check=True)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=PROJECT, umask=0o022)

    assert [_mode(tmp_path / "folder"), _mode(tmp_path / "file")] == [0o700, 0o600]


@needs_root
def test_folder_of_another_user_is_no_home(tmp_path: Path) -> None:
    """Its owner could open it again at any time."""
    os.chown(tmp_path, 65534, 65534)

    with pytest.raises(MachineUnfit, match="belongs to nobody"):
        machine.check_home(tmp_path)


@needs_root
def test_socket_folder_that_another_user_made_is_refused(make_home: Callable[[str], Path]) -> None:
    """In a temporary folder, another user could make this folder first, and answer in the server's place."""
    settings = Settings(home=make_home("long" * 40))
    folder = socket_folder(data_folder(settings.home))
    folder.mkdir()
    try:
        Postgres.of(settings)
        os.chown(folder, 65534, 65534)
        with pytest.raises(LakeUnavailable, match="belongs to another user"):
            Postgres.of(settings)
    finally:
        folder.rmdir()


def test_others_may_pass_through_but_not_list(tmp_path: Path) -> None:
    """PostgreSQL's user must reach its own folder, and nothing else."""
    shut = tmp_path / "shut"
    (shut / "home").mkdir(parents=True)
    shut.chmod(0o700)
    changed = private.let_through(shut / "home")

    assert shut in changed
    assert _mode(shut) == 0o711


def test_package_is_opened_to_all_and_an_interrupted_opening_is_repeated(tmp_path: Path) -> None:
    package = tmp_path / "package"
    server, library = package / "bin" / "postgres", package / "lib" / "deep" / "library.so"
    linked = tmp_path / "package.libs" / "linked.so"
    for file, mode in ((server, 0o700), (library, 0o600), (linked, 0o700)):
        file.parent.mkdir(mode=0o700, parents=True)
        file.touch(mode=mode)
    package.chmod(0o700)

    def modes() -> list[int]:
        paths = (package, server, library.parent, library, linked.parent, linked)
        return [stat.S_IMODE(path.stat().st_mode) for path in paths]

    private.open_package(package, libraries=linked.parent, server=server)
    assert modes() == [0o755, 0o755, 0o755, 0o644, 0o755, 0o755]

    server.chmod(0o700)  # as if the opening had stopped before its last step
    library.chmod(0o600)
    private.open_package(package, libraries=linked.parent, server=server)
    assert modes() == [0o755, 0o755, 0o755, 0o644, 0o755, 0o755]
