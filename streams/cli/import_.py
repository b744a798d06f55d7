"""`./caf import`: turn a council's files into events on the topics."""

import json
import sys
from collections import Counter
from pathlib import Path

import click

from streams.cli.lake import lake_settings
from streams.importers.cin_coverage import name_source, state_whole
from streams.importers.cin_file import header_of
from streams.importers.cin_xml import Imported, read_cin_xml
from streams.importers.send import import_cin_xml
from streams.settings import Settings

__all__ = ["command"]

_FEW_REJECTED = 0.1
"""The highest share of rejected children for which the exit code is still 0."""


@click.group("import")
def command() -> None:
    """Turn a council's files into events."""


@command.command("cin-xml")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Only read the file and report. Needs no server.")
@click.option("--dry-run", is_flag=True, help="Read the file, compare it with what was sent before, and send nothing.")
@click.option("--resubmission", is_flag=True, help="The file replaces what was imported for its year.")
@click.option(
    "--covers",
    type=click.Choice(["whole", "part"]),
    default="part",
    show_default=True,
    help="Whether the file is the authority's whole return for its year. Only a whole return produces figures.",
)
@click.option("--yes", is_flag=True, help="With --resubmission: go on even if the file lacks most of the children.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def cin_xml(
    file: Path, *, check: bool, dry_run: bool, resubmission: bool, covers: str, yes: bool, as_json: bool
) -> None:
    """
    Import a children-in-need census file (DfE, collection years 2017 to 2026).

    Each child in the file is turned into events that are marked as history (backfill). Importing a file twice adds
    nothing. If the import cannot read something about a child, it leaves that out and reports it. A child without an
    id, or without any dated referral, is rejected and kept in CAF_HOME/imports. The import records in the lake what the
    file covers (./caf coverage). If a child was rejected, the file is recorded as incomplete.

    With --resubmission, facts of the file's year that the file no longer contains are withdrawn. To undo that, import
    the earlier file with --resubmission.

    Exit code 1: nothing was sent, or more than a tenth of the children were rejected.
    """
    settings = Settings.from_env() if check else lake_settings()
    with click.progressbar(length=file.stat().st_size, label="reading", file=sys.stderr) as bar:

        def progress(read: int) -> None:
            bar.update(read - bar.pos)

        if check:
            done = read_cin_xml(settings, file, lambda _: None, progress=progress)
        else:
            if not dry_run:
                name_source(settings, header_of(file))
            done = import_cin_xml(
                settings,
                file,
                is_resubmission=resubmission,
                is_dry_run=dry_run,
                may_leave_out_most=yes,
                progress=progress,
            )
    is_sent = not (check or dry_run or done.broken or done.withheld)
    is_whole = covers == "whole" and is_sent and not done.rejected
    if is_whole:
        state_whole(settings, header_of(file))
    figures = vars(done) | {"imported": done.imported, "covers": "whole" if is_whole else "part"}
    click.echo(json.dumps(figures, default=str) if as_json else _text(done))
    if not is_sent and not as_json and not (done.broken or done.withheld):
        click.echo("nothing was sent, because --check and --dry-run only report", err=True)
    if covers == "whole" and is_sent and not is_whole:
        click.echo("some children were rejected, so the year is stated as a part: see ./caf coverage add", err=True)
    is_loud = done.rejected > done.children * _FEW_REJECTED
    if is_loud:
        others = "; the others were sent" if is_sent else ""
        click.echo(
            f"REJECTED: {done.rejected:,} of {done.children:,} children{others}. See the reasons above.", err=True
        )
    if done.withheld:
        click.echo(f"NOTHING WAS SENT: {done.withheld}.", err=True)
    sys.exit(1 if is_loud or done.withheld or done.broken else 0)


def _text(done: Imported) -> str:
    children = f"{done.imported:,} of {done.children:,} children read, {done.rejected:,} rejected"
    lines = [
        f"{done.authority}, census of {done.year}: {children}, {sum(done.events.values()):,} facts",
        *(f"  {count:>9,}  {type_}" for type_, count in sorted(done.events.items())),
        *_flaws("rejected children", done.reasons, done),
        *_flaws("left out of children that were read", done.left_out, done),
    ]
    if done.differences is not None:
        counts = ", ".join(f"{count:,} {what}" for what, count in sorted(done.differences.items()))
        lines.append(f"compared with earlier imports: {counts}")
    if done.broken:
        lines.append(f"the file could not be read to its end: {done.broken}")
    lines.append(f"report: {done.report}")
    if done.rejects:
        lines.append(f"rejected records, to be corrected and imported: {done.rejects}")
    return "\n".join(lines)


def _flaws(title: str, kinds: Counter[str], done: Imported) -> list[str]:
    """List the kinds of errors with the line numbers of the file, the most frequent first. Each kind has one line."""
    if not kinds:
        return []
    found = []
    for kind, count in kinds.most_common():
        more = ", …" if count > len(done.lines[kind]) else ""
        found.append(f"  {count:>9,}  {kind} (line {', '.join(map(str, done.lines[kind]))}{more})")
    return [f"{title}:", *found]
