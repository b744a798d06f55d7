"""`./caf erase`: forget a family or a person, after two people have agreed to it."""

import getpass
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import click
import msgspec

from expectations import holds
from streams.cli.lake import lake_settings
from streams.cli.recorded import record
from streams.contracts.codesets import AuditAction, AuditOutcome
from streams.erase.find import Found
from streams.erase.records import Erasure, Records
from streams.erase.retire import AT_MOST, Due, find_due, request_due
from streams.erase.run import erase, preview
from streams.erase.subject import Subject
from streams.errors import ErasureInvalid
from streams.settings import Settings

__all__ = ["command"]

_BY = click.option(
    "--by", default=getpass.getuser, show_default="your login", help="Who does this. Stored with the erasure."
)
_BECAUSE = click.option("--because", required=True, help="The reason. Stored with the erasure. No personal data.")


_KEPT = {
    "period": "the period is not over",
    "open": "a case is open or a risk marker is in force",
    "legal_hold": "a legal hold",
    "two_kinds": "the id of a family is also that of a person",
}


@click.group("erase")
def command() -> None:
    """
    Forget a family or a person: erase what the lake, the topics, the watcher and the logs hold about them.

    One person asks for it (request), and another one carries it out (approve). What is about others stays as it is.
    An erasure cannot be undone. docs/erase.md says which stores are covered, and which are not.
    """


def _named(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name whom to forget."""
    for option in (
        click.option("--person", "persons", multiple=True, metavar="ID", help="A person. May be given several times."),
        click.option("--family", "families", multiple=True, metavar="ID", help="A family. May be given several times."),
    ):
        verb = option(verb)
    return verb


@command.command("preview")
@_named
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(families: tuple[str, ...], persons: tuple[str, ...], *, as_json: bool) -> None:
    """Count what an erasure would take away. Nothing is changed."""
    found = _preview(lake_settings(), families, persons)
    click.echo(json.dumps(found.counts) if as_json else _text(found))


@command.command("due")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="Show what will be due on this day.  [default: today]")
@click.option("--request", "asks", is_flag=True, help="Also request the erasure. Another person must approve it.")
@click.option(
    "--at-most",
    type=click.IntRange(min=1),
    default=AT_MOST,
    show_default=True,
    help="The largest number of groups in one request.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each group that is due, with its ids.")
@_BY
def due(*, on: datetime | None, asks: bool, at_most: int, as_json: bool, by: str) -> None:
    """
    Show what the retention schedule no longer keeps. Nothing is changed without --request.

    Families that share a person are one group, and are due together. Rejected records that name nobody are due after
    the period of a family without a level. The DAG retire_records asks once a week.
    """
    if asks and on:
        raise click.UsageError("--request works only for today; leave out --on")
    settings = lake_settings()
    found = find_due(settings, on.date() if on else None)
    if as_json:
        ids = {
            "family_ids": [one for group in found.groups for one in group.families],
            "person_ids": [one for group in found.groups for one in group.persons],
        }
        record(settings, AuditAction.LAKE_QUERIED, "erase due", ids)
        for group in found.groups:
            click.echo(json.dumps(msgspec.to_builtins(group)))
        if found.rejected:
            click.echo(json.dumps({"rejected_records": len(found.rejected)}))
    else:
        click.echo(_due(found))
    if asks:
        made = request_due(settings, found, at_most, by, _asked(settings))
        if made is None:
            why = (
                "an earlier request waits ('./caf erase list')" if found.groups or found.rejected else "nothing is due"
            )
            click.echo(f"no request made: {why}", err=True)
            return
        click.echo(f"request {made.id} made. Another person must approve it: './caf erase approve {made.id}'", err=True)


@command.command("request")
@_named
@_BECAUSE
@_BY
def request(families: tuple[str, ...], persons: tuple[str, ...], because: str, by: str) -> None:
    """Ask for an erasure. Nothing is erased until another person approves it."""
    settings = lake_settings()
    records = Records(settings)
    records.refuse_held([*families, *persons])
    found = _preview(settings, families, persons)
    made = records.request(families, persons, because, by, note=_asked(settings))
    click.echo(_text(found))
    click.echo(f"asked for: {made.id}. Another person carries it out with './caf erase approve {made.id}'")


@command.command("approve")
@click.argument("erasure")
@click.option("--without", multiple=True, metavar="GROUP", help="Do not wait for this consumer group.")
@click.option("--patience", default=60.0, show_default=True, help="Seconds that readers of the topics may take.")
@_BY
def approve(erasure: str, without: tuple[str, ...], patience: float, by: str) -> None:
    """
    Carry out an erasure that somebody else asked for.

    If it is interrupted, the same command goes on with it. While it runs, events are taken in, but alerts wait.
    """
    settings = lake_settings()
    records = Records(settings)
    with _recorded(settings, AuditAction.ERASURE_APPROVED, erasure):
        found = records.approve(erasure, by)
        try:
            left = erase(settings, found, patience=patience, without=without, holds=holds, say=_say)
        except ErasureInvalid:
            records.reopen(erasure)
            raise
    click.echo(f"erased: {_counts(records.get(erasure).counts)}")
    for sentence in left:
        click.echo(f"left for you: {sentence}")
    click.echo(
        "left for you: make a backup now. What landed since the last backup is no longer in Kafka, so an older backup "
        "cannot be completed"
    )
    click.echo("not covered: backups, and what partners and subscribers have received (docs/erase.md)")


@command.command("withdraw")
@click.argument("erasure")
def withdraw(erasure: str) -> None:
    """Take back an erasure that has not erased anything yet."""
    settings = Settings.from_env()
    with _recorded(settings, AuditAction.ERASURE_WITHDRAWN, erasure):
        Records(settings).withdraw(erasure)
    click.echo(f"taken back: {erasure}")


@command.command("hold")
@click.argument("subject", metavar="ID")
@_BECAUSE
@_BY
def hold(subject: str, because: str, by: str) -> None:
    """Forbid, for legal reasons, to erase records that name a family or a person."""
    settings = Settings.from_env()
    record(settings, AuditAction.LEGAL_HOLD_SET, "set")
    Records(settings).hold(subject, because, by)
    click.echo("held: no erasure touches records that name this id")


@command.command("release")
@click.argument("subject", metavar="ID")
def release(subject: str) -> None:
    """End a legal hold."""
    settings = Settings.from_env()
    record(settings, AuditAction.LEGAL_HOLD_SET, "ended")
    Records(settings).release(subject)
    click.echo("released: this id can be erased")


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object an erasure.")
def list_(*, as_json: bool) -> None:
    """List all erasures and legal holds: who, when and why. Erased ids are not shown, because nobody has them."""
    records = Records(Settings.from_env())
    for one in records.all():
        click.echo(json.dumps(_facts(one)) if as_json else _line(one))
    if not as_json:
        for held in records.holds():
            click.echo(f"legal hold  {held.at:%Y-%m-%d}  {held.by}: {held.because}")


def _asked(settings: Settings) -> Callable[[str], None]:
    """Return a function that records a request under its id."""
    return lambda erasure: record(settings, AuditAction.ERASURE_ASKED, erasure)


@contextmanager
def _recorded(settings: Settings, action: AuditAction, erasure: str) -> Iterator[None]:
    """
    Record what the block does to an erasure before it does it, and once more if it is refused.

    Raises:
        AuditUnavailable: it cannot be recorded.
        ErasureInvalid: there is no such erasure. Nothing is recorded, because what somebody typed may be a name.
    """
    Records(settings).get(erasure)
    record(settings, action, erasure)
    try:
        yield
    except ErasureInvalid:
        record(settings, action, erasure, outcome=AuditOutcome.REFUSED)
        raise


def _due(found: Due) -> str:
    families = sum(len(group.families) for group in found.groups)
    persons = sum(len(group.persons) for group in found.groups)
    lines = [f"due: {families} families and {persons} persons, in {len(found.groups)} groups"]
    if found.groups:
        lines.append(f"due for longest: since {found.groups[0].ends_on}")
    if found.rejected:
        lines.append(f"due: {len(found.rejected)} rejected records that name no known family or person")
    lines += [f"kept, {_KEPT[reason]}: {count} families and persons" for reason, count in sorted(found.kept.items())]
    return "\n".join(lines)


def _preview(settings: Settings, families: tuple[str, ...], persons: tuple[str, ...]) -> Found:
    return preview(settings, Subject.of(families, persons))


def _text(found: Found) -> str:
    lines = [f"would be erased: {_counts(found.counts)}"]
    if found.erased.get("quarantine"):
        lines.append("rejected records go as a whole, with all that they say about others: replay them first if needed")
    if found.letters_kept:
        lines.append(f"{found.letters_kept} referral ids belong to other families too: letters about them stay")
    if found.also_named:
        lines.append(f"ids named beside them, which stay: {', '.join(found.also_named)}")
    return "\n".join(lines)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if count) or "nothing"


def _facts(one: Erasure) -> dict[str, object]:
    return {
        "erasure": one.id,
        "state": one.state,
        "because": one.because,
        "requested_by": one.requested_by,
        "requested_at": one.requested_at.isoformat(),
        "approved_by": one.approved_by,
        "done_at": one.done_at and one.done_at.isoformat(),
        "counts": one.counts,
    }


def _line(one: Erasure) -> str:
    approved = f", approved by {one.approved_by}" if one.approved_by else ""
    return f"{one.id}  {one.state}  {one.requested_at:%Y-%m-%d}  {one.requested_by}{approved}: {one.because}"


def _say(sentence: str) -> None:
    click.echo(f"caf: {sentence}", err=True)
