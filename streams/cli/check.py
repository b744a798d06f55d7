"""`./caf check`: check the code without running it."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

import click

from streams.settings import PROJECT

__all__ = ["command"]

_OWN = ("-P", "-m", "streams.cli")

_CHECKS: Mapping[str, Sequence[str]] = {
    "Python": ("-m", "ruff", "check", "."),
    "format": ("-m", "ruff", "format", "--check", "."),
    "types": ("-m", "mypy"),
    "generated": (*_OWN, "contracts", "generate", "--check"),
    "rules": (*_OWN, "rules", "--check"),
    "measures": (*_OWN, "measures", "--check"),
    "governance": (*_OWN, "governance", "--check"),
    "YAML": ("-m", "yamllint", "--strict", "."),
    "SQL": ("-m", "sqlfluff", "lint", "dbt_project"),
}
_FIXES: Mapping[str, Sequence[str]] = {
    "Python": ("-m", "ruff", "check", "--fix", "."),
    "format": ("-m", "ruff", "format", "."),
    "generated": (*_OWN, "contracts", "generate"),
    "rules": (*_OWN, "rules", "--write"),
    "measures": (*_OWN, "measures", "--write"),
    "governance": (*_OWN, "governance", "--write"),
    "SQL": ("-m", "sqlfluff", "fix", "dbt_project"),
}


@click.command("check")
@click.option("--fix", is_flag=True, help="First repair what the tools can repair by themselves.")
@click.argument("names", nargs=-1, type=click.Choice([*_CHECKS], case_sensitive=False), metavar="[CHECK]...")
def command(fix: bool, names: Sequence[str]) -> None:
    """
    Check the code without running it: lint, format, types, generated files and pages.

    CHECK is one or several of Python, format, types, generated, rules, measures, governance, YAML, SQL. Without CHECK,
    all checks run. The exit code is 1 if a check fails. A check that fails prints what its tool says.
    """
    chosen = [name for name in _CHECKS if not names or name in names]
    if fix:
        for name in chosen:
            if name in _FIXES:
                _run(_FIXES[name])
    failed = [name for name in chosen if not _holds(name)]
    if failed:
        click.echo(f"failed: {', '.join(failed)}", err=True)
        sys.exit(1)


def _holds(name: str) -> bool:
    """Run a check and print its result. Print the output of the check only if it failed."""
    started = time.monotonic()
    done = _run(_CHECKS[name])
    seconds = time.monotonic() - started
    click.echo(f"{name:10} {'failed' if done.returncode else 'ok'}, {seconds:.1f} s")
    if done.returncode:
        click.echo(done.stdout)
    return done.returncode == 0


def _run(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "FORCE_COLOR": "1" if sys.stdout.isatty() else "0"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
