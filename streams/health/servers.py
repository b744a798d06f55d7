"""The rows of servers and disks: whether each answers, and what it tells of itself."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from streams.health.asking import Unanswered
from streams.health.backlog import Backlog
from streams.health.broker import Broker
from streams.health.lake import Lake
from streams.health.row import Row, spell
from streams.health.scheduler import COMPONENTS, Scheduler
from streams.kafka.generations import recreated
from streams.settings import Settings
from streams.stack import stack

__all__ = ["disks", "servers"]

_FULL_DISK, _FILLING_DISK = 0.03, 0.10
"""Free parts of a disk: below the first nothing can be relied on."""


def servers(
    settings: Settings,
    local: Mapping[str, stack.PartStatus],
    asked: Mapping[str, object],
    backlogs: Mapping[str, Backlog],
) -> list[Row]:
    """
    A row for each server, by what it answered; `local` are those of this home.

    What is wrong with topics and partitions is told with Kafka, whose `troubles` they are.
    """
    rows = []
    for name in stack.SERVERS:
        answer, here = asked.get(name), local.get(name)
        if here is not None and here.state != "running":
            how = (
                "is stopped"
                if here.state == "stopped"
                else f"has ended by itself; read {settings.home / 'logs' / name}.log"
            )
            rows.append(Row(part=name, state="not running", level="red", says=f"{name} {how}; './caf up' starts it"))
        elif isinstance(answer, Unanswered):
            rows.append(Row(part=name, state="does not answer", level="red", says=str(answer)))
        else:
            rows.append(Row(part=name, state="running"))
    broker, airflow, lake = (asked.get(name) for name in ("kafka", "airflow", "lake"))
    troubles = [*_of_topics(broker, lake), *_held_back(settings, backlogs)]
    if troubles:
        rows = [_worse(row, "in trouble", troubles) if row.part == "kafka" else row for row in rows]
    elif isinstance(broker, Broker) and broker.flaws:
        says = "; ".join(broker.flaws)
        rows = [replace(row, level="amber", says=says) if row.part == "kafka" else row for row in rows]
    if isinstance(lake, Unanswered) and not isinstance(asked.get("postgres"), Unanswered):
        rows.append(Row(part="lake", state="does not answer", level="red", says=str(lake)))
    elif lake is not None and not isinstance(lake, Unanswered):
        rows.append(Row(part="lake", state="running", address=settings.lake_folder))
    if isinstance(airflow, Scheduler):
        rows += _of_airflow(airflow)
    return rows


def _of_topics(broker: object, lake: object) -> list[str]:
    """What breaks a promise, a topic that was deleted and made again first, until a person confirms it."""
    if not isinstance(broker, Broker):
        return []
    generations = lake.generations if isinstance(lake, Lake) else {}
    again = {
        *recreated(generations, broker.topic_ids),
        *(topic for topic, generation in generations.items() if generation.is_unconfirmed),
    }
    what = (
        "was deleted and made again: it is read on, but what was on it and had not been read is lost; "
        "see 'A topic that was recreated' in docs/operate.md, then './caf topics confirm"
    )
    return [*(f"topic {topic} {what} {topic}'" for topic in sorted(again)), *broker.troubles]


def _held_back(settings: Settings, backlogs: Mapping[str, Backlog]) -> list[str]:
    """A transaction that its sender has left open holds back whatever others have written after it."""
    held = backlogs.get("kafka")
    if held is None or held.seconds <= settings.late_seconds:
        return []
    waits = f"{held.records:,} records from {held.first} on are shown to nobody for {spell(held.seconds)}"
    return [f"{waits}: a sender has left a transaction open; end it with kafka-transactions.sh abort"]


def _of_airflow(airflow: Scheduler) -> list[Row]:
    rows = []
    for name in COMPONENTS:
        if airflow.beats.get(name):
            rows.append(Row(part=name, state="running"))
        else:
            says = f"{name} has no heartbeat: tasks are not started, and ended ones not started again; read its log"
            rows.append(Row(part=name, state="not running", level="red", says=says))
    if airflow.unreadable:
        says = f"Airflow cannot read {', '.join(airflow.unreadable)}: what it runs is not started again; see its pages"
        rows.append(Row(part="dags", state="failed", level="red", says=says))
    return rows


def _worse(row: Row, state: str, troubles: list[str]) -> Row:
    return replace(row, state=state, level="red", says="; ".join(troubles))


def disks(settings: Settings) -> list[Row]:
    """The disks under this machine's folders; those of servers elsewhere are theirs to watch."""
    rows, seen = [], set()
    for folder in (settings.home, Path(settings.lake_folder)):
        if not folder.exists() or folder.stat().st_dev in seen:
            continue
        seen.add(folder.stat().st_dev)
        usage = shutil.disk_usage(folder)
        free, left = usage.free / usage.total, f"{usage.free / 1e9:.1f} GB"
        if free < _FILLING_DISK:
            level = "red" if free < _FULL_DISK else "amber"
            says = f"the disk of {folder} has {left} ({free:.0%}) left; when it is full nothing is landed or built"
            rows.append(Row(part="disk", state="in trouble", level=level, says=says))
        else:
            rows.append(Row(part="disk", state="running", address=f"{left} free"))
    return rows
