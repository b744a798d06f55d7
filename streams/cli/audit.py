"""`./caf audit`: list who saw or did what, and prove that no entry was changed."""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click
import msgspec

from streams.cli.lake import lake_settings
from streams.cli.recorded import record
from streams.contracts.audit import AuditEntry
from streams.contracts.codesets import AuditAction
from streams.contracts.fields import IDENTIFIER_PATTERN, IN_WORDS
from streams.settings import Settings

__all__ = ["command"]

_TIME = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])
_MOST, _LONGEST = 200, 64
_ACTIONS = [one.value for one in AuditAction]


def _id(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Refuse what is no id. The audit records the ids that were asked for, and must not record a name."""
    if value is not None and (len(value) > _LONGEST or not re.match(IDENTIFIER_PATTERN, value)):
        raise click.BadParameter(f"this is no id; allowed: {IN_WORDS[IDENTIFIER_PATTERN]}, at most {_LONGEST}")
    return value


@click.group("audit", invoke_without_command=True)
@click.option("--family", metavar="ID", callback=_id, help="Only entries about this family.")
@click.option("--person", metavar="ID", callback=_id, help="Only entries about this person.")
@click.option("--alert", metavar="ID", callback=_id, help="Only entries about this alert.")
@click.option("--who", metavar="NAME", help="Only entries of this account, user or part.")
@click.option("--what", type=click.Choice(_ACTIONS), metavar="ACTION", help="Only this action.")
@click.option("--since", type=_TIME, help="Only entries from this time on, UTC.")
@click.option("--until", type=_TIME, help="Only entries before this time, UTC.")
@click.option("--most", type=click.IntRange(min=1), default=_MOST, show_default=True, help="List at most this many.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object an entry.")
@click.pass_context
def command(
    context: click.Context, /, *, family: str | None, person: str | None, alert: str | None, who: str | None,
    what: str | None, since: datetime | None, until: datetime | None, most: int, as_json: bool,
) -> None:  # fmt: skip
    """
    List who saw or did what, oldest first. Times are in UTC.

    Entries are listed a few seconds after they were made, when they have landed. To list the entries is recorded too.
    The actions are explained in docs/audit.md.
    """
    if context.invoked_subcommand is not None:
        return
    from streams.audit.listing import Wanted, find
    from streams.lake.connect import connect

    settings = lake_settings()
    asked = {"family_ids": family, "person_ids": person, "alert_ids": alert}
    record(settings, AuditAction.AUDIT_READ, "list", {name: [value] for name, value in asked.items() if value})
    wanted = Wanted(family=family, person=person, alert=alert, who=who, action=what, since=since, until=until)
    with connect(settings, marts=None) as lake:
        found = find(lake, wanted, most)
    for one in found:
        click.echo(msgspec.json.encode(one).decode() if as_json else _text(one))
    if not found:
        click.echo("no matching entry has landed", err=True)
    if len(found) == most:
        click.echo(f"these are the newest {most}; older ones may match, so raise --most", err=True)


@command.command("verify")
@click.option(
    "--against",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="Also compare with the checkpoints in this file, which were kept outside this system.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def verify(against: Path | None, as_json: bool) -> None:
    """
    Prove that no entry was changed, removed or added since the checkpoints were made.

    The entries in the lake are compared with the checkpoints and with the topic. The first range of offsets in which
    something differs is named. Exit code 0: nothing differs.
    """
    from streams.audit.checkpoints import read_checkpoints
    from streams.audit.proof import prove

    elsewhere = read_checkpoints(against) if against else []
    settings = lake_settings()
    record(settings, AuditAction.AUDIT_READ, "verify")
    proof = prove(settings, elsewhere)
    if as_json:
        click.echo(json.dumps(asdict(proof)))
    else:
        topic = "no broker answers" if proof.sent is None else f"compared with {proof.sent:,} records on the topic"
        covered = f"{proof.covered:,} of them covered by {proof.checkpoints:,} checkpoints"
        click.echo(f"{proof.entries:,} entries, {covered}; {topic}")
        for one in proof.differences:
            click.echo(f"offsets {one.first} to {one.end - 1}: {one.what}")
    proof.raise_if_different()


@command.command("checkpoint")
@click.option("--all", "every", is_flag=True, help="Print all checkpoints, oldest first, instead of the newest.")
def checkpoint(every: bool) -> None:
    """
    Print the newest checkpoint, which you can keep outside this system.

    Keep the line in a file or on paper. Later, './caf audit verify --against FILE' proves that the entries that it
    covers are still the same, even if somebody has changed everything in this system.
    """
    from streams.audit.checkpoints import kept_checkpoints, sent_checkpoints
    from streams.errors import BrokerUnavailable

    settings = Settings.from_env()
    try:
        found = sent_checkpoints(settings)
    except BrokerUnavailable:
        found = kept_checkpoints(settings)
    for one in found if every else found[-1:]:
        click.echo(msgspec.json.encode(one).decode())
    if not found:
        click.echo("there is no checkpoint yet: 'land' writes one each minute in which entries land", err=True)


def _text(one: AuditEntry) -> str:
    who = f"{one.who or one.actor}" + (f" ({one.role})" if one.role else "")
    about = [*_some("alert", one.alert_ids), *_some("family", one.family_ids), *_some("person", one.person_ids)]
    refused = " refused" if one.outcome == "refused" else ""
    return "  ".join([f"{one.at:%Y-%m-%d %H:%M:%S}", who, f"{one.action}{refused}", one.subject or "", *about]).rstrip()


def _some(kind: str, ids: Iterable[str]) -> list[str]:
    found = list(ids)
    return [f"{kind} {', '.join(found)}"] if found else []
