"""Start PostgreSQL for the commands that read or write the lake. Opening the lake does not start it."""

from streams.settings import Settings
from streams.stack import postgres

__all__ = ["lake_settings"]


def lake_settings() -> Settings:
    """
    Return the settings after starting the embedded PostgreSQL of the home, unless it runs or the settings name another.

    Every command that uses the lake begins with this call, after it has checked its options. So the command also works
    in a home whose servers are down, and neither `--help` nor a wrong option starts anything. Commands that only look
    at the home use `Settings.from_env`.

    Raises:
        MachineUnfit: the machine lacks what the embedded server needs.
        StackFailed: the embedded server cannot be started.
    """
    settings = Settings.from_env()
    postgres.start(settings)
    return settings
