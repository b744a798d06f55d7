"""
`./caf alerts`: show alerts, follow them, act on them, and test that they arrive.

Each subcommand has its own module.
"""

from streams.cli.alerts.act import ack, close, undo
from streams.cli.alerts.listing import command
from streams.cli.alerts.story import show
from streams.cli.alerts.trial import check, trial

__all__ = ["command"]

command.add_command(trial)
command.add_command(check)
command.add_command(show)
command.add_command(ack)
command.add_command(close)
command.add_command(undo)
