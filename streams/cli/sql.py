"""`./caf sql`: query the lake."""

import shutil
import sys
import tempfile
from pathlib import Path

import click
import duckdb

from streams.cli.lake import lake_settings
from streams.lake.connect import attach_statements, connect

__all__ = ["command"]

_FORMATS = {
    "csv": "FORMAT csv, HEADER",
    "json": "FORMAT json, ARRAY true",
    "parquet": "FORMAT parquet, COMPRESSION zstd",
}
_EXTENSIONS = ("INSTALL ducklake; LOAD ducklake", "INSTALL postgres; LOAD postgres")


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
def command(*, query: str | None, format_: str, attaches: bool) -> None:
    """
    Run one query on the lake, or open a shell. The query is QUERY, or is piped in.

    Both catalogs are attached, for reading only: landing.main.events, marts.analytics.mart_locality_need, … Times are
    in UTC. If the database server is not running, the command starts it.
    """
    if attaches:
        click.echo(";\n".join([*_EXTENSIONS, *attach_statements(lake_settings())]) + ";")
        return
    with connect(lake_settings()) as lake:
        if query is None and sys.stdin.isatty():
            _shell(lake, format_)
        else:
            _run(lake, sys.stdin.read() if query is None else query, format_)


def _run(lake: duckdb.DuckDBPyConnection, query: str, format_: str) -> None:
    try:
        if format_ == "table":
            result = lake.sql(query)
            if result is not None:
                result.show(max_rows=200, max_width=shutil.get_terminal_size((200, 24)).columns)
        else:
            _copy(lake, query.strip().rstrip(";"), _FORMATS[format_])
    except duckdb.Error as error:
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


def _shell(lake: duckdb.DuckDBPyConnection, format_: str) -> None:
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
            _run(lake, pending, format_)
        except click.ClickException as error:
            error.show()
        pending = ""
