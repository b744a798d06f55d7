"""The commands of `./caf`. Each command is imported only when it is used, so that help and status start quickly."""

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
    "about": "give what is held about a person or family, for a request of access",
    "alerts": "show and follow alerts, send a test alert, check that the watcher is alive",
    "backup": "copy the lake and what people have entered, list such copies, and check them",
    "audit": "list who saw or did what, and prove that no entry was changed",
    "backtest": "try other thresholds of a rule on everything that has landed",
    "bench": "measure this machine, and test which faults the stack survives",
    "build": "rebuild the marts, once or whenever something lands",
    "check": "check the code without running it: lint, format, types, generated files",
    "check-event": "check whether a form may send an event",
    "check-published": "compare what the models count with the figures that the DfE has published",
    "contracts": "generate the files that are derived from the contract",
    "coverage": "say for which time the records are complete, list such statements, and remove one",
    "demo": "run the whole system on this machine, with a simulated borough",
    "desk": "manage who may log in to the pages, and what they may see",
    "docs": "write pages about the models: columns and lineage",
    "down": "stop the stack",
    "erase": "forget a family or a person, after two people have agreed to it",
    "feedback": "write letters that tell referrers what was decided",
    "governance": "write what a governance board asks for, from the configuration",
    "import": "turn a council's files into events",
    "init": "create topics, lake and metadata on servers that run already",
    "intake": "pass on what partners send, and refuse what they must not say",
    "land": "write the records of all topics into the lake",
    "measures": "define each figure: unit, formula, numerator, denominator, source, caveat",
    "notebook": "open a notebook that leads from a question to a chart, with data from the running lake",
    "notify": "send alerts to a webhook or by e-mail",
    "pages": "serve the pages",
    "publish": "publish the figures that people outside the desk may see",
    "quarantine": "list and show rejected records",
    "replay": "send rejected records again",
    "restore": "make a home from a backup, and verify it",
    "routes": "show who receives which alert, and why",
    "rules": "list the alert rules: what each says, reads and needs, and how it performs",
    "secrets": "list the passwords and keys of this home, and replace them",
    "share": "tell partners what the sharing policy permits",
    "simulate": "send the events of a simulated borough",
    "sql": "query the lake",
    "status": "show what runs, what waits, and whether anything is wrong",
    "test": "run the tests",
    "topics": "list topics that were recreated, and confirm that you know about it",
    "up": "start the stack in the background",
    "validations": "list what holds the marts, and release a hold with a reason",
    "verify": "check that every record is accounted for",
    "watch": "evaluate events as they arrive, and raise alerts within a second",
}


_MACHINE = {
    errno.ENOSPC: "the disk is full; delete something, or set CAF_HOME to a folder on another disk",
    errno.EDQUOT: "your disk quota is used up; delete something, or set CAF_HOME to a folder on another disk",
    errno.ENOTDIR: "part of this path is a file, not a folder; choose another path",
    errno.EROFS: "the disk is read-only; set CAF_HOME to a folder on another disk",
    errno.EACCES: "you have no permission to use it; run this as the user who owns it, or choose another",
    errno.EPERM: "you have no permission to use it; run this as the user who owns it, or choose another",
    errno.EMFILE: "too many files are open; raise the limit with 'ulimit -n 65536'",
    errno.ENFILE: "too many files are open on this machine",
    errno.ENOMEM: "there is no memory left",
    errno.ENAMETOOLONG: "the path is too long; set CAF_HOME to a shorter one",
    errno.EIO: "the disk cannot be read or written",
}
"""
Operating system errors that the machine causes, and the user's remedy for each.

Any other operating system error is a bug in the program.
"""


class _Verbs(click.Group):
    """A group that finds its commands by name in `streams.cli.<command>`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _VERBS:
            return None
        module = "import_" if name == "import" else name.replace("-", "_")
        found: click.Command = import_module(f"streams.cli.{module}").command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_VERBS.items()))


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def caf() -> None:
    """
    Turn referrals, case changes and escalations into alerts within a second, and into figures within seconds.

    Start with './caf demo'. Every command explains itself with --help.
    Settings are environment variables named CAF_*. All state is in one folder, CAF_HOME.
    """


def main() -> None:
    """
    Run the command line. Logs go to stderr.

    If a known error occurs, or an error that the machine causes, the program prints one sentence and ends with exit
    code 1. If CAF_DEBUG is set, it also prints the traceback.
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
    except Exception as error:
        if (reason := _of_object_store(error)) is None:
            raise
        _end_with(str(reason), error)


def _of_object_store(error: Exception) -> CafError | None:
    """Return why the object store of the lake does not do what it should, or None if the error is another one."""
    # The modules are imported only here, so that help and status start quickly.
    if type(error).__name__ not in {"IOException", "HTTPException"}:
        return None
    duckdb = import_module("duckdb")
    settings = import_module("streams.settings").Settings.from_env()
    if not isinstance(error, duckdb.IOException) or not settings.is_in_object_store:
        return None
    reason: CafError = import_module("streams.lake.object_check").explained(settings, error)
    return reason


def _end_with(sentence: str, error: Exception) -> None:
    click.echo(f"caf: {sentence}", err=True)
    if os.environ.get("CAF_DEBUG"):
        raise error
    sys.exit(1)


def _log_to_stderr() -> None:
    """Send logs to stderr, so that stdout, which people pipe, contains only the output of the command."""
    terminal = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer() if terminal else structlog.processors.LogfmtRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
