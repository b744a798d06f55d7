"""`./caf init`: create topics, the lake and Airflow's metadata on servers that already run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click

from streams.errors import SettingInvalid, StackFailed
from streams.kafka.topics import differences, ensure_topics, refuse_differences
from streams.lake.connect import connect
from streams.lake.postgres import Postgres
from streams.settings import Settings
from streams.stack import airflow

__all__ = ["command"]

_PASSWORDS = "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"


@click.command("init")
def command() -> None:
    """
    Create topics, the lake and Airflow's metadata. It is safe to repeat.

    Use this command for servers that somebody else runs (docker-compose.yml runs it once). './caf up' does the same by
    itself. If a topic exists already, the command compares its settings with what they should be and names each
    difference. A difference that would break a guarantee is an error.
    """
    settings, passwords = Settings.from_env(), os.environ.get(_PASSWORDS)
    if not passwords:
        raise SettingInvalid(f"{_PASSWORDS} is not set; it must name the file from which Airflow reads its passwords")
    created = ensure_topics(settings)
    click.echo(f"topics: {', '.join(created) or 'all exist'}")
    refuse_differences(settings)
    for difference in differences(settings):
        click.echo(f"! {difference}")
    connect(settings).close()
    click.echo("lake: catalogs landing and marts exist")
    Postgres.of(settings).dsn(airflow.NAME)
    _write_password(airflow.client(settings), Path(passwords))
    if subprocess.run([Path(sys.executable).parent / "airflow", "db", "migrate"], check=False).returncode:
        raise StackFailed("Airflow's metadata could not be created; Airflow's own messages are above")
    click.echo("airflow: metadata and password exist")


def _write_password(api: airflow.Airflow, file: Path) -> None:
    """Write the password file that Airflow's simple auth manager reads. The file contains names and passwords."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(json.dumps({api.username: api.password}))
