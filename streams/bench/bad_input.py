"""`./caf bench bad-input`: whether alerts are still raised when many random and hostile records arrive."""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field

import click
from kafka import KafkaProducer

from streams.bench.alert_load import Load
from streams.bench.bad_senders import mark_ends, sending
from streams.bench.live import Latencies, latencies, listening
from streams.bench.servers import own_servers
from streams.bench.stages import Stages
from streams.kafka.client import producer
from streams.lake.connect import connect
from streams.land.verify import verify_offsets
from streams.rules.compiled import compiled_rules
from streams.settings import Settings
from streams.times import wait_for

__all__ = ["BadInput", "command", "measure"]

_PLANTED_EVERY_SECONDS = 0.5
_LAST_ALERT_SECONDS = 60.0
_LOOK_SECONDS = 0.1
_VERIFY_SECONDS = 60.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class BadInput:
    """
    The results of `./caf bench bad-input`.

    For each stage, `stops` counts how often it stopped, and `memory_mb` is the most memory that it used.

    `landed_seconds` is the time from the first record sent until every record had a row. `judged_seconds` is the time
    from the first record sent until every record was evaluated. None means that this never happened.
    """

    records: int
    rejected: dict[str, int]
    sent_seconds: float
    landed_seconds: float | None
    judged_seconds: float | None
    planted: int
    missing: int
    alerts: Latencies | None
    stops: dict[str, int]
    differences: dict[str, int]
    memory_mb: dict[str, float] = field(default_factory=dict)

    @property
    def records_per_second(self) -> float | None:
        """Records per second, from the first record sent until the slower stage had finished the last one."""
        if self.landed_seconds is None or self.judged_seconds is None:
            return None
        return round(self.records / max(self.landed_seconds, self.judged_seconds), 1)

    @property
    def holds(self) -> bool:
        """Whether no stage stopped, every offset has exactly one row, and every planted alert was raised."""
        return not (self.missing or any(self.stops.values()) or self.differences or self.records_per_second is None)


@click.command("bad-input")
@click.option(
    "--records", type=click.IntRange(min=10), default=100_000, show_default=True, help="How many bad records."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Decides which records are sent.")
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON (everything else goes to stderr).")
def command(records: int, seed: int, as_json: bool) -> None:
    """
    Send bad records while `watch` and `land` run, and check that alerts are still raised.

    Between the bad records, the command sends families whose alerts must be raised. The bad records are random bytes,
    damaged events, tombstones, and records with odd keys, odd headers or deep nesting. Some are large records that
    compress well, and some are in aborted transactions. Every compression codec is used. The command uses a broker of
    its own. Exit code 0 means that no stage stopped, every offset has one row, and every planted alert was raised.
    """
    measured = measure(Settings.from_env(), records, seed, lambda text: click.echo(text, err=True))
    figures = asdict(measured) | {"records_per_second": measured.records_per_second, "holds": measured.holds}
    click.echo(json.dumps(figures) if as_json else "\n".join(_lines(measured)))
    sys.exit(0 if measured.holds else 1)


def measure(settings: Settings, records: int, seed: int, say: Say) -> BadInput:
    """
    Start servers, send bad records to them, and check whether alerts are still raised.

    Raises:
        StackFailed: a server or a stage cannot be started.
    """
    with own_servers(settings, say) as own:
        connect(own).close()
        return throw(own, records, seed, say)


def throw(settings: Settings, records: int, seed: int, say: Say) -> BadInput:
    """Send bad records to running servers with empty topics, and check whether alerts are still raised."""
    compiled_rules(settings)
    planted = _Planted(settings, seed)
    with closing(Stages(settings, say)) as stages, closing(planted), listening(settings) as received:
        stages.wait_until_awake()
        say(f"Sending {records:,} records …")
        began = time.monotonic()
        sent = _send(settings, records, seed, (planted.look, stages.look))
        sent_seconds = round(time.monotonic() - began, 1)
        say(f"Sent in {sent_seconds} s; waiting until they are landed and evaluated …")
        landed, evaluated = stages.wait_until_done(began)
        _wait(planted.sent, received)
        differences = Counter(gap.what for gap in verify_offsets(settings, wait=_VERIFY_SECONDS).differences)
    return BadInput(
        records=sent,
        rejected=_rejected(settings),
        sent_seconds=sent_seconds,
        landed_seconds=landed,
        judged_seconds=evaluated,
        planted=len(planted.sent),
        missing=len(planted.sent.keys() - received.keys()),
        alerts=latencies([received[one][0] - at for one, at in planted.sent.items() if one in received]),
        stops=stages.stops,
        differences=dict(differences),
        memory_mb=stages.memory_mb,
    )


def _send(settings: Settings, records: int, seed: int, meanwhile: Sequence[Callable[[], None]]) -> int:
    """Send all records, and then one more record to each partition. Return how many records the broker accepted."""
    with sending(settings, records, seed) as shares:
        while not shares.ready():
            for look in meanwhile:
                look()
            time.sleep(_LOOK_SECONDS)
        sent = sum(shares.get())
    mark_ends(settings)
    return sent


class _Planted:
    """Families that are referred twice in a row. A family's second referral must raise `re_referral`."""

    def __init__(self, settings: Settings, seed: int) -> None:
        self._load = Load(0, settings.authority, seed, name="planted")
        self._client: KafkaProducer = producer(settings, linger_ms=0)
        self._next = 0.0
        self.sent: dict[str, float] = {}
        """When the second referral of each family was sent, by event id."""

    def look(self) -> None:
        """Send the two referrals of one more family, if enough time has passed since the last one."""
        if time.monotonic() >= self._next:
            self.send()
            self._next = time.monotonic() + _PLANTED_EVERY_SECONDS

    def send(self) -> None:
        """Send the two referrals of one more family."""
        for _ in range(2):
            event_id, (topic, key, value) = self._load.referral(f"F-planted-{len(self.sent)}")
            sent_at = time.monotonic()
            self._client.send(topic, key=key, value=value)
        self.sent[event_id] = sent_at

    def close(self) -> None:
        """Disconnect from the broker."""
        self._client.close()


def _wait(sent: dict[str, float], received: dict[str, tuple[float, str]]) -> None:
    """Wait until the alerts about all planted referrals have been read, or the time limit is over."""
    wait_for(lambda: sent.keys() <= received.keys(), _LAST_ALERT_SECONDS, every=_LOOK_SECONDS)


def _rejected(settings: Settings) -> dict[str, int]:
    """Count the records in the quarantine by reason."""
    with connect(settings, marts=None) as lake:
        query = "SELECT reason, count(*) FROM landing.main.quarantine GROUP BY ALL ORDER BY 2 DESC"
        return dict(lake.execute(query).fetchall())


def _lines(measured: BadInput) -> Iterator[str]:
    rejected = ", ".join(f"{reason} {count:,}" for reason, count in measured.rejected.items())
    yield f"{measured.records:,} records sent in {measured.sent_seconds} s; rejected: {rejected}"
    yield f"landed after {measured.landed_seconds} s, evaluated after {measured.judged_seconds} s"
    yield f"both stages: {measured.records_per_second} records/s; most MB: {_named(measured.memory_mb)}"
    yield f"{'✗' if any(measured.stops.values()) else '✓'} stops: {_named(measured.stops)}"
    yield f"{'✗' if measured.differences else '✓'} offsets without exactly one row: {_named(measured.differences) or 0}"
    yield f"{'✗' if measured.missing else '✓'} {measured.planted} planted alerts, {measured.missing} missing"
    if measured.alerts:
        yield (
            f"  seconds until received: p50 {measured.alerts.p50_ms / 1000:.1f}, "
            f"p95 {measured.alerts.p95_ms / 1000:.1f}, slowest {measured.alerts.max_ms / 1000:.1f}"
        )


def _named(figures: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {figure:,}" for name, figure in figures.items())
