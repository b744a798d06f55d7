"""`./caf topics`: which topics the lake's rows are of, and that it is known that one was made again."""

import json

import click

from streams.cli.asking import confirm as ask
from streams.kafka.generations import Generation
from streams.lake.connect import connect
from streams.lake.generations import confirm, landed_generations
from streams.lake.login import login
from streams.settings import Settings

__all__ = ["command"]


@click.group("topics")
def command() -> None:
    """See which topics were deleted and made again, and confirm that this is known.

    Landing and alerts go on by themselves; the records of the topic made again are numbered on from those before.
    """


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a topic.")
def show(as_json: bool) -> None:
    """List the topics that have landed, with Kafka's id and how often each was made."""
    with connect(Settings.from_env(), marts=None) as lake:
        generations = landed_generations(lake)
    for topic, generation in sorted(generations.items()):
        click.echo(
            json.dumps({"topic": topic} | generation._asdict(), default=str) if as_json else _text(topic, generation)
        )


@command.command("confirm")
@click.argument("topic", metavar="TOPIC")
@click.option("--yes", is_flag=True, help="Do not ask.")
def agree(topic: str, yes: bool) -> None:
    """Confirm that a topic was made again: what was lost with the one before has been asked for once more."""
    ask(f"Has what was lost with {topic} been sent again, or is it known that nothing was?", yes=yes)
    with connect(Settings.from_env(), landing="read_write", marts=None) as lake:
        confirm(lake, topic, login())
    click.echo(f"confirmed: {topic} is no trouble any more")


def _text(topic: str, generation: Generation) -> str:
    if generation.number == 1:
        return f"{topic}  {generation.topic_id}"
    known = f"confirmed {generation.confirmed_at}" if generation.confirmed_at else "not confirmed"
    return (
        f"{topic}  {generation.topic_id}  made {generation.number} times, the last met {generation.known_at}, {known}"
    )
