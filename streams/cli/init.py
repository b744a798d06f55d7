"""`./caf init`: make topics, lake and Airflow's metadata on servers that are already there."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click

from streams.errors import SettingInvalid, StackFailed
from streams.kafka.topics import differences, ensure_topics, refuse_differences
from streams.lake.connect import connect
from streams.settings import Settings
from streams.stack import airflow, postgres

__all__ = ["command"]

_PASSWORDS = "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"


@click.command("init")
def command() -> None:
    """Make topics, lake and Airflow's metadata; safe to repeat.

    For servers that somebody else runs (docker-compose.yml uses it once); './caf up' does this by itself.
    Topics that are there already are compared with what they should be: each difference is named, and one that would
    break a promise is refused.
    """
    settings, passwords = Settings.from_env(), os.environ.get(_PASSWORDS)
    if not passwords:
        raise SettingInvalid(f"{_PASSWORDS} is not set; it names the file from which Airflow reads its passwords")
    created = ensure_topics(settings)
    click.echo(f"topics: {', '.join(created) or 'all there'}")
    refuse_differences(settings)
    for difference in differences(settings):
        click.echo(f"! {difference}")
    connect(settings).close()
    click.echo("lake: catalogs landing and marts are there")
    postgres.server(settings).dsn(airflow.NAME)
    _write_password(airflow.client(settings), Path(passwords))
    if subprocess.run([Path(sys.executable).parent / "airflow", "db", "migrate"], check=False).returncode:
        raise StackFailed("Airflow's metadata could not be made; its own words are above")
    click.echo("airflow: metadata and password are there")


def _write_password(api: airflow.Airflow, file: Path) -> None:
    """Airflow's simple auth manager reads names and passwords from a file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(json.dumps({api.username: api.password}))
