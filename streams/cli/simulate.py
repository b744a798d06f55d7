"""`./caf simulate`: send the events of a simulated borough."""

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from streams.cli.lake import lake_settings
from streams.errors import SettingInvalid
from streams.settings import Settings
from streams.simulate import (
    Claim,
    Noise,
    Produced,
    World,
    backfill,
    live,
    replay_window,
    state_coverage,
    to_file,
    write_truth,
)
from streams.simulate.calibration import AUTHORITIES
from streams.simulate.desk import Desk
from streams.simulate.measure import Figure, compare
from streams.times import LONDON

__all__ = ["command"]

_HELP = """Send the events of a simulated borough.

Without options, the command sends a year of events of the borough of CAF_AUTHORITY to Kafka, as fast as Kafka takes
them. The year ends at last midnight. The referrals to social care agree with the DfE's published figures for 2023-24
(by month and source, re-referrals, no further action). If these figures are withheld (Herefordshire), the simulation
uses the region's rates and the authority's own population. The command records in the lake what the history covers
(./caf coverage). Families, schools and organisations are invented. Areas are real, and more deprived areas have more of
every kind of event.

Planted cases of each alert rule must raise an alert, and near misses must not. For each of them, the file of --truth
says which alert it must raise, or must not raise, and why.

\b
Examples:
  ./caf simulate                                  a year of history to Kafka
  ./caf simulate --to-file year.jsonl --truth truth.jsonl
  ./caf simulate --live --rate 20 --for 120       history, then two minutes of live events
  ./caf simulate --live --no-history --new-cast   live only, on a broker that already has the history
  ./caf simulate --days 7 --speed-up 5040         a week in two minutes
  ./caf simulate --calibration                    compare published and simulated figures
  ./caf simulate --authority E06000006 --authority E06000019 --seed 7
"""
_NOISE = Noise()


def _rate(name: str, meaning: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    default = getattr(_NOISE, name)
    return click.option(
        f"--{name.replace('_', '-')}", name, default=default, show_default=True, metavar="SHARE", help=meaning
    )


@click.command("simulate", help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seed", default=1, show_default=True, help="The same seed, dates and options give the same bytes.")
@click.option(
    "--authority",
    "authorities",
    multiple=True,
    type=click.Choice(list(AUTHORITIES)),
    help="GSS code (Wirral, Halton, Herefordshire); repeat for several.  [default: CAF_AUTHORITY]",
)
@click.option("--days", default=365, show_default=True, type=click.IntRange(1), help="Length of the history in days.")
@click.option("--end", type=click.DateTime(), help="End of the history, London time.  [default: last midnight]")
@click.option(
    "--stories", default=2, show_default=True, type=click.IntRange(0), help="How often each story is planted."
)
@click.option("--live", "is_live", is_flag=True, help="Continue with live events after the history.")
@click.option("--rate", default=20.0, show_default=True, help="Ordinary live events per second.")
@click.option(
    "--for", "seconds", type=float, metavar="SECONDS", help="Length of the live run.  [default: until Ctrl-C]"
)
@click.option("--no-history", is_flag=True, help="Send no history, because it is already on the topics.")
@click.option("--new-cast", is_flag=True, help="Use new families for the live stories, for a second live run.")
@click.option(
    "--desk", "has_desk", is_flag=True, help="Simulate a desk that acknowledges and later closes live alerts."
)
@click.option(
    "--speed-up", type=float, metavar="TIMES", help="Send the history this many times faster than it happened."
)
@_rate("duplicates", "Events sent twice.")
@_rate("out_of_order", "Events that arrive up to half an hour late, after later ones.")
@_rate("late", "Events sent hours or days late.")
@_rate("corrected", "Events corrected afterwards.")
@_rate("withdrawn", "Events withdrawn afterwards.")
@_rate("malformed", "Extra records that will be rejected, for each reason in turn.")
@click.option(
    "--to-file",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the events to this file. Needs no broker.",
)
@click.option(
    "--truth", type=click.Path(path_type=Path, dir_okay=False), help="Write the planted stories to this file."
)
@click.option("--calibration", is_flag=True, help="Send nothing. Compare published and simulated figures.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def command(
    *,
    seed: int,
    authorities: tuple[str, ...],
    days: int,
    end: datetime | None,
    stories: int,
    is_live: bool,
    rate: float,
    seconds: float | None,
    no_history: bool,
    new_cast: bool,
    has_desk: bool,
    speed_up: float | None,
    file: Path | None,
    truth: Path | None,
    calibration: bool,
    as_json: bool,
    **noise: float,
) -> None:
    """Simulate a world, and send the events that the options ask for."""
    if speed_up is not None and (is_live or file or speed_up <= 0):
        raise SettingInvalid("--speed-up must be above 0, and cannot be used with --live or --to-file")
    if file and (is_live or no_history):
        raise SettingInvalid("--to-file writes the history; it cannot be used with --live or --no-history")
    if not is_live and (no_history or new_cast or has_desk):
        raise SettingInvalid("--no-history, --new-cast and --desk are for a live run; use them only with --live")
    settings, runs = Settings.from_env(), []
    until = end.replace(tzinfo=LONDON) if end else _last_midnight()
    since = (until.replace(tzinfo=None) - timedelta(days=days)).replace(tzinfo=LONDON)
    named = authorities or (settings.authority,)
    with _progress() as progress:
        count = _counter(progress)
        world = World(seed, named, since, until, stories=stories, noise=Noise(**noise), backfill=speed_up is None)
        if calibration:
            _show(compare(world), as_json=as_json)
            return
        if file:
            runs.append(to_file(file, world, count))
        elif speed_up is not None:
            with _stop_on_signal() as stop:
                runs.append(replay_window(settings, world, speed_up, seconds=seconds, stop=stop, progress=count))
        elif not no_history:
            settings = lake_settings()
            runs.append(backfill(settings, world, count))
            state_coverage(settings, world, goes_on=is_live)
        if is_live:
            announce = _announcer(progress)
            with _stop_on_signal() as stop, Desk(settings, seed) if has_desk else nullcontext():
                runs.append(
                    live(
                        settings,
                        world,
                        announce=announce,
                        progress=count,
                        rate=rate,
                        seconds=seconds,
                        stop=stop,
                        new_cast=new_cast,
                    )
                )
    if truth:
        write_truth(truth, [claim for run in runs for claim in run.claims])
    _report(runs, as_json=as_json)


def _counter(progress: Progress) -> Callable[[int], None]:
    task = progress.add_task("making the world", total=None)
    return lambda sent: progress.update(task, description=f"{sent:,} records")


def _announcer(progress: Progress) -> Callable[[Claim], None]:
    def announce(claim: Claim) -> None:
        expected = "must raise" if claim.expected else "must not raise"
        progress.console.print(f"{claim.story_id}: {expected} {claim.rule}. {claim.why}")

    return announce


@contextmanager
def _stop_on_signal() -> Iterator[Event]:
    """Yield an event that Ctrl-C or SIGTERM sets, so that the command can still count the events it has sent."""
    stop = Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: stop.set()) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _show(figures: list[Figure], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([asdict(figure) for figure in figures]))
        return
    table = Table("authority", "figure", "published", "simulated")
    for figure in figures:
        table.add_row(figure.authority, figure.name, f"{figure.published:,.1f}", f"{figure.simulated:,.1f}")
    Console().print(table)


def _report(runs: list[Produced], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([run.as_json() for run in runs]))
        return
    for run in runs:
        click.echo(f"{run.total:,} records in {run.elapsed:.1f} s, {len(run.claims)} claims about what they must raise")


def _progress() -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())


def _last_midnight() -> datetime:
    return datetime.now(UTC).astimezone(LONDON).replace(hour=0, minute=0, second=0, microsecond=0)
