"""`./caf check-published`: compare the models' figures with the figures that the DfE has published."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from streams.dfe_check import Checked, check, read_figures
from streams.settings import Settings

__all__ = ["command"]

_SHOWN = 50


@click.command("check-published")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--authority", "authorities", multiple=True, metavar="CODE", help="Only this authority (GSS code).")
@click.option("--year", "years", multiple=True, type=int, help="Only the year to 31 March of this year.")
@click.option("--limit", type=click.IntRange(min=1), help="Compare at most this many authority-years.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures and every difference as JSON.")
def command(
    *, files: tuple[Path, ...], authorities: tuple[str, ...], years: tuple[int, ...], limit: int | None, as_json: bool
) -> None:
    """
    Compare the figures that the DfE has published with what the models count.

    The command makes events from the figures in FILES, and counts these events with the models.

    FILES are tables c1, c5 and c6 of the DfE's Characteristics of children in need and the ONS mid-year estimates, all
    as they are downloaded. Or FILES have one figure on each line, as in streams/reference/published_cin.csv. Each
    authority and year is compared separately. The command sends nothing and does not touch the lake.

    If the command cannot read something in FILES, it says so on standard error and compares the rest. The exit code is
    0 only if the command could read everything and found no difference. Figures must agree to the last published
    decimal.
    """
    problems: list[str] = []
    wanted = [
        one
        for one in read_figures(files, problems.append)
        if (not authorities or one.authority in authorities) and (not years or one.year in years)
    ]
    for problem in problems[:_SHOWN]:
        click.echo(problem, err=True)
    if len(problems) > _SHOWN:
        click.echo(f"{len(problems):,} problems; these are the first {_SHOWN}", err=True)
    checked = check(Settings.from_env(), wanted[:limit], progress=_say)
    if as_json:
        click.echo(json.dumps(_figures(checked) | {"problems": problems}))
    else:
        _show(checked)
    sys.exit(0 if checked.ok and not problems else 1)


def _say(done: int, of: int) -> None:
    """
    Show progress on standard error.

    On a terminal, one line is overwritten. In a file, a new line is added for every 100 authority-years.
    """
    console = Console(stderr=True)
    if console.is_terminal:
        console.print(f"{done:,} of {of:,} authority-years", end="\n" if done == of else "\r")
    elif done % 100 == 0 or done == of:
        click.echo(f"{done:,} of {of:,} authority-years", err=True)


def _figures(checked: Checked) -> dict[str, object]:
    return {
        "authority_years": checked.authority_years,
        "records": checked.records,
        "compared": checked.compared,
        "equal": checked.equal,
        "different": [asdict(one) for one in checked.different],
        "not_compared": dict(checked.left),
        "seconds": round(checked.seconds, 2),
        "seconds_per_authority_year": round(checked.seconds / checked.authority_years, 3),
    }


def _show(checked: Checked) -> None:
    click.echo(
        f"{checked.authority_years:,} authority-years, {checked.records:,} events, "
        f"{checked.compared:,} figures compared: {checked.equal:,} equal, {len(checked.different):,} different"
    )
    for reason, count in checked.left.most_common():
        click.echo(f"not compared: {count:,} ({reason})")
    if checked.different:
        table = Table("authority", "year", "table", "measure", "published", "ours")
        for one in checked.different[:_SHOWN]:
            table.add_row(*map(str, asdict(one).values()))
        Console().print(table)
    if len(checked.different) > _SHOWN:
        click.echo(f"these are the first {_SHOWN}; --json prints all")
    click.echo(f"{checked.seconds:.1f} s, {checked.seconds / checked.authority_years:.2f} s an authority-year")
