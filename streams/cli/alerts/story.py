"""`./caf alerts show`: one alert, every version of it, and who did what with it."""

from datetime import UTC, datetime

import click

from streams.cli.alerts.listing import printer
from streams.settings import Settings

__all__ = ["show"]


@click.command("show")
@click.argument("alert_id")
@click.option("--json", "as_json", is_flag=True, help="Its versions and those of alerts about it, one a line, in UTC.")
def show(alert_id: str, as_json: bool) -> None:
    """Show one alert as it is now, and from the log what became of it: told, written, taken on, escalated, closed."""
    from streams.tell.subscribers.story import read_story, steps
    from streams.tell.subscribers.times import local

    story = read_story(Settings.from_env(), alert_id)
    put = printer(as_json)
    if as_json:
        for alert, _ in (*story.versions, *story.others):
            put(alert)
        return
    put(story.versions[-1][0])
    click.echo("\nWhat became of it (London time):")
    for step in steps(story):
        click.echo(f"  {local(step.at, datetime.now(UTC)):<22} {step.what}")
