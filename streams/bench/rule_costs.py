"""What a batch costs in the watcher, and which rule it costs: the engine and the histories alone, without a broker."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import process_time

from streams.bench.alert_load import Load, Record
from streams.contracts import admit
from streams.route.router import Router
from streams.route.routes import read_routes
from streams.rules.compiled import CompiledRules, compiled_rules
from streams.rules.engine import Engine
from streams.settings import Settings
from streams.watch.history import StoredRecord
from streams.watch.judge import Judge

__all__ = ["Costs", "Places", "RuleCost", "costs", "judge_batch"]

_HISTORY = 20_000
"""More history makes no batch larger: a batch holds the families that it touches."""
_BATCHES = {1: 200, 3: 80, 30: 10}
_TYPICAL = 3
"""Events of a batch at a hundred a second."""
_WARM_UP = 20


@dataclass(frozen=True)
class RuleCost:
    """CPU of what a rule alone needs, a live event; `share` is of all CPU that judging takes."""

    rule: str
    ms: float
    share: float


@dataclass(frozen=True)
class Costs:
    """CPU in milliseconds: a batch by its size and, of batches of three, by rule and by what several rules share."""

    batch_ms: dict[int, float]
    rules: list[RuleCost]
    shared: list[RuleCost]


def costs(settings: Settings) -> Costs:
    """Judge live events on top of a history, in batches of several sizes."""
    engine = Engine(compiled_rules(settings))
    try:
        return _costs(settings, engine)
    finally:
        engine.close()


def _costs(settings: Settings, engine: Engine) -> Costs:
    judge = Judge(engine, Router(settings.authority, read_routes()), settings.case_url)
    load, places = Load(_HISTORY, settings.authority), Places(settings.partitions)
    for record in load.history():
        judge.remember(admit(places.stored(record), settings.max_record_bytes))

    def judged(batches: int, size: int) -> float:
        return sum(
            judge_batch(settings, judge, [places.stored(load.live()[1]) for _ in range(size)]) for _ in range(batches)
        )

    judged(_WARM_UP, _TYPICAL)
    batch_ms = {size: round(1000 * judged(count, size) / count, 1) for size, count in _BATCHES.items()}
    engine.spent.clear()
    events = _BATCHES[_TYPICAL] * _TYPICAL
    whole = judged(_BATCHES[_TYPICAL], _TYPICAL)
    return Costs(batch_ms, *_by_rule(engine.compiled, engine.spent, whole, events))


def judge_batch(settings: Settings, judge: Judge, records: list[StoredRecord]) -> float:
    """CPU seconds of one batch, from its bytes to the versions of alerts."""
    began, now = process_time(), datetime.now(UTC)
    events = [judge.remember(admit(record, settings.max_record_bytes)) for record in records]
    for chunk in judge.judge(events, now, now):
        for alert in chunk:
            judge.book.record(alert)
    return process_time() - began


def _by_rule(
    compiled: CompiledRules, spent: Mapping[str, float], whole: float, events: int
) -> tuple[list[RuleCost], list[RuleCost]]:
    """Models that one rule alone stands on are its own; those of several, and landing, are shared."""
    users = defaultdict(set)
    for rule in compiled.rules:
        for model in compiled.needed([rule], None):
            users[model].add(rule)
    own: Counter[str] = Counter(dict.fromkeys(compiled.rules, 0.0))
    shared: Counter[str] = Counter()
    for model, seconds in spent.items():
        if len(users[model]) == 1:
            own[next(iter(users[model]))] += seconds
        else:
            shared[model] += seconds
    shared["everything else"] = whole - own.total() - shared.total()
    return tuple(
        [RuleCost(name, round(1000 * cost / events, 3), round(cost / whole, 3)) for name, cost in counted.most_common()]
        for counted in (own, shared)
    )


class Places:
    """Where records would lie on their topics."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._next: Counter[tuple[str, int]] = Counter()

    def stored(self, record: Record) -> StoredRecord:
        """A record at the next place of its partition, arrived now."""
        topic, key, value = record
        place = topic, sum(key) % self._partitions
        self._next[place] += 1
        now = int(datetime.now(UTC).timestamp() * 1000)
        return StoredRecord(*place, self._next[place] - 1, now, key, value, ())
