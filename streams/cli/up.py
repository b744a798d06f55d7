"""`./caf up`: start the stack in the background, for daily work."""

import click

from streams.backup.unfinished import refuse_unfinished_home
from streams.kafka.topics import ensure_topics
from streams.lake.connect import connect
from streams.lake.object_check import check_objects
from streams.settings import Settings
from streams.stack import airflow, pages, private, stack

__all__ = ["command", "start"]


@click.command("up")
def command() -> None:
    """
    Start PostgreSQL, Kafka, the pages, and Airflow with all DAGs in the background.

    It is safe to repeat: what runs already keeps running. All state is in CAF_HOME. './caf down' stops everything.
    """
    settings = Settings.from_env()
    start(settings)
    api = airflow.client(settings)
    click.echo(f"Airflow   {api.url}  (user {api.username}, password {api.password})")
    click.echo(
        f"Pages     {pages.service(settings).address}  (published figures; './caf desk add NAME' makes an account)"
    )
    click.echo(f"Kafka     {settings.bootstrap}")
    click.echo("Events    './caf simulate' sends a simulated year; './caf status' shows how each part is")


def start(settings: Settings) -> None:
    """
    Start every server, and create the topics and the lake before the first DAG runs.

    Raises:
        RestoreRefused: the home was restored only in part.
        LakeUnavailable: the lake is in an object store that does not answer, or does not allow what the lake needs.
    """
    refuse_unfinished_home(settings.home)
    stack.check_machine(settings)
    private.report_open_lake(settings, _say)
    check_objects(settings, _say)
    stack.up(settings, ("postgres", "kafka"), say=_say)
    ensure_topics(settings)
    connect(settings).close()
    stack.up(settings, (pages.service(settings), "airflow"), say=_say)


def _say(sentence: str) -> None:
    click.echo(sentence, err=True)
