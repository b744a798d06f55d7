"""
`./caf bench trust`: what security costs, compared with the same home without it.

With security, the embedded broker asks for a password and allows only what the table of rights allows, and the files of
the lake are encrypted. That is how every home runs. Without security, the bench starts the same broker with the same
properties, but without logins and rights, and makes a lake without encryption.

What the audit, the closed files and PostgreSQL's socket cost is in both figures.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import median

import click
import psutil

from streams.bench.servers import own_servers
from streams.bench.trust_erasure import ErasureTimes, measure_erasure
from streams.bench.trust_round import WITH_SECURITY, WITHOUT_SECURITY, Round, Sizes, measure_round
from streams.rules.compiled import compiled_rules
from streams.settings import Settings
from streams.stack.processes import Say

__all__ = ["Cost", "TrustCosts", "command", "compared", "costs_of", "measure"]

_AIM = 1.1
_ERASE_SECONDS = 60
_ABOUT_SECONDS = 2
_FIGURES: tuple[tuple[str, str, Callable[[Round], float]], ...] = (
    ("first start: servers", "s", lambda one: one.servers_seconds),
    ("first start: alert", "s", lambda one: one.first_alert_seconds),
    ("alerts, p50", "ms", lambda one: one.alerts.p50_ms),
    ("alerts, p99", "ms", lambda one: one.alerts.p99_ms),
    ("landing", "records/s", lambda one: one.landed_per_second),
    ("full build", "s", lambda one: one.build_seconds),
)
_HISTORY = 20_000
_HISTORY_TO_ERASE_FROM = 100_000


@dataclass(frozen=True)
class Cost:
    """
    One figure of each round with security (`secure`) and without (`open`), and their medians.

    `times` says how many times as long something takes with security, according to the medians. For a speed, it is how
    many times as fast something is without security. `lowest` and `highest` are the same for single rounds.
    """

    what: str
    unit: str
    secure: list[float]
    open: list[float]
    secure_median: float
    open_median: float
    times: float
    lowest: float
    highest: float
    meets_aim: bool


@dataclass(frozen=True)
class TrustCosts:
    """The results of `./caf bench trust`."""

    rounds: int
    sizes: Sizes
    costs: list[Cost]
    load_average: float


@click.command("trust")
@click.option("--events", type=click.IntRange(min=1), default=200_000, show_default=True, help="Events to land.")
@click.option("--rate", type=click.IntRange(min=1), default=100, show_default=True, help="Live events a second.")
@click.option("--seconds", type=click.IntRange(min=1), default=20, show_default=True, help="How long they are sent.")
@click.option(
    "--history",
    type=click.IntRange(min=1),
    help=f"Events before the live ones.  [default: {_HISTORY:,}, or {_HISTORY_TO_ERASE_FROM:,} with --erase]",
)
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Homes with security, and as many without. With --erase: how often './caf about' runs.",
)
@click.option("--erase", "erases", is_flag=True, help="Measure only an erasure and an answer to a request of access.")
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON (everything else goes to stderr).")
def command(
    *, events: int, rate: int, seconds: int, history: int | None, rounds: int, erases: bool, as_json: bool
) -> None:
    """
    Measure what logins, rights and encryption cost: at the first start of a home, for alerts, landing and builds.

    Homes with security and homes without take turns, so that a machine that becomes slower slows both down. With
    --erase, the command measures how long it takes to erase a person and to answer a request of access. The command
    uses servers of its own, and removes them afterwards.
    """

    def say(text: str) -> None:
        click.echo(text, err=as_json)

    settings = Settings.from_env()
    if erases:
        times = measure_erasure(settings, history or _HISTORY_TO_ERASE_FROM, rounds, say)
        click.echo(json.dumps(asdict(times)) if as_json else "\n".join(_erasure(times)))
        return
    found = measure(settings, Sizes(events, rate, seconds, history or _HISTORY), rounds, say)
    click.echo(json.dumps(asdict(found)) if as_json else "\n".join(_table(found)))


def measure(settings: Settings, sizes: Sizes, rounds: int, say: Say) -> TrustCosts:
    """
    Measure homes with security and homes without, in turns.

    Raises:
        StackFailed: a server cannot be started.
        WatchSilent: a watcher raised too few alerts.
    """
    # A first start that nobody counts. Otherwise the first home alone would read the programs from the disk.
    with own_servers(settings, say) as own:
        compiled_rules(own)
    secure, open_ = [], []
    for number in range(1, rounds + 1):
        say(f"Round {number} of {rounds}, with security …")
        secure.append(measure_round(settings, sizes, WITH_SECURITY, say))
        say(f"Round {number} of {rounds}, without …")
        open_.append(measure_round(settings, sizes, WITHOUT_SECURITY, say))
    return TrustCosts(rounds, sizes, list(costs_of(secure, open_)), round(psutil.getloadavg()[0], 1))


def compared(what: str, unit: str, secure: Sequence[float], open_: Sequence[float], *, is_speed: bool = False) -> Cost:
    """Compare the figures of rounds. The more security costs, the larger `times` is."""
    middles = median(secure), median(open_)
    times, *single = (
        round(without / with_ if is_speed else with_ / without, 3)
        for with_, without in (middles, *zip(secure, open_, strict=True))
    )
    return Cost(what, unit, [*secure], [*open_], *middles, times, min(single), max(single), times <= _AIM)


def costs_of(secure: Sequence[Round], open_: Sequence[Round]) -> Iterator[Cost]:
    """Yield the comparison of each figure of rounds with security and rounds without."""
    for what, unit, figure in _FIGURES:
        yield compared(what, unit, [*map(figure, secure)], [*map(figure, open_)], is_speed=unit.endswith("/s"))


def _table(found: TrustCosts) -> Iterator[str]:
    yield f"{'':<21} {'':<10} {'secure':>10} {'open':>10}   times (rounds)            aim {_AIM}"
    for one in found.costs:
        spread = f"{one.times:5.2f} ({one.lowest:.2f} to {one.highest:.2f})"
        yield (
            f"{one.what:<21} {one.unit:<10} {one.secure_median:>10,.1f} {one.open_median:>10,.1f}   {spread:<25} "
            f"{_verdict(is_met=one.meets_aim)}"
        )
    yield f"{found.rounds} rounds; load average {found.load_average} at the end"


def _erasure(times: ErasureTimes) -> Iterator[str]:
    about = _verdict(is_met=times.about_seconds <= _ABOUT_SECONDS)
    erase = _verdict(is_met=times.erase_seconds <= _ERASE_SECONDS)
    yield f"{times.history:,} events; load average {times.load_average} at the end"
    yield f"about a person    {times.about_seconds:6.1f} s   aim {_ABOUT_SECONDS} s: {about}"
    yield f"erase the person  {times.erase_seconds:6.1f} s   aim {_ERASE_SECONDS} s: {erase}; {times.erased} records"


def _verdict(*, is_met: bool) -> str:
    return "met" if is_met else "missed"
