"""
Create the locked Python environment, or bring it up to date: `make_environment.py FOLDER LOCK`.

This file imports only the standard library, because the launcher runs it with a Python 3.11 that has no packages. First
pip installs uv. Then uv installs all packages of the lock, in seconds instead of pip's minutes.
"""

import ast
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

__all__ = ["entry", "make", "translated"]

SPACE_GB = 4
LOCK_COPY = "caf.lock"
"""
Name of the copy of the lock in a finished environment. If this copy differs from the lock, the environment is out of
date.
"""
MARKER = "caf-environment"
"""A folder that contains this file was made by this module, so the module may empty it."""

PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "timeout": "UV_HTTP_TIMEOUT",
}
"""Settings of pip about its package registry, each with the environment variable that has the same meaning for uv."""


def make(folder: Path, lock: Path) -> None:
    """
    Create the environment, or bring it up to date. An unfinished environment is created from scratch.

    Raises:
        SystemExit: the disk is too full, this Python lacks a module, or the packages cannot be fetched. The message
            says which.
    """
    os.umask(0o077)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        if _current(folder, lock):
            return
        _require_space(folder.parent)
        # The programs may be read by all, because PostgreSQL runs as a user of its own if root starts it.
        os.umask(0o022)
        finished = (folder / LOCK_COPY).exists() and (folder / "bin" / "python").exists()
        if not finished:
            _say(f"making the Python environment in {folder} (once; it takes about 1.5 GB and some minutes) …")
            _create(folder)
        else:
            _say("the lock has changed: bringing the Python environment up to date …")
        (folder / LOCK_COPY).unlink(missing_ok=True)
        environ = _registry(folder)
        _install_uv(folder, lock, environ)
        _sync(folder, lock, environ)
        shutil.copyfile(lock, folder / "unfinished.lock")
        (folder / "unfinished.lock").replace(folder / LOCK_COPY)
        _say("the Python environment is ready.")


def _current(folder: Path, lock: Path) -> bool:
    copy = folder / LOCK_COPY
    return copy.exists() and copy.read_bytes() == lock.read_bytes() and (folder / "bin" / "python").exists()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Lock the folder for one launcher. Other launchers wait."""
    with folder.with_name(f".{folder.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("waiting for another launcher that is making the environment …")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _require_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free / 1e9
    if free < SPACE_GB:
        sys.exit(f"caf: {folder} has {free:.1f} GB free, {SPACE_GB} GB are needed; name another folder in CAF_HOME.")


def _create(folder: Path) -> None:
    if folder.exists():
        if any(folder.iterdir()) and not (folder / MARKER).exists():
            sys.exit(f"caf: {folder} is no environment of this project; let CAF_VENV name another or an empty folder.")
        shutil.rmtree(folder)
    folder.mkdir()
    (folder / MARKER).touch()
    try:
        venv.create(folder, with_pip=True, symlinks=True)
    except subprocess.CalledProcessError:
        sys.exit("caf: this Python has no ensurepip; install its venv package (Debian: python3.11-venv).")


def _registry(folder: Path) -> dict[str, str]:
    """Return the environment variables for uv. If the caller has not set one of them, pip's setting is used instead."""
    pip = [str(folder / "bin" / "python"), "-m", "pip", "config", "list"]
    listed = subprocess.run(pip, capture_output=True, text=True, check=False).stdout
    return {**translated(listed), **os.environ}


def translated(listed: str) -> Mapping[str, str]:
    """
    Return the variables for uv that correspond to the lines of `pip config list`.

    Settings from pip's environment variables override those from pip's configuration files.
    """
    variables = {}
    for line in sorted(listed.splitlines(), key=lambda line: line.startswith(":env:")):
        name, _, value = line.partition("=")
        variable = PIP_TO_UV.get(name.rpartition(".")[2])
        if variable:
            variables[variable] = ("," if variable == "UV_FIND_LINKS" else " ").join(ast.literal_eval(value).split())
    return variables


def _install_uv(folder: Path, lock: Path, environ: Mapping[str, str]) -> None:
    with tempfile.TemporaryDirectory() as aside:
        own = Path(aside) / "uv.lock"
        own.write_text(entry("uv", lock.read_text()))
        pip: list[str | Path] = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--require-hashes"]
        _say("fetching the installer, uv …")
        _run([*pip, "--retries", "1", "--disable-pip-version-check", "-r", own], folder, environ)


def entry(name: str, lock: str) -> str:
    """Return the lines of a lock that are about one package."""
    lines = lock.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(f"{name}=="))
    last = next(number for number in range(first, len(lines)) if not lines[number].endswith("\\"))
    return "\n".join(lines[first : last + 1]) + "\n"


def _sync(folder: Path, lock: Path, environ: Mapping[str, str]) -> None:
    count = sum("==" in line and not line.startswith((" ", "#")) for line in lock.read_text().splitlines())
    _say(f"installing {count} packages …")
    python = folder / "bin" / "python"
    uv: list[str | Path] = [folder / "bin" / "uv", "pip", "sync", "--require-hashes", "--no-config"]
    _run([*uv, "--python", python, lock], folder, environ)


def _run(command: list[str | Path], folder: Path, environ: Mapping[str, str]) -> None:
    """Run an installer. At a terminal, the user sees its messages; otherwise they go to a log."""
    log = folder / "install.log"
    with log.open("ab") as output:
        shown = None if sys.stderr.isatty() else output
        done = subprocess.run(list(map(str, command)), stdout=output, stderr=shown, env=environ, check=False)
    if done.returncode:
        where = "above" if shown is None else f"in {log}"
        sys.exit(f"caf: the packages could not be fetched or installed (is there a network?); the reason is {where}.")


def _say(sentence: str) -> None:
    print(f"caf: {sentence}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        make(Path(sys.argv[1]).absolute(), Path(sys.argv[2]))
    except OSError as error:
        sys.exit(f"caf: {error.filename}: {error.strerror}; let CAF_HOME (or CAF_VENV) name a folder of your own.")
    except KeyboardInterrupt:
        sys.exit("caf: interrupted; the next start continues from here.")
