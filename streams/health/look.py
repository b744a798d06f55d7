"""
Check the whole system once: ask all servers at the same time, find the state of each part, and store the results.

Each question has a time limit. If a server does not answer in time, the check says so and goes on.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import duckdb

from streams import names
from streams.health.asking import Asker, Unanswered
from streams.health.backlog import Backlog
from streams.health.backups import backups
from streams.health.broker import Broker, Places, ask_broker, waiting, without_their_end
from streams.health.erasures import erasures
from streams.health.lake import Lake, LakeReader
from streams.health.parts import groups, parts
from streams.health.row import Row, spell
from streams.health.runs import Signs, read_signs, remember
from streams.health.scheduler import Scheduler, ask_airflow
from streams.health.servers import disks, servers
from streams.health.verdict import Case, verdict
from streams.lake.connect import connect
from streams.lake.object_check import explained
from streams.settings import Settings
from streams.stack import stack

__all__ = ["Health", "Holds", "Observer"]

Holds = Callable[[duckdb.DuckDBPyConnection], Sequence[object]]
OpenLake = Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]]

_PATIENCE_SECONDS = 10.0
_SILENT_SECONDS = 10.0
"""The watcher counts as silent if its newest heartbeat is older than this, in seconds."""


@dataclass(frozen=True, kw_only=True)
class Health:
    """
    The state of all servers and parts at the time `looked_at`.

    Parts are in the order in which they process an event.
    """

    looked_at: datetime
    servers: list[Row] = field(default_factory=list)
    parts: list[Row] = field(default_factory=list)

    @property
    def rows(self) -> list[Row]:
        """The rows of all servers and parts."""
        return [*self.servers, *self.parts]

    @property
    def troubles(self) -> list[str]:
        """The sentences about everything that is red."""
        return [row.says for row in self.rows if row.level == "red"]

    @property
    def warnings(self) -> list[str]:
        """The sentences about everything that is amber."""
        return [row.says for row in self.rows if row.level == "amber"]

    def row(self, part: str) -> Row | None:
        """Return the row of a part, by the part's name."""
        return next((row for row in self.rows if row.part == part), None)


class Observer:
    """Checks the whole system, once or repeatedly."""

    def __init__(self, settings: Settings, holds: Holds | None = None, open_lake: OpenLake | None = None) -> None:
        self._settings, self._holds = settings, holds
        self._open_lake = open_lake or (lambda: connect(settings))
        self._lake = LakeReader()
        self._asker = Asker(_PATIENCE_SECONDS)

    def look(self) -> Health:
        """
        Return the present state.

        This takes as long as the slowest answer, but not longer than the time limit.
        """
        settings = self._settings
        local = {part.part: part for part in stack.status(settings)}
        asked = self._asker.ask(self._questions(local))
        signs = asked.get("postgres")
        now = signs.now if isinstance(signs, Signs) else datetime.now(UTC)
        backlogs = self._backlogs(asked, now)
        found = self._parts(asked, backlogs, now)
        if isinstance(signs, Signs) and backlogs:
            self._asker.ask({"postgres (storing this look)": lambda: remember(settings, backlogs)})
        return Health(
            looked_at=now,
            servers=[
                *(_with_place(row, local) for row in (*servers(settings, local, asked, backlogs), *disks(settings))),
                *backups(settings, now, signs.made_at if isinstance(signs, Signs) else None),
                *erasures(settings),
            ],
            parts=[_with_place(row, local) for row in found],
        )

    def _questions(self, local: Mapping[str, stack.PartStatus]) -> dict[str, Callable[[], object]]:
        """
        Return the questions for the servers. Servers of this home that are down are left out, because a question would
        only wait for them.
        """
        settings = self._settings
        up = {name for name in stack.SERVERS if name not in local or local[name].state == "running"}
        questions: dict[str, Callable[[], object]] = {}
        if "postgres" in up:
            questions |= {"postgres": lambda: read_signs(settings), "lake": self._read_lake}
        if "kafka" in up:
            questions["kafka"] = lambda: ask_broker(settings, dict(groups(settings).values()))
        if "airflow" in up:
            questions["airflow"] = lambda: ask_airflow(settings)
        return questions

    def _read_lake(self) -> Lake:
        with self._open_lake() as lake:
            try:
                return self._lake.read(lake, self._holds)
            except duckdb.IOException as error:
                if not self._settings.is_in_object_store:
                    raise
                raise explained(self._settings, error) from None

    def _backlogs(self, asked: dict[str, object], now: datetime) -> dict[str, Backlog]:
        """
        Return the backlog of each part, as far as Kafka and the lake report it.

        To find the backlogs, Kafka is asked once more. If it does not answer this time, the failure replaces its
        earlier answer in `asked`.
        """
        found: dict[str, Backlog] = {}
        broker, lake = asked.get("kafka"), asked.get("lake")
        if isinstance(broker, Broker):
            if isinstance(lake, Lake):
                asked["kafka"] = broker = self._compared(broker, lake)
            done = _done(self._settings, broker, lake)
            told = self._asker.ask({"kafka (asked for times)": lambda: waiting(self._settings, broker, done, now)})
            for answer in told.values():
                if isinstance(answer, dict):
                    found |= answer
                else:
                    asked["kafka"] = answer
        if isinstance(lake, Lake):
            found["build"] = lake.unbuilt
        return found

    def _compared(self, broker: Broker, lake: Lake) -> Broker:
        """
        Number Kafka's offsets as the lake does, and compare them with the landed offsets.

        If a partition ends before an offset that has already landed, add this to the problems.
        """
        numbered = broker.numbered(lake.generations)
        ask = {"kafka (asked for ends)": lambda: without_their_end(self._settings, numbered, lake.landed)}
        (found,) = self._asker.ask(ask).values()
        return numbered if isinstance(found, Unanswered) else replace(numbered, troubles=[*found, *numbered.troubles])

    def _parts(self, asked: Mapping[str, object], backlogs: Mapping[str, Backlog], now: datetime) -> list[Row]:
        signs, lake, airflow = asked.get("postgres"), asked.get("lake"), asked.get("airflow")
        silence = _silence(asked.get("kafka"), now)
        if not isinstance(signs, Signs):
            return [silence] if silence else []
        tasks = airflow if isinstance(airflow, Scheduler) else Scheduler(beats={})
        rows = []
        for part in parts(self._settings):
            case = Case(
                part=part,
                now=now,
                made_at=signs.made_at,
                runs=[run for run in signs.runs if run.part == part.name],
                backlog=backlogs.get(part.name),
                before=signs.looks.get(part.name),
                is_paused=part.task.partition(".")[0] in tasks.paused,
                is_taken_to_run=part.task in tasks.running,
                tried=tasks.tried.get(part.task, 0),
            )
            if isinstance(lake, Lake) and part.name == "build":
                case = replace(case, held=lake.holds, failing=_build_fails(lake, now, part.late_seconds))
            if isinstance(lake, Lake) and part.name == "publish":
                case = replace(case, failing=_unpublished(lake, now))
            row = verdict(case)
            if part.name == "intake" and isinstance(lake, Lake) and lake.forged and row.level == "well":
                row = replace(row, level="amber", says=_forging(lake.forged))
            rows.append(row)
        return [
            replace(silence, **_numbers(row)) if silence and row.part == "watch" and row.level != "red" else row
            for row in rows
        ]


def _done(settings: Settings, broker: Broker, lake: object) -> dict[str, Places]:
    """Return the next offset of each part in each partition. Leave out parts whose progress is not known."""
    found: dict[str, Places] = {}
    if broker.heartbeat is not None:
        evaluated = {
            (topic, number): offset
            for topic, offsets in broker.heartbeat.offsets.items()
            for number, offset in enumerate(offsets)
        }
        # If a topic or partition is not in the heartbeat, the watcher has not read any of it.
        found["watch"] = {place: evaluated.get(place, 0) for place in broker.ends if place[0] in names.INPUT_TOPICS}
    if isinstance(lake, Lake):
        found["land"] = {place: lake.landed.get(place, 0) for place in broker.ends if place[0] in names.LANDED_TOPICS}
    for part, (group, topics) in groups(settings).items():
        if (committed := broker.committed.get(group)) is not None:
            found[part] = committed
        if part == "intake":
            # Every record of a partner waits, even if nothing was ever passed on.
            places = {place: 0 for place in broker.ends if place[0] in topics}
            found[part] = places | found.get(part, {})
    return found


def _forging(forged: Mapping[str, int]) -> str:
    senders = ", ".join(f"{count:,} of {topic}" for topic, count in forged.items())
    return (
        f"records that spoke for somebody else were refused in the last day: {senders}. "
        "'./caf quarantine show --reason forged_source' shows them; ask the partner"
    )


def _silence(broker: object, now: datetime) -> Row | None:
    """Return a red row if the watcher is silent. The heartbeat is read from Kafka, so this works without PostgreSQL."""
    if not isinstance(broker, Broker) or broker.heard_at is None:
        return None
    silent = (now - broker.heard_at).total_seconds()
    if abs(silent) <= _SILENT_SECONDS:
        return None
    how = f"has been silent for {spell(silent)}" if silent > 0 else "has been silent since the clock was set back"
    says = f"the watcher {how} but should report every second. No alert is raised. Check that it runs; read its log"
    return Row(part="watch", state="standing still", level="red", says=says, since=broker.heard_at)


def _numbers(row: Row) -> dict[str, Any]:
    kept = ("waiting", "waiting_seconds", "rate", "restarts", "error", "error_at")
    return {name: getattr(row, name) for name in kept}


def _build_fails(lake: Lake, now: datetime, late_seconds: float) -> str:
    """
    Return a sentence about what is wrong with the builds, or an empty text if nothing is wrong.

    Even when nothing has landed, a build is made at least every two minutes, because deadlines pass.
    """
    if not lake.failed or lake.failing_since is None:
        old = (now - lake.built_at).total_seconds() if lake.built_at else 0.0
        return f"builds should be minutes apart, but nothing was built for {spell(old)}" if old > late_seconds else ""
    since = spell((now - lake.failing_since).total_seconds())
    return f"{lake.failures} builds in the last {since} could not build {', '.join(sorted(lake.failed)[:5])}"


def _unpublished(lake: Lake, now: datetime) -> str:
    """
    Return a sentence about the quarter that should have been published more than a day ago, or an empty text.

    A nightly run publishes each quarter on its day.
    """
    if lake.due is None or (now.date() - lake.due[1]).days < 2:
        return ""
    quarter, on = lake.due
    return f"the quarter that begins on {quarter} should have been published on {on}, but was not"


def _with_place(row: Row, local: Mapping[str, stack.PartStatus]) -> Row:
    here = local.get(row.part)
    return replace(row, address=row.address or here.address, memory_mb=here.memory_mb) if here else row
