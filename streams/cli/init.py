"""`./caf init`: create topics, the lake and Airflow's metadata on servers that already run."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import click

from streams.errors import SettingInvalid, StackFailed
from streams.kafka.client import admin
from streams.kafka.login import librdkafka_login
from streams.kafka.partners import partners
from streams.kafka.rights import grant, principals
from streams.kafka.topics import differences, ensure_topics, refuse_differences
from streams.lake.connect import connect
from streams.lake.object_check import check_objects
from streams.lake.postgres import Postgres
from streams.settings import Settings
from streams.stack import airflow
from streams.stack.broker_secrets import BROKER, forget_others, tell_broker
from streams.stack.stack import mark_home

__all__ = ["command"]

_PASSWORDS = "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"


@click.command("init")
def command() -> None:
    """
    Create topics, the lake and Airflow's metadata. It is safe to repeat.

    Use this command for servers that somebody else runs (docker-compose.yml runs it once). './caf up' does the same by
    itself. If a topic exists already, the command compares its settings with what they should be and names each
    difference. A difference that would break a guarantee is an error.

    If CAF_KAFKA_CONFIG names a folder with the file 'broker.properties', the command also gives the broker the logins
    and rights of all principals. It then needs the file of each principal.
    """
    settings, passwords = Settings.from_env(), os.environ.get(_PASSWORDS)
    if not passwords:
        raise SettingInvalid(f"{_PASSWORDS} is not set; it must name the file from which Airflow reads its passwords")
    mark_home(settings.home)
    if settings.kafka_config and (Path(settings.kafka_config) / f"{BROKER}.properties").exists():
        _admit(settings)
        click.echo("broker: all logins and rights exist")
    check_objects(settings, lambda sentence: click.echo(f"! {sentence}"))
    created = ensure_topics(settings)
    click.echo(f"topics: {', '.join(created) or 'all exist'}")
    refuse_differences(settings)
    for difference in differences(settings):
        click.echo(f"! {difference}")
    connect(settings).close()
    click.echo("lake: catalogs landing and marts exist")
    Postgres.of(settings).dsn(airflow.NAME)
    api = airflow.client(settings)
    airflow.complete_passwords(Path(passwords), {api.username: api.password})
    if subprocess.run([Path(sys.executable).parent / "airflow", "db", "migrate"], check=False).returncode:
        raise StackFailed("Airflow's metadata could not be created; Airflow's own messages are above")
    click.echo("airflow: metadata and passwords exist")


def _admit(settings: Settings) -> None:
    """Give a broker that was just made all logins and rights. Passwords that have changed are replaced."""
    known = partners(settings)
    logins = {one: librdkafka_login(settings.acting_as(one)) for one in principals(known)}
    with closing(admin(settings.acting_as(BROKER))) as client:
        tell_broker(client, {one: login["sasl.password"] for one, login in logins.items()})
        forget_others(client, logins)
        grant(client, known)
