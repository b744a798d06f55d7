"""`./caf about`: give everything that is held about a person or family."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO

import click
import structlog

from streams.cli.lake import lake_settings
from streams.cli.recorded import record
from streams.contracts.codesets import AuditAction
from streams.private import opened_privately
from streams.subject_access.policy import POLICY_FILE, Kind, read_policy

__all__ = ["command"]

log = structlog.get_logger()


@click.command("about")
@click.argument("id_", metavar="PERSON|FAMILY")
@click.option(
    "--for",
    "reader",
    type=click.Choice(["subject", "officer"]),
    default="subject",
    show_default=True,
    help="Whom the answer is for: the person who asked, or the officer who answers.",
)
@click.option("--as", "kind", type=click.Choice(["person", "family"]), help="What the id stands for, if unclear.")
@click.option(
    "--policy",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=POLICY_FILE,
    help="File with another policy in place of the project's.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of an HTML document.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file, for its owner only.")
def command(*, id_: str, reader: str, kind: Kind | None, policy: Path, as_json: bool, out: Path | None) -> None:
    """
    Give what is held about a person or family: events, rejected records, alerts, sharing decisions, letters.

    The answer for a subject withholds what could endanger somebody else. The answer for an officer contains everything,
    with the reason for each withholding. If PERSON or FAMILY is '-', the id is read from standard input, so that it is
    in no list of commands.
    """
    from streams.subject_access.answer import document, json_text
    from streams.subject_access.holdings import open_holdings

    asked = sys.stdin.readline().strip() if id_ == "-" else id_
    chosen = read_policy(policy)
    write = json_text if as_json else document
    settings = lake_settings()
    with open_holdings(settings, asked, kind) as holdings, _opened(out) as file:
        record(settings, AuditAction.ACCESS_ANSWERED, reader, {f"{holdings.subject.kind}_ids": [asked]})
        size = _write(write(holdings, chosen, "officer" if reader == "officer" else "subject"), file)
    log.info("access_answered", reader=reader, characters=size)


def _write(pieces: Iterable[str], file: IO[str]) -> int:
    return sum(file.write(piece) for piece in pieces)


@contextmanager
def _opened(out: Path | None) -> Iterator[IO[str]]:
    """
    Open the file that only its owner may read, or standard output.

    An existing file is replaced when everything has been written. If something fails, it stays as it was.
    """
    if out is None:
        yield sys.stdout
        return
    with opened_privately(out) as file:
        text = TextIOWrapper(file, encoding="utf-8")
        yield text
        text.detach()
