"""`./caf alerts show`: show one alert, all its versions, and the actions that people took on it."""

from datetime import UTC, datetime

import click

from streams.audit.entries import about_alerts
from streams.cli.alerts.listing import printer
from streams.cli.recorded import record
from streams.contracts.codesets import AuditAction
from streams.settings import Settings

__all__ = ["show"]


@click.command("show")
@click.argument("alert_id")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print as JSON the versions of this alert and of alerts about it, one a line, in UTC.",
)
def show(alert_id: str, as_json: bool) -> None:
    """
    Show one alert as it is now, and its history.

    The history says when the event happened, when its record arrived, when each version was written and for whom, and
    who acknowledged or closed the alert. The command also lists alerts that replaced this one or were raised about it.
    """
    from streams.tell.subscribers.story import read_story, steps
    from streams.tell.subscribers.times import local

    settings = Settings.from_env()
    story = read_story(settings, alert_id)
    shown = [alert for alert, _ in (*story.versions, *story.others)]
    record(settings, AuditAction.ALERTS_SEEN, "alerts show", about_alerts(shown))
    put = printer(as_json)
    if as_json:
        for alert, _ in (*story.versions, *story.others):
            put(alert)
        return
    put(story.versions[-1][0])
    click.echo("\nHistory (London time):")
    for step in steps(story):
        click.echo(f"  {local(step.at, datetime.now(UTC)):<22} {step.what}")
