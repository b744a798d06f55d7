"""`./caf bench …`: measure speed on this machine. Most results are ratios to a reference from the same bench."""

from importlib import import_module

import click

__all__ = ["command"]

_BENCHES = {
    "bad-input": "whether random and hostile records stop a part, and how late alerts then are",
    "alerts": "time from an event to its alert in another process",
    "build": "time of a full build and of a warm build, for histories of different length",
    "faults": "kill, pause and starve parts and servers at random, then check every promise",
    "freshness": "time from an event to its figure in the locality mart, under Airflow",
    "land": "records landed per second, compared with a plain drain of the same topic",
    "nation": "time to build many authorities on Spark, with one worker and with two",
    "pages": "time of the first and later views of each page, with this home's history",
    "rules": "CPU time to evaluate a batch, and to run the rules alone on DuckDB and on PostgreSQL",
    "soak": "hours of ordinary load: alerts, memory, the watcher's tables and their dead rows, minute by minute",
    "trust": "what logins, rights and encryption cost; with --erase, the time of an erasure and of a request of access",
    "year": "time to send, land, evaluate and build a year of history",
}


class _Benches(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_BENCHES)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return import_module(f"streams.bench.{name.replace('-', '_')}").command if name in _BENCHES else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_BENCHES.items()))


@click.group("bench", cls=_Benches)
def command() -> None:
    """Measure speed on this machine. The tests do not include these measurements."""
