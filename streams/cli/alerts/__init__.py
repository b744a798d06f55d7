"""`./caf alerts`: see alerts, follow them, test their path. A module for each of its verbs."""

from streams.cli.alerts.listing import command
from streams.cli.alerts.story import show
from streams.cli.alerts.trial import check, trial

__all__ = ["command"]

command.add_command(trial)
command.add_command(check)
command.add_command(show)
