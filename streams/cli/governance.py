"""`./caf governance`: write the pages that a governance board asks for."""

from pathlib import Path

import click

from streams.cli.generated_page import compare
from streams.governance.facts import data_protection, lawful_bases, principals_page
from streams.governance.transparency import transparency_record
from streams.rules.compiled import compiled_rules
from streams.rules.register import register
from streams.settings import PROJECT, Settings

__all__ = ["command"]

_FOLDER = PROJECT / "docs" / "governance"


@click.command("governance")
@click.option("--write", is_flag=True, help="Write the pages in docs/governance, with the project's defaults.")
@click.option("--check", is_flag=True, help="Only compare those pages with the project; exit code 1 if one differs.")
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the pages into this folder, with the settings of this installation (CAF_*).",
)
def command(*, write: bool, check: bool, into: Path | None) -> None:
    """
    Write what a governance board asks for: facts for the DPIA, transparency record, lawful bases, principals' rights.

    The pages are generated from the contract, the topics' configuration, the rights, the policies, the rules and a few
    seed tables.
    """
    own = Settings.from_env()
    if sum((write, check, into is not None)) != 1:
        raise click.UsageError("give one of --write, --check and --into FOLDER")
    pages = _pages(own, own if into else Settings())
    if check:
        for name, text in pages.items():
            compare(_FOLDER / name, text, "./caf governance --write")
        return
    folder = into or _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        (folder / name).write_text(text)
        click.echo(folder / name, err=True)


def _pages(own: Settings, shown: Settings) -> dict[str, str]:
    """Return the text of each page. `own` says where the compiled rules are kept, `shown` what the pages describe."""
    return {
        "data-protection.md": data_protection(shown),
        "transparency-record.md": transparency_record(register(compiled_rules(own, with_build_rules=True))),
        "lawful-bases.md": lawful_bases(),
        "principals.md": principals_page(),
    }
