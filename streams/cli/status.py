"""`./caf status`: show the state of each part, how many records wait for it, and what is wrong."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import click
import duckdb
from rich.console import Console
from rich.table import Table

from streams.errors import PartSilent, SettingInvalid
from streams.health.look import Health, Observer
from streams.health.parts import parts
from streams.health.row import Row, spell
from streams.health.scheduler import COMPONENTS
from streams.settings import Settings

__all__ = ["command"]

_MARKS = {"well": "[green]✓[/]", "amber": "[yellow]![/]", "red": "[red]✗[/]"}


@click.command("status")
@click.option("--check", "part", metavar="PART", help="Check one part only; exit code 1 if it is red.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def command(part: str | None, as_json: bool) -> None:
    """
    Show the state of each part, how many records wait for it and for how long, and what is wrong.

    The exit code is 1 if anything is red: a part does not run, makes no progress while records wait, restarts again and
    again, fails, or falls behind. A sentence says what is wrong, since when, and what to do.

    `--check land` is the dead-man check of one part: run it from outside, for example each minute.
    """
    settings = Settings.from_env()
    health = Observer(settings, _holds if part in {None, "build"} else None).look()
    if part is not None:
        _check(health, part, settings, as_json=as_json)
        return
    if as_json:
        facts = {
            "parts": [asdict(row) for row in health.rows],
            "troubles": health.troubles,
            "warnings": health.warnings,
        }
        click.echo(json.dumps(facts, default=str))
    else:
        _show(health)
    sys.exit(1 if health.troubles else 0)


def _holds(lake: duckdb.DuckDBPyConnection) -> Sequence[object]:
    """
    Return the holds on the marts.

    `expectations` is imported inside this function, because the import takes seconds and only the state of `build`
    needs it.
    """
    from expectations import holds

    return holds(lake)


def _check(health: Health, part: str, settings: Settings, *, as_json: bool) -> None:
    row = health.row(part)
    if row is None:
        known = dict.fromkeys([row.part for row in health.rows] + [each.name for each in parts(settings)])
        known |= dict.fromkeys(["lake", *COMPONENTS])
        if part not in known:
            raise SettingInvalid(f"no part is called {part!r}; known: {', '.join(known)}")
        raise PartSilent(f"the state of {part} is not known: {'; '.join(health.troubles) or 'it was not checked'}")
    if as_json:
        click.echo(json.dumps(asdict(row), default=str))
    if row.level == "red":
        raise PartSilent(row.says)
    if not as_json:
        click.echo(row.says or f"{part} is well: {row.state}")


def _show(health: Health) -> None:
    console = Console()
    table = Table("", "server", "state", "address", "memory", box=None, header_style="bold")
    for row in health.servers:
        memory = f"{row.memory_mb:,.0f} MB" if row.memory_mb else ""
        table.add_row(_MARKS[row.level], row.part, row.state, row.address, memory)
    console.print(table)
    columns = ("", "part", "state", "for", "waiting", "oldest", "rate/s", "restarts", "last error")
    table = Table(*columns, box=None, header_style="bold")
    for row in health.parts:
        table.add_row(_MARKS[row.level], *_cells(row, health.looked_at))
    console.print(table)
    for row in health.rows:
        if row.level != "well":
            colour = "red" if row.level == "red" else "yellow"
            console.print(
                f"{'✗' if row.level == 'red' else '!'} {row.says}", style=colour, highlight=False, markup=False
            )
    if not health.troubles and not health.warnings:
        console.print("\n✓ all is well", style="green")


def _cells(row: Row, now: datetime) -> list[str]:
    return [
        row.part,
        row.state,
        spell(max(0.0, (now - row.since).total_seconds())) if row.since else "",
        "" if row.waiting is None else f"{row.waiting:,}",
        spell(row.waiting_seconds) if row.waiting_seconds else "",
        "" if row.rate is None else f"{row.rate:,.1f}",
        str(row.restarts or ""),
        f"{row.error} {row.error_at.astimezone(UTC):%H:%M}" if row.error and row.error_at else "",
    ]
