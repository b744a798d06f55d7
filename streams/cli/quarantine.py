"""`./caf quarantine`: list and show rejected records."""

import base64
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import click

from streams import names
from streams.cli.lake import lake_settings
from streams.cli.recorded import record
from streams.contracts import Reason
from streams.contracts.codesets import AuditAction
from streams.lake.connect import connect
from streams.land.quarantine import Filters, LeftOut, Quarantined, find, left_out, summary

__all__ = ["command", "filters"]


def filters(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose rejected records."""
    for option in (
        click.option("--offset", type=click.IntRange(min=0), help="The record with this offset."),
        click.option("--partition", type=click.IntRange(min=0), help="Records of this partition."),
        click.option("--since", help="Records that arrived since this time (ISO 8601)."),
        click.option("--topic", type=click.Choice(names.LANDED_TOPICS), metavar="TOPIC", help="Records of this topic."),
        # The options are plain strings. For an enumeration, click would offer the Python names, which no listing shows.
        click.option(
            "--reason",
            type=click.Choice([reason.value for reason in Reason], case_sensitive=False),
            help="Records rejected for this reason.",
        ),
    ):
        verb = option(verb)
    return verb


@click.group("quarantine", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """
    List rejected records, and values that were left out of accepted records.

    Show the reason for each, and the field that was wrong.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_)


@command.command("list")
@filters
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(*, as_json: bool = False, **given: Any) -> None:
    """Count rejected records by topic and reason."""
    wanted = Filters.of(**given)
    with connect(lake_settings(), marts=None) as lake:
        rows = summary(lake, wanted)
    if as_json:
        click.echo(json.dumps([dict(zip(("topic", "reason", "records"), row, strict=True)) for row in rows]))
        return
    for topic, reason, records in rows:
        click.echo(f"{records:>8,}  {reason:<22} {topic}")
    click.echo(f"{sum(row[2] for row in rows):>8,}  in all")


@command.command("left-out")
@filters
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a field.")
def left_out_(*, as_json: bool, **given: Any) -> None:
    """
    Count values that were left out of accepted events, by source and field.

    The values were wrong, but no rule needs their fields. The column `payload` of `landing.events` keeps everything
    that was sent.
    """
    wanted = Filters.of(**given)
    with connect(lake_settings(), marts=None) as lake:
        found = left_out(lake, wanted)
    for one in found:
        click.echo(json.dumps(vars(one)) if as_json else _left_out_text(one))
    if not found and not as_json:
        click.echo("nothing was left out")


def _left_out_text(one: LeftOut) -> str:
    return (
        f"{one.events:>8,}  {one.reason:<10} {one.path} of {one.type} from {one.source}\n"
        f"          allowed: {one.allowed}; last in {one.last_in}"
    )


@command.command("show")
@filters
@click.option(
    "--bytes", "with_bytes", is_flag=True, help="Also show key, value and headers. They may contain personal data."
)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Show at most this many.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a record; bytes in base64.")
def show(*, with_bytes: bool, limit: int, as_json: bool, **given: Any) -> None:
    """Show rejected records one by one, oldest first. Their content is shown only with --bytes."""
    wanted, settings = Filters.of(**given), lake_settings()
    with connect(settings, marts=None) as lake:
        records = find(lake, wanted, limit=limit, with_content=with_bytes)
    if with_bytes and records:
        record(settings, AuditAction.QUARANTINE_SEEN, f"{len(records)} records")
    for one in records:
        click.echo(json.dumps(_figures(one, with_bytes), default=_plain) if as_json else _text(one, with_bytes))
    if not records and not as_json:
        click.echo("no matching record was rejected")


def _figures(record: Quarantined, with_bytes: bool) -> dict[str, object]:
    hidden = () if with_bytes else ("key", "value", "headers", "header_names")
    return {name: value for name, value in vars(record).items() if name not in hidden}


def _plain(value: bytes | datetime) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else _moment(value)


def _moment(value: datetime) -> str:
    return f"{value.isoformat()}Z"


def _text(record: Quarantined, with_bytes: bool) -> str:
    lines = [
        f"{record.coordinates}  {_moment(record.received_at)}  {record.reason}",
        f"  at       {record.path or 'the record'}",
        f"  allowed  {record.allowed or ''}",
    ]
    if record.inbound_record:
        lines.append(f"  from     {record.inbound_record.rpartition('/')[0]}")
    if record.replayed_as:
        lines.append(f"  sent again, accepted as {record.replayed_as}")
    if with_bytes:
        lines += [f"  key      {record.key!r}", f"  headers  {record.headers!r}", f"  value    {record.value!r}"]
    return "\n".join(lines)
