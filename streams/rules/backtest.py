"""
Compare the alerts that a rule raises on the landed history with those that it would raise with other thresholds or SQL.

The history is read once. Families that share a person or an address are read together, as one group. The DuckDB engine
evaluates one group after another. Nothing is written to the lake. If the backtest makes a copy of the dbt project, it
deletes the copy at the end.
"""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from streams.errors import LakeUnavailable, ThresholdInvalid, UnknownRule
from streams.lake.connect import connect
from streams.lake.one_row import one_row
from streams.rules.answers import AlertRow
from streams.rules.compiled import DBT_PROJECT, CompiledRules, compiled_rules
from streams.rules.engine import Engine
from streams.rules.families_together import families_together
from streams.rules.lineage import Lineage
from streams.rules.thresholds import thresholds, with_thresholds
from streams.settings import Settings
from streams.times import aware

__all__ = ["Backtest", "Raised", "backtest"]

_MEMORY = "1GB"
_SPAN = "SELECT count(*), min(event_at), max(received_at) FROM landing.main.events"


@dataclass(frozen=True)
class Raised:
    """An alert that a backtest raised, and the area of its family. `anchored_at` has a time zone."""

    alert_id: str
    entity_id: str
    severity: str
    anchored_at: datetime
    area: str


@dataclass(frozen=True)
class Backtest:
    """
    The alerts of a rule in its present form (`before`) and its changed form (`after`), and the differences.

    Only alerts whose anchor lies between `since` and `as_of` (the end of the history) are compared. The differences are
    `gained`, `lost`, `moved` (an alert about the same family or referral at another time) and `rerated` (the same alert
    with another severity). `moved` and `rerated` contain pairs of alerts.
    """

    rule: str
    changes: dict[str, str]
    events: int
    since: datetime
    as_of: datetime
    before: list[Raised]
    after: list[Raised]
    gained: list[Raised]
    lost: list[Raised]
    moved: list[tuple[Raised, Raised]]
    rerated: list[tuple[Raised, Raised]]

    @property
    def days(self) -> float:
        """The number of days of history from which alerts are compared."""
        return (self.as_of - self.since) / timedelta(days=1)


def backtest(
    settings: Settings,
    rule: str,
    changes: Mapping[str, str],
    *,
    sql: Path | None = None,
    since: date | None = None,
    progress: Callable[[int, int], None] = lambda *_: None,
    project: Path = DBT_PROJECT,
) -> Backtest:
    """
    Evaluate the landed history with a rule in its present form and in its changed form.

    Args:
        changes: new values of thresholds, by name. They apply to every practice profile.
        sql: a file with new SQL for the rule's dbt model.
        since: the first day (UTC) whose alerts are compared; all days by default.
        progress: a function that is called with the number of events evaluated so far, and the number of all events.

    Raises:
        UnknownRule: there is no rule with this name that the watcher evaluates.
        ThresholdInvalid: neither a threshold nor the SQL is changed, the rule does not read one of the thresholds in
            `changes`, or a value is not allowed.
        RulesInvalid: dbt cannot compile the new SQL.
        LakeUnavailable: the lake does not answer, or nothing has landed.
    """
    if not changes and sql is None:
        raise ThresholdInvalid("nothing is changed: give a new value for a threshold, or new SQL")
    now = compiled_rules(settings, project)
    if rule not in now.rules or now.rules[rule].scope != "family":
        allowed = sorted(one.name for one in now.rules.values() if one.scope == "family")
        raise UnknownRule(f"no rule {rule!r} can be tried on the history of families; allowed: {', '.join(allowed)}")
    with tempfile.TemporaryDirectory(prefix="caf-backtest-") as name, connect(settings, marts=None) as lake:
        folder = Path(name)
        changed = now if sql is None else _with_sql(project, rule, sql, folder)
        known = thresholds(changed, Lineage(changed, counts_optional=False), rule)
        changed = with_thresholds(changed, rule, known, changes, folder)
        lake.execute(f"SET memory_limit = '{_MEMORY}'; SET temp_directory = '{folder / 'spilled'}'")
        events, first, last = one_row(lake.execute(_SPAN))
        if not events:
            raise LakeUnavailable("nothing has landed yet: there is no history to try a rule on")
        as_of = aware(last)
        begin = aware(first) if since is None else datetime(since.year, since.month, since.day, tzinfo=UTC)
        before, after = _judged(lake, (now, changed), rule, as_of, lambda done: progress(done, events))
    before, after = ([one for one in alerts if one.anchored_at >= begin] for alerts in (before, after))
    return Backtest(rule, dict(changes), events, begin, as_of, before, after, *_differences(before, after))


def _with_sql(project: Path, rule: str, sql: Path, folder: Path) -> CompiledRules:
    """Compile a copy of the project in which one rule has other SQL. The copy is deleted afterwards."""
    copy = folder / "project"
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns("target", "logs"))
    next(copy.rglob(f"alert_{rule}.sql")).write_text(sql.read_text())
    return compiled_rules(Settings(home=folder / "home"), copy)


def _judged(
    lake: duckdb.DuckDBPyConnection,
    both: tuple[CompiledRules, CompiledRules],
    rule: str,
    as_of: datetime,
    progress: Callable[[int], None],
) -> tuple[list[Raised], list[Raised]]:
    engines = [Engine(compiled) for compiled in both]
    found: tuple[list[Raised], list[Raised]] = [], []
    done = 0
    try:
        for events in families_together(lake):
            for engine, raised in zip(engines, found, strict=True):
                with engine.evaluating(events, None, [rule], as_of) as evaluation:
                    desks = evaluation.desks() if evaluation.alerts else {}
                raised += [
                    _raised(one, desks[one.family_id].area if one.family_id in desks else None)
                    for one in evaluation.alerts
                ]
            done += len(events)
            progress(done)
    finally:
        for engine in engines:
            engine.close()
    return found


def _raised(alert: AlertRow, area: str | None) -> Raised:
    moment = aware(alert.anchored_at)
    return Raised(alert.alert_id, alert.entity_id, alert.severity, moment, area or "unknown")


def _differences(
    before: list[Raised], after: list[Raised]
) -> tuple[list[Raised], list[Raised], list[tuple[Raised, Raised]], list[tuple[Raised, Raised]]]:
    """Return the alerts that are gained, lost, moved and rerated."""
    old, new = ({one.alert_id: one for one in alerts} for alerts in (before, after))
    both = [(old[id_], new[id_]) for id_ in old.keys() & new.keys()]
    moved = [pair for pair in both if pair[0].anchored_at != pair[1].anchored_at]
    rerated = [pair for pair in both if pair[0].severity != pair[1].severity]
    lost = {id_: old[id_] for id_ in old.keys() - new.keys()}
    gained = {id_: new[id_] for id_ in new.keys() - old.keys()}
    for one in sorted(lost.values(), key=_place):
        same = [other for other in gained.values() if other.entity_id == one.entity_id]
        if same:
            nearest = min(same, key=lambda other: (abs(other.anchored_at - one.anchored_at), other.alert_id))
            moved.append((lost.pop(one.alert_id), gained.pop(nearest.alert_id)))
    return (
        sorted(gained.values(), key=_place),
        sorted(lost.values(), key=_place),
        sorted(moved, key=lambda pair: _place(pair[0])),
        sorted(rerated, key=lambda pair: _place(pair[0])),
    )


def _place(alert: Raised) -> tuple[datetime, str]:
    return alert.anchored_at, alert.alert_id
