"""`./caf publish`: publish the figures that people outside the desk may see."""

import json
from datetime import datetime
from pathlib import Path

import click

from streams.cli.lake import lake_settings
from streams.cli.recorded import record
from streams.contracts.codesets import AuditAction
from streams.disclosure import Publication, begin, publish
from streams.errors import PublicationInvalid

__all__ = ["command"]


@click.command("publish")
@click.option(
    "--into", type=click.Path(dir_okay=False, path_type=Path), help="The file.  [default: public.duckdb in CAF_HOME]"
)
@click.option(
    "--begin",
    "begins_on",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Confirm that publication begins with the quarter that begins on this day. Nothing is published yet.",
)
@click.option("--authority", metavar="CODE", help="With --begin: the GSS code.  [default: CAF_AUTHORITY]")
@click.option("--why", help="With --begin: how you know that the records are complete from then on. No personal data.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def command(
    *, into: Path | None, begins_on: datetime | None, authority: str | None, why: str | None, as_json: bool
) -> None:
    """
    Publish the quarters that have closed, with small counts withheld, and replace the file of public tables.

    First, somebody must confirm an authority's first quarter with --begin. Before that, nothing of the authority is
    published. A quarter is published only if it is covered completely (./caf coverage). It is published once, 28 days
    after its end, and never changes. A collection year is published with its last quarter. Counts of 1 to 5 are
    withheld. Further counts are withheld so that nobody can work out the small ones. The file contains only the public
    tables, and is replaced as a whole.
    """
    if (begins_on is None) != (why is None) or (authority and begins_on is None):
        raise PublicationInvalid("give --begin and --why together, and --authority only with both")
    settings = lake_settings()
    if begins_on is not None:
        record(settings, AuditAction.PUBLICATION_BEGUN, f"{authority or settings.authority} {begins_on:%Y-%m-%d}")
        begin(settings, authority or settings.authority, begins_on.date(), str(why))
        click.echo(f"{authority or settings.authority} is published from the quarter of {begins_on:%Y-%m-%d} on")
        return
    record(settings, AuditAction.FIGURES_PUBLISHED)
    published = publish(settings, into)
    click.echo(json.dumps(_figures(published)) if as_json else _text(published))


def _figures(published: Publication) -> dict[str, object]:
    return {
        "quarters": [{"authority": code, "starts_on": str(quarter)} for code, quarter in published.quarters],
        "figures": published.figures,
        "withheld": published.withheld,
        "file": str(published.file),
        "uncovered": [{"authority": code, "starts_on": str(quarter)} for code, quarter in published.uncovered],
        "unbegun": published.unbegun,
    }


def _text(published: Publication) -> str:
    lines = [
        *(
            f"{code} {quarter} is not published, because it is not covered as a whole"
            for code, quarter in published.uncovered
        ),
        *(
            f"{code} is not published until somebody confirms its first quarter: "
            f"./caf publish --authority {code} --begin DAY --why …"
            for code in published.unbegun
        ),
    ]
    if not published.quarters:
        return "\n".join([*lines, f"no new quarter was published; {published.file} has all public figures"])
    quarters = ", ".join(f"{code} {quarter}" for code, quarter in published.quarters)
    figures = f"{published.figures:,} figures, {published.withheld:,} of them withheld"
    return "\n".join([*lines, f"{quarters}: {figures}; {published.file}"])
