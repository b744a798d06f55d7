"""
`./caf bench land`: records landed per second, compared with two other rates on the same topics.

The first rate is that of reading the topics with the same client and storing nothing (the drain). The second is that of
storing the records without guarantees (the plain limit). All three are measured in one run, and only their ratios mean
anything, because a machine's speed varies, even during a run.
"""

import json
import pkgutil
import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace

import click

from streams import names
from streams.bench.plain import store_plainly
from streams.bench.servers import own_servers
from streams.contracts import event_types
from streams.contracts.generate.examples import event_example
from streams.kafka.client import consumer, producer
from streams.kafka.drain import is_past
from streams.lake.connect import connect
from streams.land import run
from streams.land.checks import Validator
from streams.land.lander import CONSUMER
from streams.settings import Settings

__all__ = ["LandingSpeed", "command", "land_anew", "measure", "produce"]

_BAD_SHARE = 0.01
_FAMILIES = 50_000
_RUNS = 2


@dataclass(frozen=True)
class LandingSpeed:
    """
    Records per second that were drained, stored plainly, and landed.

    `of_drain` is the landed rate divided by the drained rate. `of_plain` is the landed rate divided by the plain rate.
    """

    records: int
    drained_per_second: float
    plain_per_second: float
    landed_per_second: float
    of_drain: float
    of_plain: float


def measure(
    settings: Settings, events: int, validator: Validator | None, say: Callable[[str], None] = print
) -> LandingSpeed:
    """
    Produce events of every type, one in a hundred of them bad. Then measure how fast they are drained, stored plainly,
    and landed.

    Each figure is the better of two runs, because the first run also loads libraries.

    Raises:
        StackFailed: a server cannot be started.
    """
    drained, plain, landed = [], [], []
    with own_servers(settings, say) as own:
        say(f"Producing {events:,} events …")
        produce(own, events)
        for number in range(1, _RUNS + 1):
            say(f"Draining, storing and landing them, {number} of {_RUNS} …")
            records, seconds = _drain(own)
            drained.append(records / seconds)
            plain.append(store_plainly(own, own.home))
            landed.append(land_anew(replace(own, database=f"bench_{number}"), validator))
    best = max(landed)
    shares = [round(best / max(others), 3) for others in (drained, plain)]
    return LandingSpeed(records, round(max(drained)), round(max(plain)), round(best), *shares)


def produce(settings: Settings, events: int) -> None:
    """Send events of every type, one in a hundred of them bad."""
    with closing(producer(settings, linger_ms=20)) as kafka:
        for topic, key, value in _events(random.Random(0), events):
            kafka.send(topic, key=key, value=value)


def _events(chance: random.Random, count: int) -> Iterator[tuple[str, bytes, bytes]]:
    """Yield topic, key and value of events. All event types have equal shares."""
    examples = [(struct.topic, struct.key_fields, event_example(struct)) for struct in event_types().values()]
    for number in range(count):
        topic, key_fields, example = examples[number % len(examples)]
        data = dict(example["data"])
        if "family_id" in data:
            data["family_id"] = f"F-{chance.randrange(_FAMILIES):06d}"
        key = next(data[name] for name in key_fields if data.get(name))
        value = json.dumps(example | {"id": f"bench-{number}", "data": data}).encode()
        yield topic, key.encode(), value[:-1] if chance.random() < _BAD_SHARE else value


def _drain(settings: Settings) -> tuple[int, float]:
    """Read all landed topics. Return the number of records, and how many seconds the reading took."""
    with closing(consumer(settings, names.LANDED_TOPICS, generations=None, **CONSUMER)) as kafka:
        ends = kafka.end_offsets(kafka.assignment())
        records, started = 0, time.perf_counter()
        while not is_past(kafka, ends):
            records += sum(map(len, kafka.poll(timeout_ms=200).values()))
        return records, time.perf_counter() - started


def land_anew(settings: Settings, validator: Validator | None) -> float:
    """Land all records in a new lake with all checks. Return the records per second, without the time to connect."""
    own = replace(settings, lake_data=str(settings.home / settings.database))
    connect(own).close()
    landed = run(own, validator=validator, once=True)
    return landed.rows / landed.seconds


@click.command("land")
@click.option("--events", type=click.IntRange(min=1), default=200_000, show_default=True, help="Events to produce.")
@click.option(
    "--validator",
    default="expectations:validate",
    show_default=True,
    help="Function that validates stored rows, as module:name; an empty text for none.",
)
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON (everything else goes to stderr).")
def command(*, events: int, validator: str, as_json: bool) -> None:
    """
    Measure records landed per second, compared with a drain of the same topics and with the plain limit.

    Landing includes the contract, the commit and Great Expectations. The drain reads the topics with the same client
    and stores nothing. The plain limit is the speed at which librdkafka, msgspec, Arrow and DuckDB write the records to
    Parquet files without any guarantee. The command uses a broker, a database and a lake of its own, and removes them
    afterwards.
    """
    function = pkgutil.resolve_name(validator) if validator else None
    measured = measure(Settings.from_env(), events, function, lambda text: click.echo(text, err=as_json))
    if as_json:
        click.echo(json.dumps(asdict(measured)))
    else:
        click.echo(f"drained  {measured.drained_per_second:>9,.0f} records/s")
        click.echo(f"plain    {measured.plain_per_second:>9,.0f} records/s")
        click.echo(f"landed   {measured.landed_per_second:>9,.0f} records/s")
        click.echo(f"landed is {measured.of_plain} of plain, and {measured.of_drain} of drained")
