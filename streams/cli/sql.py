"""`./caf sql`: query the lake."""

import shutil
import sys
import tempfile
from pathlib import Path

import click
import duckdb

from streams.audit.entries import Actor, this_user
from streams.audit.queries import ids_in, tables_of
from streams.cli.desk_login import log_in_to_desk
from streams.cli.lake import lake_settings
from streams.cli.recorded import record
from streams.contracts.codesets import AuditAction
from streams.lake.connect import connect_as, statements_for
from streams.lake.object_check import explained
from streams.lake.roles import SqlRole
from streams.settings import Settings

__all__ = ["command"]

_FORMATS = {
    "csv": "FORMAT csv, HEADER",
    "json": "FORMAT json, ARRAY true",
    "parquet": "FORMAT parquet, COMPRESSION zstd",
}
_EXTENSIONS = ("INSTALL ducklake; LOAD ducklake", "INSTALL postgres; LOAD postgres")
_OF_OBJECTS = ("INSTALL httpfs; LOAD httpfs", "INSTALL aws; LOAD aws")


@click.command("sql")
@click.argument("query", required=False)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", *_FORMATS]),
    default="table",
    show_default=True,
    help="How the result is printed. Send parquet to a file with '> FILE'.",
)
@click.option("--attach", "attaches", is_flag=True, help="Print the SQL that attaches the lake to any DuckDB.")
@click.option(
    "--role",
    type=click.Choice([one.value for one in SqlRole]),
    default=SqlRole.ANALYST.value,
    show_default=True,
    help="'analyst' sees the marts, 'desk' everything.",
)
@click.option("--as", "name", metavar="NAME", help="With --role desk: the account, as './caf desk list' shows it.")
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --role desk: the file with the account's password, instead of asking for it.",
)
def command(
    *, query: str | None, format_: str, attaches: bool, role: str, name: str | None, password_file: Path | None
) -> None:
    """
    Run one query on the lake, or open a shell. The query is QUERY, or is piped in.

    Without --role, you see the marts that analysts use: marts.analytics.mart_locality_need, … With --role desk, you log
    in with an account of the desk, and see both catalogs whole: landing.main.events, marts.staging.stg_events, …

    The lake is opened for reading only. Times are in UTC. If the database server is not running, the command starts it,
    and stops it at the end. With --attach, the server goes on running until './caf down'. Each query is recorded in the
    audit: the tables and ids that it names, but not its text.
    """
    asked = SqlRole(role)
    if asked is not SqlRole.DESK and (name or password_file):
        raise click.UsageError("--as and --password-file need --role desk; an analyst does not log in")
    settings = lake_settings(stays=attaches)
    actor = log_in_to_desk(settings, name, password_file) if asked is SqlRole.DESK else this_user()
    if attaches:
        record(settings, AuditAction.LAKE_OPENED, f"sql --attach --role {role}", actor=actor)
        extensions = (*_EXTENSIONS, *(_OF_OBJECTS if settings.is_in_object_store else ()))
        click.echo(";\n".join([*extensions, *statements_for(settings, asked)]) + ";")
        return
    with connect_as(settings, asked) as lake:
        # Without this, a query could read variables of this program as if they were tables.
        lake.execute("SET python_enable_replacements = false")
        if query is None and sys.stdin.isatty():
            _shell(settings, lake, actor, format_)
        else:
            _run(settings, lake, actor, sys.stdin.read() if query is None else query, format_)


def _run(settings: Settings, lake: duckdb.DuckDBPyConnection, actor: Actor, query: str, format_: str) -> None:
    record(settings, AuditAction.LAKE_QUERIED, tables_of(lake, query), ids_in(settings, query), actor=actor)
    try:
        if format_ == "table":
            result = lake.sql(query)
            if result is not None:
                result.show(max_rows=200, max_width=shutil.get_terminal_size((200, 24)).columns)
        else:
            _copy(lake, query.strip().rstrip(";"), _FORMATS[format_])
    except duckdb.Error as error:
        if settings.is_in_object_store and isinstance(error, duckdb.IOException):
            raise click.ClickException(str(explained(settings, error))) from None
        raise click.ClickException(str(error)) from None


def _copy(lake: duckdb.DuckDBPyConnection, query: str, options: str) -> None:
    """
    Print the result through a temporary file.

    DuckDB itself would open standard output again. If standard output is a file to which the user appends, this would
    empty the file.
    """
    with tempfile.NamedTemporaryFile() as file:
        lake.execute(f"COPY ({query}) TO '{file.name}' ({options})")
        with Path(file.name).open("rb") as written:
            shutil.copyfileobj(written, sys.stdout.buffer)
        sys.stdout.buffer.flush()


def _shell(settings: Settings, lake: duckdb.DuckDBPyConnection, actor: Actor, format_: str) -> None:
    click.echo("End each query with ';'. Leave with Ctrl-D. To list the tables: SHOW ALL TABLES;", err=True)
    pending = ""
    while True:
        try:
            pending += input("caf> " if not pending else "  -> ") + "\n"
        except EOFError:
            return
        if not pending.rstrip().endswith(";"):
            continue
        try:
            _run(settings, lake, actor, pending, format_)
        except click.ClickException as error:
            error.show()
        pending = ""
