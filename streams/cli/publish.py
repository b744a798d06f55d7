"""`./caf publish`: the figures that may be seen outside the desk."""

import json
from pathlib import Path

import click

from streams.disclosure import Published, publish
from streams.settings import Settings

__all__ = ["command"]


@click.command("publish")
@click.option("--into", type=click.Path(dir_okay=False, path_type=Path), help="The file; public.duckdb of the home.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def command(*, into: Path | None, as_json: bool) -> None:
    """Publish the quarters that have closed, with small counts withheld, and write the file of public tables anew.

    A quarter is published once, 28 days after its end, and never changes; a collection year with its last quarter.
    Counts of 1 to 5 are withheld, and as many more as it takes that none of them can be worked out.
    The file has nothing but the public tables, and is replaced at once.
    """
    published = publish(Settings.from_env(), into)
    click.echo(json.dumps(_figures(published)) if as_json else _text(published))


def _figures(published: Published) -> dict[str, object]:
    return {
        "quarters": [{"authority": code, "starts_on": str(quarter)} for code, quarter in published.quarters],
        "figures": published.figures,
        "withheld": published.withheld,
        "file": str(published.file),
    }


def _text(published: Published) -> str:
    if not published.quarters:
        return f"no quarter has closed since the last time; {published.file} has all that is public"
    quarters = ", ".join(f"{code} {quarter}" for code, quarter in published.quarters)
    return f"{quarters}: {published.figures:,} figures, {published.withheld:,} of them withheld; {published.file}"
