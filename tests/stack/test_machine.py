"""If a machine lacks something that a start needs, the start ends with one sentence that says what to do."""

import os
import resource
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streams.errors import MachineUnfit, PortTaken
from streams.settings import PROJECT
from streams.stack import machine
from streams.stack.ports import free_ports

CAF = f"{sys.executable} -P -m streams.cli"

ALONE = subprocess.run(["unshare", "--mount", "--net", "true"], check=False, capture_output=True)
in_a_namespace = pytest.mark.skipif(
    ALONE.returncode != 0, reason="needs root, for a file system and network of its own"
)


def last_word(script: str, home: Path, **variables: str) -> str:
    """
    Return the last line that a command prints. The shell script can change the machine before it runs the command.

    No other process sees these changes.
    """
    ports = zip(("CAF_KAFKA_PORT", "CAF_AIRFLOW_PORT", "CAF_DASHBOARD_PORT"), map(str, free_ports(3)), strict=True)
    environ = {**os.environ, "CAF_HOME": str(home), "PYTHONPATH": str(PROJECT), **dict(ports), **variables}
    done = subprocess.run(["sh", "-ec", script], env=environ, capture_output=True, text=True, check=False, cwd=PROJECT)

    assert done.returncode == 1, done.stderr[-2_000:]
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


def alone(script: str) -> str:
    """Wrap a script so that it runs with separate mounts and a separate network."""
    return f"exec unshare --mount --net sh -ec '{script}'"


@in_a_namespace
@pytest.mark.parametrize("verb", ["up", "demo", "sql 1"])
def test_small_disk_is_named_before_anything_is_started(tmp_path: Path, verb: str) -> None:
    """The sentence gives the free space, the needed space, and what to do."""
    script = alone(f"mount -t tmpfs -o size=30m none {tmp_path}; ip link set lo up; {CAF} {verb}")

    assert "MB free, 500 MB are needed; let CAF_HOME name another disk" in last_word(script, tmp_path / "home")


@in_a_namespace
@pytest.mark.parametrize("verb", ["up", "demo", "sql 1"])
def test_disk_that_can_only_be_read_is_one_sentence(tmp_path: Path, verb: str) -> None:
    """The test also holds for root, because permissions do not stop root but a read-only disk does."""
    script = alone(f"mount -t tmpfs -o ro,size=900m none {tmp_path}; {CAF} {verb}")

    assert "CAF_HOME" in last_word(script, tmp_path / "home")


@in_a_namespace
def test_machine_without_a_loopback_address_is_one_sentence(make_home: Callable[[str], Path]) -> None:
    """The message must not say that the port is taken, because no program has it."""
    said = last_word(alone(f"{CAF} up"), make_home())

    assert "the address 127.0.0.1 does not answer; bring the loopback interface up" in said


@in_a_namespace
def test_machine_without_shared_memory_is_one_sentence(make_home: Callable[[str], Path]) -> None:
    """Airflow's processes share locks in shared memory."""
    script = alone(f"mount -t tmpfs -o ro none /dev/shm; ip link set lo up; {CAF} up")

    assert "Airflow needs shared memory, and there is none" in last_word(script, make_home())


@in_a_namespace
def test_root_on_a_machine_that_cannot_add_a_user_is_one_sentence(tmp_path: Path) -> None:
    """
    PostgreSQL does not run as root, so another user must be created. The program for this is also looked for outside
    PATH.
    """
    users = tmp_path / "passwd"
    users.write_text(
        "".join(
            line
            for line in Path("/etc/passwd").read_text().splitlines(keepends=True)
            if not line.startswith("pgserver:")
        )
    )
    script = alone(f"mount --bind {users} /etc/passwd; mount -t tmpfs none /usr/sbin; {CAF} sql 1")

    assert "the program that creates a user for it (useradd) is missing" in last_word(script, tmp_path / "home")


@in_a_namespace
def test_several_homes_can_be_started_at_once_on_a_new_machine(make_home: Callable[[str], Path]) -> None:
    """Each start finds that the user of PostgreSQL is missing, and only one may add it."""
    accounts = make_home("etc")
    shutil.copytree("/etc", accounts, symlinks=True, ignore_dangling_symlinks=True)
    for name in ("passwd", "group", "shadow", "gshadow"):
        lines = (accounts / name).read_text().splitlines(keepends=True)
        (accounts / name).write_text("".join(line for line in lines if not line.startswith("pgserver:")))
    homes = [make_home() for _ in range(4)]
    starts = [f'CAF_HOME={home} {CAF} sql "SELECT 1" & pids="$pids $!"' for home in homes]
    script = alone("\n".join([f"mount --bind {accounts} /etc", *starts, "for pid in $pids; do wait $pid; done"]))
    environ = {**os.environ, "PYTHONPATH": str(PROJECT)}

    done = subprocess.run(["sh", "-ec", script], env=environ, capture_output=True, text=True, check=False, cwd=PROJECT)

    assert done.returncode == 0, done.stderr[-2_000:]


def test_file_in_the_place_of_the_home_is_one_sentence(tmp_path: Path) -> None:
    """The file is not changed."""
    (tmp_path / "letter").write_text("keep me")

    assert "is a file, not a folder" in last_word(f"{CAF} up", tmp_path / "letter")
    assert "is a file, not a folder" in last_word(f"{CAF} sql 1", tmp_path / "letter" / "home")
    assert (tmp_path / "letter").read_text() == "keep me"


def test_home_of_another_user_is_refused(tmp_path: Path) -> None:
    """Root is refused as well, because root would leave files in the home that its owner cannot remove."""
    (tmp_path / machine.MARKER).touch()
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(tmp_path / machine.MARKER, 65534, 65534)

    with pytest.raises(MachineUnfit, match=r"belongs to nobody; log in as that user, or let CAF_HOME name another"):
        machine.check_home(tmp_path)


def test_every_taken_port_is_named_at_once(make_home: Callable[[str], Path]) -> None:
    """People who start a second demo on one machine then need not find the taken ports one after another."""
    with socket.socket() as first, socket.socket() as second:
        for taken in (first, second):
            taken.bind(("127.0.0.1", 0))
            taken.listen()
        ports = {"CAF_AIRFLOW_PORT": str(first.getsockname()[1]), "CAF_DASHBOARD_PORT": str(second.getsockname()[1])}
        said = last_word(f"{CAF} demo", make_home(), **ports)

    assert all(f"port {port} is taken by another program; set {name}" in said for name, port in ports.items())


@pytest.mark.parametrize("port", [80_800, -1])
def test_port_that_does_not_exist_is_named_with_what_is_allowed(port: int) -> None:
    """A port number outside the allowed range is a typing mistake."""
    with pytest.raises(PortTaken, match=f"CAF_KAFKA_PORT is {port}; allowed: 1024 to 65535"):
        machine.check_ports({"CAF_KAFKA_PORT": port})


def test_few_open_files_are_one_sentence(make_home: Callable[[str], Path]) -> None:
    """The program itself cannot raise a low hard limit of open files."""
    assert "200 files may be open at once, 1024 are needed" in last_word(f"ulimit -n 200; {CAF} up", make_home())


def test_low_soft_limit_of_open_files_is_raised() -> None:
    """Many machines start with a limit of 1,024 open files and allow more."""
    show = "import resource; print(*resource.getrlimit(resource.RLIMIT_NOFILE))"
    script = f"from streams.stack.machine import prepare_process; prepare_process(); {show}"
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    command = f"ulimit -Sn 256; exec {sys.executable} -c '{script}'"
    done = subprocess.run(["sh", "-ec", command], capture_output=True, text=True, check=True, cwd=PROJECT)

    assert done.stdout.split() == [str(min(hard, machine.FILES_WANTED)), str(hard)]


def test_proxy_is_not_asked_for_the_loopback_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Addresses that the organisation excludes from the proxy stay excluded."""
    monkeypatch.setenv("NO_PROXY", "intranet.example")
    monkeypatch.setenv("no_proxy", "")
    machine.prepare_process()

    assert os.environ["NO_PROXY"] == "intranet.example,127.0.0.1,localhost,::1"
    assert os.environ["no_proxy"] == "127.0.0.1,localhost,::1"


def test_clock_that_was_set_back_is_one_sentence(tmp_path: Path) -> None:
    """The clock shows a time before this program was made, or before a part of this home was started."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "kafka.json").touch()
    machine.check_clock(tmp_path)

    with pytest.raises(MachineUnfit, match=r"clock says 1999-12-31 23:00 UTC, but it is later than"):
        machine.check_clock(tmp_path / "new", datetime(1999, 12, 31, 23, tzinfo=UTC))
    with pytest.raises(MachineUnfit, match="set the clock"):
        machine.check_clock(tmp_path, datetime.now(UTC) - timedelta(hours=2))
