"""
The launcher: one command sets up a machine without the project's packages.

If something is missing, one sentence says what.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from streams.settings import PROJECT
from streams.stack import make_environment

pytestmark = pytest.mark.long

PRINT_ARGUMENTS = "import os, sys; print(sys.argv[1:], os.environ['CAF_HOME'])\n"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone in a path with spaces. Its lock file is a part of the real one, and its command prints the arguments."""
    folder = tmp_path / "a clone"
    (folder / "streams" / "cli").mkdir(parents=True)
    (folder / "streams" / "stack").mkdir()
    shutil.copy(PROJECT / "caf", folder)
    shutil.copy(PROJECT / "streams" / "stack" / "make_environment.py", folder / "streams" / "stack")
    (folder / "streams" / "cli" / "__main__.py").write_text(PRINT_ARGUMENTS)
    _lock(folder, "uv", "click")
    _lock(folder, "uv", "click", "iniconfig", file="requirements-dev.lock")
    return folder


def _lock(folder: Path, *names: str, file: str = "requirements.lock") -> None:
    lock = (PROJECT / file).read_text()
    (folder / file).write_text("".join(make_environment.entry(name, lock) for name in names))


def _caf(clone: Path, *arguments: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": "/usr/local/bin:/usr/bin:/bin", "CAF_PYTHON": sys.executable, **variables}
    return subprocess.run(
        [clone / "caf", *arguments], capture_output=True, text=True, check=False, env=environ, cwd=cwd or clone
    )


def _installed(clone: Path) -> set[str]:
    return {path.name.split("-")[0] for path in (clone / ".caf" / "venv" / "lib").rglob("*.dist-info")}


def test_first_use_makes_the_environment_and_the_second_is_silent(clone: Path, tmp_path: Path) -> None:
    """The launcher is called from another folder with almost no variables set. The arguments arrive unchanged."""
    home = str(tmp_path)
    first = _caf(clone, "say", "two words", cwd=tmp_path, HOME=home)
    second = _caf(clone, "say", "two words", cwd=tmp_path, HOME=home)

    assert first.stdout == f"['say', 'two words'] {clone}/.caf\n"
    assert "making the Python environment" in first.stderr
    assert (second.stdout, second.stderr) == (first.stdout, "")


def test_home_is_closed_and_its_environment_is_readable(clone: Path, tmp_path: Path) -> None:
    """Data will be in the home. The programs of PostgreSQL are in the environment, and may run as another user."""
    _caf(clone, "say", HOME=str(tmp_path))
    environment = clone / ".caf" / "venv"
    # uv leaves a lock of its own, which everybody may use.
    made = (environment, *environment.rglob("*"))
    read = [path for path in made if not path.is_symlink() and path.name != ".lock"]

    assert (clone / ".caf").stat().st_mode & 0o077 == 0
    assert len(read) > 10
    assert [path for path in read if not path.stat().st_mode & 0o004 or path.stat().st_mode & 0o022] == []


def test_changed_lock_brings_the_environment_up_to_date(clone: Path, tmp_path: Path) -> None:
    """
    A package that is only in the new lock file is installed, and a package that is only in the old one is removed.
    """
    _caf(clone, HOME=str(tmp_path))
    _lock(clone, "uv", "idna")
    again = _caf(clone, HOME=str(tmp_path))

    assert "bringing the Python environment up to date" in again.stderr
    assert {"idna", "uv"} <= _installed(clone)
    assert "click" not in _installed(clone)


def test_only_tests_and_checks_install_what_authors_need(clone: Path, tmp_path: Path) -> None:
    """
    A user who runs a demo does not wait for test libraries. An environment with test libraries serves every command.
    """
    _caf(clone, "demo", HOME=str(tmp_path))
    for_users = _installed(clone)
    _caf(clone, "test", HOME=str(tmp_path))
    for_authors = _installed(clone)
    again = _caf(clone, "demo", HOME=str(tmp_path))

    assert "iniconfig" not in for_users
    assert "iniconfig" in for_authors
    assert again.stderr == ""


def test_interrupted_set_up_is_done_again(clone: Path, tmp_path: Path) -> None:
    """An environment without a copy of the lock file is not used as it is."""
    with subprocess.Popen(
        [clone / "caf"],
        env={"PATH": "/usr/bin:/bin", "CAF_PYTHON": sys.executable, "HOME": str(tmp_path)},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as interrupted:
        while not (clone / ".caf" / "venv" / "bin" / "python").exists():
            time.sleep(0.01)
        os.killpg(interrupted.pid, 9)
    done = _caf(clone, HOME=str(tmp_path))

    assert done.returncode == 0
    assert {"click", "uv"} <= _installed(clone)


def test_two_launchers_at_once_make_one_environment(clone: Path, tmp_path: Path) -> None:
    """The second launcher waits for the first, and both run their command."""
    environ = {"PATH": "/usr/bin:/bin", "CAF_PYTHON": sys.executable, "HOME": str(tmp_path)}
    both = [
        subprocess.Popen([clone / "caf"], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [launcher.communicate()[1] for launcher in both]

    assert [launcher.returncode for launcher in both] == [0, 0]
    assert sum("making the Python environment" in text for text in said) == 1


def test_missing_network_is_one_sentence(clone: Path, tmp_path: Path) -> None:
    """No traceback is shown, and the log contains the reason. A later attempt succeeds."""
    cut = _caf(clone, HOME=str(tmp_path), PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_NO_CACHE_DIR="1")
    later = _caf(clone, HOME=str(tmp_path))

    assert cut.returncode == 1
    assert "the packages could not be fetched or installed (is there a network?)" in cut.stderr.splitlines()[-1]
    assert "Traceback" not in cut.stderr
    assert later.returncode == 0


def test_missing_python_is_one_sentence_that_says_what_was_found(clone: Path, tmp_path: Path) -> None:
    """The message gives the wrong version that was found, and says what to do."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "dirname", "cmp"):
        (programs / name).symlink_to(shutil.which(name))
    (programs / "python3").write_text("#!/bin/sh\necho 3.9\n")
    (programs / "python3").chmod(0o755)
    done = _caf(clone, PATH=str(programs), CAF_PYTHON="", HOME=str(tmp_path))

    assert done.returncode == 1
    assert done.stderr == (
        "caf: Python 3.11 is needed (found: python3 is 3.9); install it, or name it in CAF_PYTHON.\n"
    )


def test_full_disk_is_one_sentence(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If there is too little space, the launcher does not begin to create the environment."""
    monkeypatch.setattr(make_environment, "SPACE_GB", 10**9)
    with pytest.raises(SystemExit, match=r"GB free, 1000000000 GB are needed; name another folder in CAF_HOME"):
        make_environment.make(clone / ".caf" / "venv", clone / "requirements.lock")

    assert not (clone / ".caf" / "venv").exists()


def test_folder_of_somebody_else_is_not_emptied(clone: Path, tmp_path: Path) -> None:
    """`CAF_VENV` may name only a new folder, an empty folder, or an environment of this project."""
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "one.txt").write_text("keep me")
    done = _caf(clone, HOME=str(tmp_path), CAF_VENV=str(tmp_path / "letters"))

    assert done.returncode == 1
    assert "is no environment of this project" in done.stderr
    assert (tmp_path / "letters" / "one.txt").read_text() == "keep me"


LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-spark.lock"]


@pytest.mark.parametrize("name", LOCKS)
def test_lock_names_no_registry_and_hashes_everything(name: str) -> None:
    """The same lock file serves every machine, whatever package registry the machine uses."""
    lock = (PROJECT / name).read_text()
    entries = [line for line in lock.splitlines() if line and not line.startswith((" ", "#"))]

    assert "://" not in lock
    assert all("==" in entry and entry.endswith("\\") for entry in entries)


def test_the_lock_of_authors_holds_all_of_the_users() -> None:
    users, authors = ((PROJECT / name).read_text() for name in LOCKS[:2])
    pinned = [line.partition("==")[0] for line in users.splitlines() if "==" in line and line[0].isalnum()]

    assert len(pinned) > 100
    assert [
        name for name in pinned if make_environment.entry(name, users) != make_environment.entry(name, authors)
    ] == []


def test_pip_configuration_is_handed_to_uv() -> None:
    """uv uses the registry that pip is configured to use. An environment variable takes precedence over a file."""
    listed = (
        ":env:.index-url='https://one.example/simple'\n"
        "global.index-url='https://two.example/simple'\n"
        "global.cert='/etc/ca.pem'\n"
        "global.find-links='/a\\n/b'\n"
    )

    assert make_environment.translated(listed) == {
        "UV_DEFAULT_INDEX": "https://one.example/simple",
        "SSL_CERT_FILE": "/etc/ca.pem",
        "UV_FIND_LINKS": "/a,/b",
    }
