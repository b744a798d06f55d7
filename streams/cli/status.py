"""`./caf status`: what runs, how far each part has come, whether anything is wrong."""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.table import Table

from streams.errors import CafError
from streams.progress import Progress, progress
from streams.settings import Settings
from streams.stack import stack

__all__ = ["command"]

SILENT_AFTER_SECONDS = 10
"""Age of the newest heartbeat from which the watcher counts as silent."""


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def command(as_json: bool) -> None:
    """Show the parts of the stack, how far each stage has come, and what is wrong.

    Exits with 1 when a part is down, the watcher is silent, the marts are held, or a topic breaks a promise.
    """
    settings = Settings.from_env()
    parts = stack.status(settings)
    troubles = [f"{part.part} is {part.state}" for part in parts if part.state != "running"]
    stages = None
    # The lake's server would be started by asking it; a stack that is down is not brought up by a question.
    if not troubles:
        try:
            stages = progress(settings)
            troubles += _troubles(stages) + _holds(settings) + _topics(settings)
        except CafError as error:
            troubles.append(str(error))
    if as_json:
        click.echo(json.dumps(_facts(parts, stages, troubles), default=str))
    else:
        _show(parts, stages, troubles)
    sys.exit(1 if troubles else 0)


def _troubles(stages: Progress) -> list[str]:
    if stages.judged_at is None:
        return ["the watcher has never given a sign of life"]
    silent = (datetime.now(UTC) - stages.judged_at).total_seconds()
    return [f"the watcher has been silent for {silent:.0f} s"] if silent > SILENT_AFTER_SECONDS else []


def _holds(settings: Settings) -> list[str]:
    from expectations import holds
    from streams.lake.connect import connect

    with connect(settings) as lake:
        return [f"the marts are held: {hold}" for hold in holds(lake)]


def _topics(settings: Settings) -> list[str]:
    from streams.kafka.topics import differences
    from streams.lake.topic_ids import topics_made_anew

    broken = [str(difference) for difference in differences(settings) if difference.breaks]
    return broken + [f"topic {topic} was deleted and made again" for topic in topics_made_anew(settings)]


def _facts(parts: list[stack.PartStatus], stages: Progress | None, troubles: list[str]) -> dict[str, object]:
    facts: dict[str, object] = {"parts": [asdict(part) for part in parts], "troubles": troubles}
    if stages:
        facts |= {
            "produced": sum(map(sum, stages.produced.values())),
            "behind": {
                "watch": stages.behind(stages.judged),
                "land": stages.behind(stages.landed),
                "build": stages.behind(stages.built),
            },
            "heartbeat_at": stages.judged_at,
            "built_at": stages.built_at,
        }
    return facts


def _show(parts: list[stack.PartStatus], stages: Progress | None, troubles: list[str]) -> None:
    console = Console()
    table = Table("part", "state", "address", "memory", box=None, header_style="bold")
    for part in parts:
        table.add_row(part.part, part.state, part.address, f"{part.memory_mb:,.0f} MB" if part.memory_mb else "")
    console.print(table)
    if stages:
        now = datetime.now(UTC)
        console.print(f"\n{sum(map(sum, stages.produced.values())):,} records produced; behind:")
        console.print(f"  watch {stages.behind(stages.judged):,} records, {_age(now, stages.judged_at)}")
        console.print(f"  land  {stages.behind(stages.landed):,} records")
        console.print(f"  build {stages.behind(stages.built):,} records, {_age(now, stages.built_at)}")
    for trouble in troubles:
        console.print(f"✗ {trouble}", style="red", highlight=False)
    if not troubles:
        console.print("\n✓ all is well", style="green")


def _age(now: datetime, then: datetime | None) -> str:
    return "never" if then is None else f"{(now - then).total_seconds():.0f} s ago"
