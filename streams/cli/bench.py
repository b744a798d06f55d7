"""`./caf bench …`: measure speed on this machine. Most results are ratios to a reference measured in the same bench."""

from importlib import import_module

import click

__all__ = ["command"]

_BENCHES = {
    "bad-input": "random and hostile records beside families that must raise alerts: what stops, how late alerts are",
    "alerts": "time from an event to its alert in another process",
    "build": "a full build, and a cycle with new events, over histories of different length",
    "faults": "kill, pause and starve parts and servers at random, then check every promise",
    "freshness": "time from an event to its figure in the locality mart, under Airflow",
    "land": "records landed per second, compared with a plain drain of the same topic",
    "nation": "a build of many authorities on Spark, with one worker and with two",
    "pages": "time of a page's first view and of the next ones, over the home's history",
    "rules": "CPU time to evaluate a batch: the rules on DuckDB and on PostgreSQL",
    "soak": "hours of ordinary days: alerts, memory, the watcher's tables and their dead rows, minute by minute",
    "year": "a year of history sent, landed, evaluated and built",
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
    """Measure on this machine, now. These measurements are not part of the tests."""
