"""`./caf notebook`: open a notebook that leads from a question to a chart, with data from the running lake."""

import os
import shutil
import signal
import subprocess
import sys

import click

from streams.cli.lake import lake_settings
from streams.cli.recorded import record
from streams.contracts.codesets import AuditAction
from streams.settings import PROJECT

__all__ = ["command"]

NOTEBOOK = PROJECT / "docs" / "notebooks" / "where_next.py"


@click.command("notebook")
@click.option("--port", default=2718, show_default=True, type=click.IntRange(1, 65_535), help="Port on 127.0.0.1.")
@click.option("--read", is_flag=True, help="Show the notebook as a page, without the code.")
@click.option("--anew", is_flag=True, help="Begin with a fresh copy. Everything written in the old one is lost.")
def command(*, port: int, read: bool, anew: bool) -> None:
    """
    Open a notebook that asks where the next early-help service should go.

    It is a marimo notebook. The command makes a copy in CAF_HOME/notebooks, and you may change that copy. The notebook
    reads the lake and cannot write to it. The command prints the notebook's address, which contains a token. Keep the
    address as safe as your password: whoever has it can run any Python program as you, and so read and change all that
    you can. With --read, whoever has the address sees the figures of the notebook, with small counts, and runs nothing
    of their own.
    """
    settings = lake_settings()
    record(settings, AuditAction.LAKE_OPENED, "notebook")
    copy = settings.home / "notebooks" / NOTEBOOK.name
    if anew or not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(NOTEBOOK, copy)
    os.environ |= {"PYTHONPATH": str(PROJECT), "MARIMO_SKIP_UPDATE_CHECK": "1"}
    verb = ["run" if read else "edit", str(copy), "--host", "127.0.0.1", "--port", str(port), "--headless"]
    # marimo is a child process, so that this command can stop PostgreSQL after it. Ctrl-C reaches marimo directly.
    with subprocess.Popen([sys.executable, "-m", "marimo", *verb, *(["--token"] if read else [])]) as marimo:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: marimo.terminate())
    sys.exit(marimo.returncode)
