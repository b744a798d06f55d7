"""`./caf bench …`: what this machine measures, as ratios against something run beside it."""

from importlib import import_module

import click

__all__ = ["command"]

_BENCHES = {
    "bad-input": "random and hostile records beside families that must alert: what stops, and how late alerts are",
    "alerts": "event produced → alert received by another process",
    "build": "a full build, and a cycle with new events, over histories of different length",
    "faults": "parts and servers killed, paused and starved at random; then what was promised is looked at",
    "freshness": "event produced → figure visible in the locality mart, under Airflow",
    "land": "records landed per second, against a plain drain of the same topic",
    "nation": "a build of many authorities on Spark, with one worker and with two",
    "pages": "a page's first view and the next ones, over the home's history",
    "rules": "CPU of judging a batch: the rules on DuckDB and on PostgreSQL",
    "soak": "hours of ordinary days: alerts, memory, the watcher's tables and their dead rows, minute by minute",
    "year": "a year of history sent, landed, judged and built",
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
    """Measure on this machine, now; nothing here is a test."""
