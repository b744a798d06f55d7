"""`./caf contracts`: generate the files that are derived from the contract."""

import sys

import click

__all__ = ["command"]


@click.group("contracts")
def command() -> None:
    """Generate the files that are derived from the contract: schemas, documents, DDL, dbt sources, expectations."""


@command.command()
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 if a file differs.")
def generate(check: bool) -> None:
    """Write the generated files that differ from the contract, and name them."""
    from streams.contracts.generate import differing, write

    paths = differing() if check else write()
    for path in paths:
        click.echo(path)
    if check and paths:
        click.echo(f"{len(paths)} files differ from the contract; run './caf contracts generate'", err=True)
        sys.exit(1)
