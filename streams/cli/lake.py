"""Run PostgreSQL for the commands that read or write the lake. Opening the lake does not start it."""

import click

from streams.settings import Settings
from streams.stack import on_demand

__all__ = ["lake_settings"]


def lake_settings(*, stays: bool = False) -> Settings:
    """
    Return the settings, after starting the embedded PostgreSQL of the home if it is down.

    When the command ends, the server is stopped again if a command has started it and no other command uses it. With
    `stays`, it goes on running, because the user needs it after the command.

    Every command that uses the lake begins with this call, after it has checked its options. So the command also works
    in a home whose servers are down, and neither `--help` nor a wrong option starts anything. Commands that only look
    at the home use `Settings.from_env`.

    Raises:
        MachineUnfit: the machine lacks what the embedded server needs.
        StackFailed: the embedded server cannot be started.
    """
    settings = Settings.from_env()
    if stays:
        on_demand.start_postgres_to_stay(settings)
    else:
        click.get_current_context().with_resource(on_demand.postgres_running(settings))
    return settings
