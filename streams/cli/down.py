"""`./caf down`: stop the stack and, with `--purge`, remove its state."""

import click

from streams.cli.asking import confirm
from streams.settings import Settings
from streams.stack import stack

__all__ = ["command"]


@click.command("down")
@click.option("--purge", is_flag=True, help="Also remove CAF_HOME: Kafka log, lake, databases, environment.")
@click.option("--yes", is_flag=True, help="Do not ask before removing it.")
def command(purge: bool, yes: bool) -> None:
    """Stop all servers and parts that were started from this home."""
    settings = Settings.from_env()
    if purge:
        confirm(f"Remove {settings.home} with every event, alert and figure in it?", yes=yes)
    stopped = stack.down(settings, purge=purge)
    click.echo(
        f"stopped: {', '.join(stopped) or 'nothing was running'}" + (f"; removed {settings.home}" if purge else "")
    )
