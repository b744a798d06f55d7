"""`./caf coverage`: say for which population and time the records are complete."""

import json
from dataclasses import asdict
from datetime import datetime

import click

from streams.cli.lake import lake_settings
from streams.coverage import EVERY_SOURCE, KINDS, Statement, remove, standing, state, statement
from streams.lake.connect import connect
from streams.lake.schema import ensure_landing
from streams.settings import Settings

__all__ = ["command"]

_DAY = click.DateTime(["%Y-%m-%d"])
_KINDS = "\n".join(f"  {kind:<12} {meaning}" for kind, meaning in KINDS.items())


@click.group("coverage")
def command() -> None:
    """
    Say for which time the records of an authority are complete, for each source and each kind of figures.

    Figures exist only for covered time. Time that is not covered has no figure, and never shows 0. Unless somebody
    states something else, a kind of figures is covered from the day on which its first live event arrived. History that
    is sent later (`backfill`) counts as covered only after somebody has stated this. Alerts do not depend on coverage.
    """


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a statement.")
def show(as_json: bool) -> None:
    """List the statements of coverage. The days for which there are figures are in marts.analytics.dim_coverage."""
    with connect(lake_settings(), landing="read_write", marts=None) as lake:
        ensure_landing(lake)
        stands = standing(lake)
    for one in stands:
        click.echo(json.dumps(asdict(one), default=str) if as_json else _text(one))
    if not stands and not as_json:
        click.echo("there are no statements: figures begin with the first live event of each kind")


def _epilog() -> str:
    return f"\b\nKinds:\n{_KINDS}"


@command.command("add", epilog=_epilog())
@click.option("--authority", metavar="CODE", help="GSS code.  [default: CAF_AUTHORITY]")
@click.option(
    "--source",
    default=EVERY_SOURCE,
    show_default=True,
    help="CloudEvents source; * means every source that no statement names.",
)
@click.option("--kinds", default="all", show_default=True, help="Kinds of figures, separated by commas.")
@click.option("--from", "covers_from", type=_DAY, required=True, help="First day, London.")
@click.option("--to", "covers_to", type=_DAY, help="Last day, London.  [default: no last day]")
@click.option(
    "--whole/--part",
    "is_whole",
    required=True,
    help="The source has all records of the authority, or only a part. A part produces no figures.",
)
@click.option("--why", required=True, help="How you know this; stored with the statement. No personal data.")
def add(
    *,
    authority: str | None,
    source: str,
    kinds: str,
    covers_from: datetime,
    covers_to: datetime | None,
    is_whole: bool,
    why: str,
) -> None:
    """
    Say what a source covers. If several statements cover one day, the latest statement counts.

    If a source failed and sent nothing for some days, give these days with --part.
    """
    made = statement(
        authority or Settings.from_env().authority,
        source,
        tuple(KINDS) if kinds == "all" else [kind.strip() for kind in kinds.split(",")],
        covers_from.date(),
        covers_to.date() if covers_to else None,
        is_whole=is_whole,
        why=why,
    )
    with connect(lake_settings(), landing="read_write", marts=None) as lake:
        stands = state(lake, made)
    said = "" if stands is made else "this was stated before: "
    click.echo(f"{said}{_text(stands)}\nthe next build uses it")


@command.command("remove")
@click.argument("statement_id", metavar="STATEMENT")
@click.option("--why", required=True, help="Why you remove the statement; stored with it. No personal data.")
def take_back(statement_id: str, why: str) -> None:
    """Remove a statement of coverage, as if it had never been made."""
    with connect(lake_settings(), landing="read_write", marts=None) as lake:
        found = remove(lake, statement_id, why)
    click.echo(f"taken back: {_text(found)}\nthe next build uses the statements that are left")


def _text(one: Statement) -> str:
    extent = "whole" if one.is_whole else "part"
    kinds = "all kinds" if len(one.kinds) == len(KINDS) else ", ".join(one.kinds)
    return (
        f"{one.statement_id}  {one.authority_code}  {one.covers_from} to {one.covers_to or 'now'}  {extent}  "
        f"{one.source}  {kinds}  ({one.stated_by}, {one.stated_at:%Y-%m-%d %H:%M} UTC: {one.why})"
    )
