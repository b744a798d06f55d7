"""The verbs of `./caf`, imported only when used, so that help and status answer at once."""

import errno
import os
import sys
from importlib import import_module

import click
import structlog

from streams.errors import CafError
from streams.stack.machine import prepare_process

__all__ = ["main"]

_VERBS = {
    "alerts": "see and follow alerts, test their path, check that somebody watches",
    "backtest": "try other thresholds of a rule on everything that has landed",
    "bench": "measure this machine, and try what it withstands",
    "build": "rebuild the marts, once or following what lands",
    "check": "check the code without running it: lint, format, generated files",
    "check-event": "check an event as a form must send it",
    "check-published": "whether the models count what the DfE has published",
    "contracts": "generate what is derived from the contract",
    "coverage": "of which population and time the records are: state it, list it, take it back",
    "demo": "the whole system on this machine, with a simulated borough",
    "desk": "who may log in to the pages, and as what",
    "docs": "the models, their columns and lineage as pages",
    "down": "stop the stack",
    "feedback": "tell referrers what was decided",
    "import": "turn a council's files into events",
    "init": "make topics, lake and metadata on servers that are there",
    "land": "write the topics into the lake",
    "measures": "what each figure means: unit, formula, numerator, denominator, source, caveat",
    "notebook": "from a question to a chart, on the running lake",
    "notify": "send alerts to a webhook or by e-mail",
    "pages": "serve the pages",
    "publish": "the figures that may be seen outside the desk",
    "quarantine": "list and show rejected records",
    "replay": "send rejected records again",
    "routes": "who gets which alert, and why",
    "rules": "the alert rules: what each says, reads, needs, and how it does",
    "share": "tell partners what the sharing policy permits",
    "simulate": "produce the events of a simulated borough",
    "sql": "query the lake",
    "status": "what runs, how fresh it is, whether anything is wrong",
    "test": "run the tests",
    "topics": "which topics were made again, and that this is known",
    "up": "start the stack in the background",
    "validations": "what holds the marts, and release it with a reason",
    "verify": "check that every record is accounted for",
    "watch": "raise alerts within a second",
}


_MACHINE = {
    errno.ENOSPC: "the disk is full; make room, or let CAF_HOME name another disk",
    errno.EDQUOT: "your share of the disk is used up; make room, or let CAF_HOME name another disk",
    errno.ENOTDIR: "a folder of this path is a file; name another path",
    errno.EROFS: "the disk can only be read; let CAF_HOME name another",
    errno.EACCES: "you may not use it; be the user whom it belongs to, or name another",
    errno.EPERM: "you may not use it; be the user whom it belongs to, or name another",
    errno.EMFILE: "too many files are open; raise the limit with 'ulimit -n 65536'",
    errno.ENFILE: "too many files are open on this machine",
    errno.ENOMEM: "there is no memory left",
    errno.ENAMETOOLONG: "the path is too long; let CAF_HOME name a shorter one",
    errno.EIO: "the disk fails to read or write",
}
"""What the machine refuses, and what to do; any other error of the system is a fault of the program."""


class _Verbs(click.Group):
    """Commands found by name in `streams.cli.<verb>`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _VERBS:
            return None
        module = "import_" if name == "import" else name.replace("-", "_")
        return import_module(f"streams.cli.{module}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_VERBS.items()))


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def caf() -> None:
    """Referrals, case changes and escalations: alerts within a second, need by locality within seconds.

    Start with './caf demo'. Every command explains itself with --help.
    Settings are CAF_* environment variables; state is in one folder, CAF_HOME.
    """


def main() -> None:
    """
    Run the command line; logs go to stderr.

    A known error, and what the machine refuses, is one sentence and exit code 1; CAF_DEBUG adds the traceback.
    """
    _log_to_stderr()
    try:
        prepare_process()
        caf(prog_name="./caf")
    except CafError as error:
        _end_with(str(error), error)
    except OSError as error:
        if error.errno not in _MACHINE:
            raise
        _end_with(f"{error.filename or error.strerror}: {_MACHINE[error.errno]}", error)


def _end_with(sentence: str, error: Exception) -> None:
    click.echo(f"caf: {sentence}", err=True)
    if os.environ.get("CAF_DEBUG"):
        raise error
    sys.exit(1)


def _log_to_stderr() -> None:
    """Keep stdout for what a command prints: people pipe it."""
    terminal = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer() if terminal else structlog.processors.LogfmtRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
