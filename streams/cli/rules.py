"""`./caf rules`: list the rules, or show one rule."""

import json
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from streams.cli.generated_page import compare
from streams.rules.compiled import compiled_rules
from streams.rules.page import PAGE, page
from streams.rules.performance import performance
from streams.rules.postgres.derive import derived
from streams.rules.register import Entry, entry, register
from streams.settings import Settings
from streams.stack import stack

__all__ = ["command"]

_WIDTH = 100
_COLOURS = {"red": "red", "amber": "yellow", "green": "green"}


@click.command("rules")
@click.argument("rule", required=False)
@click.option(
    "--sql",
    "database",
    type=click.Choice(["duckdb", "postgres"]),
    help="Print the SQL of the rule, model by model, as dbt compiles it or as it is derived for PostgreSQL.",
)
@click.option("--show", "formerly", metavar="RULE", hidden=True)
@click.option("--write", is_flag=True, help="Write the page of all rules, docs/rules/rules.md.")
@click.option("--check", is_flag=True, help="Only compare that page with the rules; exit code 1 if it differs.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    *, rule: str | None, database: str | None, formerly: str | None, write: bool, check: bool, as_json: bool
) -> None:
    """
    List the alert rules, or show RULE: what it says, reads and needs, and how it performs.

    The command finds thresholds, columns and tests in the project. If PostgreSQL runs, the command also reads from the
    marts how often a rule raised an alert, and what people said about its alerts.
    """
    settings = Settings.from_env()
    rule = rule or formerly  # `--show RULE` stays valid until the next version.
    if database is not None:
        if rule is None:
            raise click.UsageError("--sql needs a RULE")
        click.echo(_text(settings, rule, database))
        return
    entries = _entries(settings)
    if check:
        compare(PAGE, page(entries), "./caf rules --write")
        return
    if write:
        PAGE.write_text(page(entries))
        click.echo(PAGE, err=True)
    if rule is not None:
        one = entry(entries, rule)
        fired = performance(settings, rule) if stack.is_up(settings, "postgres") else None
        click.echo(json.dumps(asdict(one) | {"performance": fired}, default=str) if as_json else _shown(one, fired))
    elif as_json:
        click.echo(json.dumps([asdict(one) for one in entries]))
    else:
        click.echo(_listed(entries), nl=False)


def _entries(settings: Settings) -> list[Entry]:
    compiled = compiled_rules(settings, with_build_rules=True)
    click.echo("Finding out what each rule reads …", err=True)
    return register(compiled)


def _text(settings: Settings, rule: str, database: str) -> str:
    """Return the SQL of a rule's models, in dependency order."""
    compiled = compiled_rules(settings, with_build_rules=database == "duckdb")
    if rule not in compiled.rules:
        entry(_entries(settings), rule)
        raise click.UsageError(f"only the build evaluates {rule}, and the build runs on DuckDB")
    texts = {name: model.sql for name, model in compiled.models.items()}
    if database == "postgres":
        texts = derived(compiled).models
    return "\n\n".join(f"-- {name}\n{texts[name].strip()};" for name in compiled.needed([rule]))


def _listed(entries: list[Entry]) -> str:
    table = Table("rule", "severity", "fires when", box=None)
    for one in entries:
        table.add_row(one.rule, f"[{_COLOURS[one.severity]}]{one.severity}[/]", Text(one.statement))
    console = Console()
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def _shown(one: Entry, fired: list[dict[str, object]] | None) -> str:
    lines = [
        ("", one.statement),
        ("practice", one.practice),
        ("severity", f"{' or '.join(one.severities)}, version {one.version}"),
        ("about", f"one {one.entity_kind}, evaluated by {one.scope}"),
        ("cleared when", one.clears_when),
        ("facts", ", ".join(one.facts) or "no event type of its own"),
        ("reads", ", ".join(one.columns) or "no column of an event"),
        *_thresholds(one),
        ("expected", _expected(one)),
        *_performance(fired),
        ("SQL", one.sql or "missing"),
        *_tests(one),
    ]
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in lines:
        grid.add_row(name, Text(text))
    console = Console(width=_WIDTH)
    with console.capture() as captured:
        console.print(f"[bold {_COLOURS[one.severity]}]{one.rule}[/]")
        console.print(grid)
    return captured.get().rstrip("\n")


def _tests(one: Entry) -> list[tuple[str, str]]:
    """List the tests of a rule, one line for each test file."""
    files: dict[str, list[str]] = {}
    for test in one.tests:
        file, _, name = test.partition("::")
        files.setdefault(file, []).append(name)
    return [(f"{len(names)} tests", f"{file}: {', '.join(names)}") for file, names in files.items()]


def _thresholds(one: Entry) -> list[tuple[str, str]]:
    """
    List the thresholds of a rule, one line for each.

    If all profiles have the same value, this value is shown. Otherwise, the value of each profile is shown.
    """
    if not one.thresholds:
        return [("thresholds", "none")]
    lines = []
    for name, values in one.thresholds.items():
        agreed = set(values.values())
        shown = agreed.pop() if len(agreed) == 1 else ", ".join(f"{value} ({of})" for of, value in values.items())
        lines.append(f"{name} = {shown}")
    return [("thresholds", "\n".join(lines))]


def _expected(one: Entry) -> str:
    if one.expected is None:
        return "missing"
    return f"{one.expected.a_year} alerts a year for 10,000 children; './caf routes --load' shows for whom"


def _performance(fired: list[dict[str, object]] | None) -> list[tuple[str, str]]:
    if fired is None:
        return [("on this lake", "not built yet")]
    texts = [", ".join(f"{name} {_figure(value)}" for name, value in line.items() if name != "rule") for line in fired]
    return [("on this lake", "\n".join(texts) or "no alert yet")]


def _figure(value: object) -> str:
    return "unknown" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)
