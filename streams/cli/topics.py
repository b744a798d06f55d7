"""`./caf topics`: list the landed topics with their generations, and confirm that a topic was recreated."""

import json

import click

from streams.cli.asking import confirm as ask
from streams.cli.lake import lake_settings
from streams.kafka.generations import Generation
from streams.lake.connect import connect
from streams.lake.generations import confirm, landed_generations
from streams.lake.login import login

__all__ = ["command"]


@click.group("topics")
def command() -> None:
    """
    List the topics that were deleted and recreated, and confirm that you know about it.

    Landing and alerts continue by themselves. In the lake, the offsets of a recreated topic continue after those of the
    old one.
    """


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a topic.")
def show(as_json: bool) -> None:
    """List the landed topics. Show Kafka's id of each topic, and how many times the topic was created."""
    with connect(lake_settings(), marts=None) as lake:
        generations = landed_generations(lake)
    for topic, generation in sorted(generations.items()):
        click.echo(
            json.dumps({"topic": topic} | generation._asdict(), default=str) if as_json else _text(topic, generation)
        )


@command.command("confirm")
@click.argument("topic", metavar="TOPIC")
@click.option("--yes", is_flag=True, help="Do not ask.")
def agree(topic: str, yes: bool) -> None:
    """Confirm that a topic was recreated, and that partners were asked to send the lost records again."""
    ask(f"Have the records lost with {topic} been sent again, or do you know that none were lost?", yes=yes)
    with connect(lake_settings(), landing="read_write", marts=None) as lake:
        confirm(lake, topic, login())
    click.echo(f"confirmed: './caf status' no longer reports {topic}")


def _text(topic: str, generation: Generation) -> str:
    if generation.number == 1:
        return f"{topic}  {generation.topic_id}"
    known = f"confirmed {generation.confirmed_at}" if generation.confirmed_at else "not confirmed"
    return (
        f"{topic}  {generation.topic_id}  created {generation.number} times, "
        f"the last one noticed {generation.known_at}, {known}"
    )
