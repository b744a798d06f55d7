"""`./caf check-published`: whether the models count what the DfE has published."""

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
@click.option("--limit", type=click.IntRange(min=1), help="At most so many authorities and years.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures and every difference as JSON.")
def command(
    *, files: tuple[Path, ...], authorities: tuple[str, ...], years: tuple[int, ...], limit: int | None, as_json: bool
) -> None:
    """Make events that give the published figures of FILES, count them with the models, and compare.

    FILES are tables c1, c5 and c6 of the DfE's Characteristics of children in need, with the ONS mid-year estimates,
    as they are downloaded, or one figure a line as in streams/reference/published_cin.csv.
    Each authority and year is a world of its own; nothing is sent, and the lake is not touched.
    The exit code is 0 only if every figure that can be compared is equal to the published decimal, and everything in
    FILES can be read; what cannot is named on standard error, left out, and the rest compared.
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
        click.echo(f"{len(problems):,} problems; the first {_SHOWN} are shown", err=True)
    checked = check(Settings.from_env(), wanted[:limit], progress=_say)
    if as_json:
        click.echo(json.dumps(_figures(checked) | {"problems": problems}))
    else:
        _show(checked)
    sys.exit(0 if checked.ok and not problems else 1)


def _say(done: int, of: int) -> None:
    """One line on standard error that is written over; a line for every hundred where nobody looks."""
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
        click.echo(f"the first {_SHOWN} are shown; --json has all")
    click.echo(f"{checked.seconds:.1f} s, {checked.seconds / checked.authority_years:.2f} s an authority-year")
