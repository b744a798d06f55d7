"""
`./caf bench faults`: cause random faults, and check whether the system has kept every promise.

The same parts run as in the stack, except Airflow: `land`, two watchers and `build --follow`. They are plain processes
that are restarted when they end. Simulated events keep arriving. Some events are wrong, corrected, withdrawn or sent
twice. At the end, all faults are undone and the parts get time to catch up. Then the promises are checked.
"""

import heapq
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

import click
from kafka.errors import KafkaError

from streams.bench.fault_kinds import Fault, Faults
from streams.bench.fault_parts import PARTS, Parts, own_disk
from streams.bench.fault_verdict import Promises, said, settle, unaccounted, unlike_the_build, unlike_the_oracle
from streams.bench.servers import own_servers
from streams.errors import PartsDisagree
from streams.kafka.client import producer
from streams.rules.compiled import compiled_rules
from streams.settings import Settings
from streams.simulate import Noise, World

__all__ = ["Campaign", "Plan", "campaign", "command"]

_RECORDS_A_SECOND = 20
_RECORDS_A_DAY = 300
"""Approximate number of records in a simulated day."""
_NOISE = Noise(malformed=0.02, duplicates=0.05, corrected=0.03, withdrawn=0.03)
_TICK = 0.2
_SEND_PATIENCE_MS = 600_000
_SHOWN = 20

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """
    The plan of a campaign.

    Attributes:
        seconds: for how long faults occur.
        seed: decides which faults occur.
        every: the mean time between two faults, in seconds.
        patience: how many seconds the parts have to catch up at the end.
    """

    seed: int
    seconds: float
    every: float
    patience: float


@dataclass
class Campaign:
    """The results of a campaign: the faults that occurred, and the problems that break each promise."""

    plan: Plan
    sent: int = 0
    alerts: int = 0
    restarts: int = 0
    faults: list[Fault] = field(default_factory=list)
    promises: Promises = field(default_factory=dict)

    @property
    def is_kept(self) -> bool:
        """Whether every promise was kept."""
        return not any(self.promises.values())


@click.command("faults")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), default=20.0, show_default=True)
@click.option("--every", type=float, default=4.0, show_default=True, help="Mean seconds between two faults.")
@click.option("--seed", type=int, help="The same seed draws the same faults.  [default: random]")
@click.option("--patience", type=float, default=600.0, show_default=True, help="Seconds to catch up at the end.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON (everything else goes to stderr).")
def command(minutes: float, every: float, seed: int | None, patience: float, *, as_json: bool) -> None:
    """
    Kill, stop and starve parts and servers at random, and check whether every promise is kept.

    The command uses a broker, a database, a lander, two watchers and a builder of its own, and removes them afterwards.
    Full disks need root, because a small disk must be mounted. Wrong clocks need libfaketime. The command leaves out
    faults that are not possible, and names them. The exit code is 1 if a promise is broken.
    """
    seed = random.SystemRandom().randrange(10**9) if seed is None else seed
    plan = Plan(seed, 60 * minutes, every, patience)
    done = campaign(Settings.from_env(), plan, lambda text: click.echo(text, err=True))
    click.echo(json.dumps(asdict(done)) if as_json else "\n".join(_lines(done)))
    if not done.is_kept:
        broken = [promise for promise, failures in done.promises.items() if failures]
        raise PartsDisagree(f"{len(broken)} promises were broken with seed {seed}: {'; '.join(broken)}")


def campaign(settings: Settings, plan: Plan, say: Say) -> Campaign:
    """
    Run one campaign: cause faults on servers of its own, and then check every promise.

    Raises:
        OracleMissing: this installation has no tests.
        StackFailed: a server cannot be started.
    """
    done = Campaign(plan)
    say(f"seed {plan.seed}: faults for {plan.seconds:.0f} s, one every {plan.every:.0f} s")
    with own_servers(settings, say) as own, own_disk(own.home / "disk", say) as disk:
        parts = Parts(replace(own, lake_data=str(own.home / "disk" / "lake")))
        if not parts.has_clocks:
            say("No fault changes a clock: libfaketime is not installed (Debian: faketime).")
        compiled_rules(parts.settings)
        parts.revive()
        faults = Faults(parts, disk, plan.seed, plan.seconds)
        with _sending(parts.settings, plan.seed, round(plan.seconds * _RECORDS_A_SECOND)) as partner:
            _hit(parts, faults, done, say)
            faults.heal()
            say("All faults are undone; waiting until everything is evaluated, landed and built …")
        done.sent, done.restarts = partner.acknowledged, parts.restarts - len(PARTS)
        _look(parts, done, partner.lost)
    return done


def _hit(parts: Parts, faults: Faults, done: Campaign, say: Say) -> None:
    """Cause one fault after another. Undo each when its time is over, and restart parts and servers that have ended."""
    began, order = time.monotonic(), count()
    undo: list[tuple[float, int, Callable[[], None]]] = []
    following = 2 * done.plan.every
    while (now := time.monotonic() - began) < done.plan.seconds:
        while undo and undo[0][0] <= now:
            heapq.heappop(undo)[2]()
        if now >= following:
            fault, heal = faults.inject(round(now, 1))
            done.faults.append(fault)
            say(f"  {now:6.1f} s  {fault.kind:14} {fault.victim:9} {fault.detail} {_lasting(fault)}")
            if heal:
                heapq.heappush(undo, (now + fault.lasts, next(order), heal))
            following = now + faults.wait(done.plan.every)
        parts.revive()
        time.sleep(_TICK)


def _look(parts: Parts, done: Campaign, lost: list[str]) -> None:
    settings, promises, patience = parts.settings, done.promises, done.plan.patience
    promises["every event that was sent is on its topic"] = lost
    promises[f"all is evaluated, landed and built within {patience:.0f} s"] = settle(settings, patience, parts.revive)
    promises["alerts streamed = alerts rebuilt"] = unlike_the_build(settings)
    parts.stop("build")
    ended = {name: parts.stop(name) for name in ("standby", "watch")}
    promises["every offset has one row"] = unaccounted(settings)
    ended["land"] = parts.stop("land")
    promises["land and watch end without error when asked"] = [name for name, is_well in ended.items() if not is_well]
    versions, promises["every version is published once"] = said(settings)
    promises["alerts = the oracle's"] = unlike_the_oracle(settings, versions)
    done.alerts = len({alert.alert_id for alert in versions})


class _Partner(threading.Thread):
    """
    Sends events at a steady rate, even while servers are down.

    After `hurry`, it sends all remaining events at once.
    """

    def __init__(self, settings: Settings, seed: int, records: int) -> None:
        super().__init__(daemon=True)
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        days = 5 + records // _RECORDS_A_DAY
        world = World(seed, [settings.authority], midnight - timedelta(days=days), midnight, stories=1, noise=_NOISE)
        self._records = list(world.records())[-records:]
        self._kafka = producer(settings, delivery_timeout_ms=_SEND_PATIENCE_MS, max_block_ms=_SEND_PATIENCE_MS)
        self.hurry = threading.Event()
        self.acknowledged = 0
        self.lost: list[str] = []

    def run(self) -> None:
        futures = []
        for record in self._records:
            futures.append(self._kafka.send(record.topic, key=record.key, value=record.value))
            self.hurry.wait(1 / _RECORDS_A_SECOND)
        for future in futures:
            try:
                future.get(timeout=_SEND_PATIENCE_MS / 1000)
                self.acknowledged += 1
            except KafkaError as error:
                self.lost.append(type(error).__name__)
        self._kafka.close()


@contextmanager
def _sending(settings: Settings, seed: int, records: int) -> Iterator[_Partner]:
    partner = _Partner(settings, seed, records)
    partner.start()
    try:
        yield partner
    finally:
        partner.hurry.set()
        partner.join()


def _lasting(fault: Fault) -> str:
    return f"for {fault.lasts:.1f} s" if fault.lasts else ""


def _lines(done: Campaign) -> Iterator[str]:
    kinds = Counter(f"{fault.kind} {fault.victim}" for fault in done.faults)
    yield f"seed {done.plan.seed}: {len(done.faults)} faults in {done.plan.seconds:.0f} s, {done.restarts} restarts"
    yield "  " + ", ".join(f"{number} {kind}" for kind, number in kinds.most_common())
    yield f"{done.sent:,} events sent, {done.alerts:,} alerts"
    for promise, failures in done.promises.items():
        yield f"{'✗' if failures else '✓'} {promise}"
        yield from (f"    {failure}" for failure in failures[:_SHOWN])
        if len(failures) > _SHOWN:
            yield f"    … and {len(failures) - _SHOWN} more"
