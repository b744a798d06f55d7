"""Make the rows of servers and disks: whether each server answers, and what is wrong with it."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from streams.health.asking import Unanswered
from streams.health.backlog import Backlog
from streams.health.broker import Broker
from streams.health.lake import Lake
from streams.health.row import Level, Row, State, spell
from streams.health.runs import Signs
from streams.health.scheduler import COMPONENTS, Scheduler
from streams.kafka.generations import recreated
from streams.settings import Settings
from streams.stack import stack

__all__ = ["disks", "servers"]

_FULL_DISK, _FILLING_DISK = 0.03, 0.10
"""
Two limits for the share of a disk that is free.

Below the first limit, the disk is red, because no part works reliably. Below the second limit, it is amber.
"""


def servers(
    settings: Settings,
    local: Mapping[str, stack.PartStatus],
    asked: Mapping[str, object],
    backlogs: Mapping[str, Backlog],
) -> list[Row]:
    """
    Return a row for each server.

    The row of Kafka also has the problems of topics and partitions, and that of PostgreSQL the logins that could stop
    the parts.

    Args:
        settings: the settings of this home.
        local: the servers that belong to this home.
        asked: the answer of each server.
        backlogs: the records that wait for each part. The backlog of `kafka` has the records that open transactions
            hold back.
    """
    rows = []
    for name in stack.SERVERS:
        answer, here = asked.get(name), local.get(name)
        if here is not None and here.state != "running":
            how = (
                "is stopped"
                if here.state == "stopped"
                else f"has ended by itself. Read {settings.home / 'logs' / name}.log"
            )
            rows.append(Row(part=name, state="not running", level="red", says=f"{name} {how}. './caf up' starts it"))
        elif isinstance(answer, Unanswered):
            rows.append(Row(part=name, state="does not answer", level="red", says=str(answer)))
        else:
            rows.append(Row(part=name, state="running"))
    signs, broker, airflow, lake = (asked.get(name) for name in ("postgres", "kafka", "airflow", "lake"))
    if isinstance(signs, Signs) and signs.lock_takers:
        says = (
            f"{', '.join(signs.lock_takers)} could take the locks of the parts in PostgreSQL, and so stop all alerts. "
            "Let an administrator close them: see 'Analysts with a login of their own' in docs/deploy.md"
        )
        rows = [replace(row, level="amber", says=says) if row.part == "postgres" else row for row in rows]
    troubles = [*_of_topics(broker, lake), *_held_back(settings, backlogs)]
    if troubles:
        rows = [_worse(row, "in trouble", troubles) if row.part == "kafka" else row for row in rows]
    elif isinstance(broker, Broker) and broker.flaws:
        says = ". ".join(broker.flaws)
        rows = [replace(row, level="amber", says=says) if row.part == "kafka" else row for row in rows]
    if isinstance(lake, Unanswered) and not isinstance(signs, Unanswered):
        rows.append(Row(part="lake", state="does not answer", level="red", says=str(lake)))
    elif lake is not None and not isinstance(lake, Unanswered):
        rows.append(Row(part="lake", state="running", address=settings.lake_folder))
    if isinstance(airflow, Scheduler):
        rows += _of_airflow(airflow)
    return rows


def _of_topics(broker: object, lake: object) -> list[str]:
    """Return the problems of topics. Recreated topics that nobody has confirmed yet come first."""
    if not isinstance(broker, Broker):
        return []
    generations = lake.generations if isinstance(lake, Lake) else {}
    again = {
        *recreated(generations, broker.topic_ids),
        *(topic for topic, generation in generations.items() if generation.is_unconfirmed),
    }
    what = (
        "was deleted and recreated. Its new records are read, but old ones that had not been read are lost. "
        "See 'A topic that was recreated' in docs/operate.md, then confirm it with './caf topics confirm"
    )
    return [*(f"topic {topic} {what} {topic}'" for topic in sorted(again)), *broker.troubles]


def _held_back(settings: Settings, backlogs: Mapping[str, Backlog]) -> list[str]:
    """
    Return a sentence if a sender has left a transaction open for too long; otherwise an empty list.

    If a transaction is open, consumers do not receive its records, nor any later record of the same partition.
    """
    held = backlogs.get("kafka")
    if held is None or held.seconds <= settings.late_seconds:
        return []
    waits = f"{held.records:,} records from {held.first} on have been held back for {spell(held.seconds)}"
    return [f"{waits}, because a sender has left a transaction open. End it with kafka-transactions.sh abort"]


def _of_airflow(airflow: Scheduler) -> list[Row]:
    rows = []
    for name in COMPONENTS:
        if airflow.beats.get(name):
            rows.append(Row(part=name, state="running"))
        else:
            says = f"{name} has no heartbeat, so no task is started, or started again after it ended. Read its log"
            rows.append(Row(part=name, state="not running", level="red", says=says))
    if airflow.unreadable:
        says = f"Airflow cannot read {', '.join(airflow.unreadable)}, so it starts none of their tasks. See its pages"
        rows.append(Row(part="dags", state="failed", level="red", says=says))
    return rows


def _worse(row: Row, state: State, troubles: list[str]) -> Row:
    return replace(row, state=state, level="red", says=". ".join(troubles))


def disks(settings: Settings) -> list[Row]:
    """Return a row for each disk that holds one of this machine's folders. Disks of other machines are not checked."""
    rows, seen = [], set()
    for folder in (settings.home, Path(settings.lake_folder)):
        if not folder.exists() or folder.stat().st_dev in seen:
            continue
        seen.add(folder.stat().st_dev)
        usage = shutil.disk_usage(folder)
        free, left = usage.free / usage.total, f"{usage.free / 1e9:.1f} GB"
        if free < _FILLING_DISK:
            level: Level = "red" if free < _FULL_DISK else "amber"
            says = f"the disk of {folder} has only {left} ({free:.0%}) left. Make room, or nothing is landed or built"
            rows.append(Row(part="disk", state="in trouble", level=level, says=says))
        else:
            rows.append(Row(part="disk", state="running", address=f"{left} free"))
    return rows
