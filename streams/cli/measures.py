"""`./caf measures`: show the definition of each figure."""

import json
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from streams.cli.generated_page import compare
from streams.measures import Measure, measure, measures
from streams.measures.page import PAGE, page
from streams.rules.compiled import project_manifest
from streams.settings import Settings

__all__ = ["command"]

_WIDTH = 100


@click.command("measures")
@click.argument("key", required=False)
@click.option("--write", is_flag=True, help="Write the page of all measures, docs/measures.md.")
@click.option("--check", is_flag=True, help="Only compare that page with the models; exit code 1 if it differs.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(*, key: str | None, write: bool, check: bool, as_json: bool) -> None:
    """
    List the measures of the marts, or define one: its title, unit, formula, period, source, caveat, and mart.

    The definitions come from the files of the dbt models. `marts.analytics.dim_measure` has the same definitions. If
    several marts have a measure of the same name, give KEY as `mart.key`.
    """
    found = measures(project_manifest(Settings.from_env()))
    if check:
        compare(PAGE, page(found), "./caf measures --write")
        return
    if write:
        PAGE.write_text(page(found))
        click.echo(PAGE, err=True)
    if key is not None:
        found = measure(found, key)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found]))
    elif key is not None:
        click.echo("\n\n".join(map(_shown, found)))
    else:
        click.echo(_listed(found), nl=False)


def _listed(found: list[Measure]) -> str:
    table = Table(Column("measure", no_wrap=True), "unit", "what", "where", box=None)
    for one in found:
        table.add_row(one.key, one.unit, Text(one.title), one.model)
    return _printed(table).rstrip("\n") + "\n"


def _shown(one: Measure) -> str:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in asdict(one).items():
        if name not in {"key", "model", "column"}:
            grid.add_row(name, Text(text))
    place = f"column {one.column}" if one.column else f"value where measure = '{one.key}'"
    grid.add_row("where", Text(f"marts.analytics.{one.model}, {place}"))
    return f"{one.key}\n{_printed(grid)}".rstrip("\n")


def _printed(table: Table) -> str:
    console = Console(width=_WIDTH)
    with console.capture() as captured:
        console.print(table)
    return captured.get()
