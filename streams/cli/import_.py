"""`./caf import`: a council's files become events on the topics."""

import json
import sys
from pathlib import Path

import click

from streams.importers.cin_coverage import name_source, state_whole
from streams.importers.cin_file import header_of
from streams.importers.cin_xml import Imported, import_cin_xml, sending
from streams.settings import Settings

__all__ = ["command"]


@click.group("import")
def command() -> None:
    """Turn a council's files into events."""


@command.command("cin-xml")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Read and report, and send nothing.")
@click.option("--resubmission", is_flag=True, help="The file replaces an imported one of its year; the later counts.")
@click.option(
    "--covers",
    type=click.Choice(["whole", "part"]),
    default="part",
    show_default=True,
    help="Whether the file is the authority's whole return of its year; figures are made of a whole one alone.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def cin_xml(file: Path, *, check: bool, resubmission: bool, covers: str, as_json: bool) -> None:
    """Import a children-in-need census file (DfE, collection years 2017 to 2026).

    Every child becomes backfilled events; importing a file twice adds nothing. A child whose record is bad is
    reported with line, element and reason, and kept in CAF_HOME/imports; the rest is imported.
    What the file covers is stated to the lake (./caf coverage): a year of which a child was rejected is a part.

    Exit code 0: every child was imported or kept. 1: the file could not be read to its end.
    """
    settings = Settings.from_env()
    with click.progressbar(length=file.stat().st_size, label="reading", file=sys.stderr) as bar:

        def progress(read: int) -> None:
            bar.update(read - bar.pos)

        if check:
            done = import_cin_xml(settings, file, lambda _: None, is_resubmission=resubmission, progress=progress)
        else:
            name_source(settings, header_of(file))
            with sending(settings) as send:
                done = import_cin_xml(settings, file, send, is_resubmission=resubmission, progress=progress)
    is_whole = covers == "whole" and not (check or done.rejected or done.broken)
    if is_whole:
        state_whole(settings, header_of(file))
    figures = vars(done) | {"imported": done.imported, "covers": "whole" if is_whole else "part"}
    click.echo(json.dumps(figures, default=str) if as_json else _text(done))
    if covers == "whole" and not (check or is_whole):
        click.echo("not all of it was imported, so it is stated as a part: see ./caf coverage add", err=True)
    sys.exit(0 if done.broken is None else 1)


def _text(done: Imported) -> str:
    children = f"{done.imported} of {done.children} children imported, {done.rejected} rejected"
    lines = [
        f"{done.authority}, census of {done.year}: {children}, {sum(done.events.values())} events",
        *(f"  {count:>9,}  {type_}" for type_, count in sorted(done.events.items())),
        f"report: {done.report}",
    ]
    if done.rejects:
        lines.append(f"rejected records, to be mended and imported: {done.rejects}")
    if done.broken:
        lines.append(f"not read to its end: {done.broken}")
    return "\n".join(lines)
