"""Carry out an approved erasure, step by step. A step may be interrupted and repeated."""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import starmap

import structlog
from kafka import TopicPartition
from msgspec import structs

from streams.erase.files import named_in_imports, overwrite_logs, replaced_lakes
from streams.erase.find import Found, Place, find
from streams.erase.held import refuse_held
from streams.erase.landing import erase_landed, rebuild_marts
from streams.erase.reach import present_reach
from streams.erase.readers import Cut, Readers, wait_until_all_landed, wait_until_all_read
from streams.erase.records import Erasure, Records
from streams.erase.retire import refuse_early, refuse_others
from streams.erase.server import forget_dead_rows
from streams.erase.stillness import forget_watched, nobody_builds_or_watches
from streams.erase.subject import Subject
from streams.erase.topics import affected, configs_of, delete_records, files_left, restore_configs
from streams.errors import ErasureInvalid, ErasureUnfinished, ErasureWaits
from streams.lake.connect import connect
from streams.lake.object_check import says_of_versions
from streams.lake.removal import removal
from streams.lake.schema import ensure_landing
from streams.marts.builder import Holds
from streams.settings import Settings
from streams.times import wait_for

__all__ = ["erase", "preview"]

log = structlog.get_logger()

_FILES_SECONDS = 120.0


def preview(settings: Settings, subject: Subject) -> Found:
    """
    Find what an erasure of a subject would take away. Nothing is changed.

    Raises:
        ErasureInvalid: the id of a family is also that of a person, so it does not say who is meant.
    """
    with connect(settings, marts=None) as lake:
        found = find(lake, subject)
    _refuse_two_kinds(found)
    return found


def erase(
    settings: Settings,
    erasure: Erasure,
    *,
    patience: float = 60.0,
    without: Collection[str] = (),
    holds: Holds | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> list[str]:
    """
    Carry out an approved erasure, or go on with one that was interrupted.

    1. Nobody builds or watches until step 5. Partners can go on sending.
    2. Find what is about the subject, when everything has landed. Refuse if a legal hold covers anybody in it, or if
       something that the retention schedule asked for is no longer due. What arrives after this stays: the approval
       does not cover it (`Reach`).
    3. Delete the records from the topics (`delete_records`).
    4. Take their content out of the landing tables, write the files again, and drop the watcher's tables.
    5. The watcher begins to lead again. It fills its tables from the lake.
    6. Build the marts again. Remove their old files, lines of logs, and what PostgreSQL keeps of deleted rows.
    7. Wait until the broker has deleted the files of step 3.
    8. Remove the ids from the record of the erasure.

    If the process ends before step 8, all steps are repeated. Steps 3 and 4 then find only what is left of what had
    arrived at first. The watcher's tables are dropped before and after step 4. So wherever an interruption comes, no
    watcher goes on with tables that still have what the lake no longer has.

    Args:
        patience: how many seconds land and the consumer groups may take to read everything.
        without: consumer groups that nobody waits for.
        holds: a function that returns what holds the marts. While they are held, step 6 cannot build them.

    Returns:
        What a person still has to do, as sentences.

    Raises:
        ErasureInvalid: a legal hold stops the erasure, somebody took it back, or something that the retention schedule
            asked for is no longer due.
        ErasureWaits: somebody has not read everything, or another erasure is being carried out. Nothing was erased.
        ErasureUnfinished: a store could not be reached in time. The next call goes on.
    """
    with Records(settings).carried_out(erasure.id) as found:
        return _erase(settings, found, Readers(patience, without, say), holds)


def _erase(settings: Settings, erasure: Erasure, readers: Readers, holds: Holds | None) -> list[str]:
    records, say = Records(settings), readers.say
    try:
        records.refuse_held(erasure.subject.ids)
        with connect(settings, landing="read_write", marts=None) as lake:
            ensure_landing(lake)
        # All readers must have come near the end before alerts have to wait.
        wait_until_all_landed(settings, readers)
        if erasure.reach is None:
            present = present_reach(settings)
            erasure.reach = structs.replace(present, landed=erasure.seen) if erasure.schedule else present
            records.save(erasure)
        if not erasure.has_begun:
            refuse_early(settings, erasure)
        expected = _find(settings, erasure)
        _refuse(settings, records, erasure, expected)
        wait_until_all_read(settings, affected(settings, expected), readers)
        with _nobody_backs_up(settings):
            with nobody_builds_or_watches(settings):
                wait_until_all_landed(settings, readers)
                found = _find(settings, erasure)
                _refuse(settings, records, erasure, found)
                _delete_from_topics(settings, records, erasure, found, readers)
                say("erasing from the lake")
                erasure.has_begun = True
                records.save(erasure)
                forget_watched(settings)
                erase_landed(settings, found, erasure.id)
                erasure.counts = {name: erasure.counts.get(name, 0) + count for name, count in found.counts.items()}
                records.save(erasure)
                forget_watched(settings)
            say("building the marts again")
            rebuild_marts(settings, holds)
            lines = overwrite_logs(settings, found.subject)
            say("rewriting the tables of PostgreSQL")
            is_log_replaced = forget_dead_rows(settings)
            _wait_for_files(settings, erasure, say)
    finally:
        if erasure.configs:
            restore_configs(settings, erasure.configs)
            erasure.configs = {}
            records.save(erasure)
    erasure.state, erasure.done_at = "done", datetime.now(UTC)
    left = _left(settings, found, is_log_replaced=is_log_replaced)
    records.forget_ids(erasure)
    log.info("erased", erasure=erasure.id, lines=lines, **erasure.counts)
    return left


def _find(settings: Settings, erasure: Erasure) -> Found:
    """Find what an approved erasure takes away."""
    with connect(settings, marts=None) as lake:
        return find(lake, erasure.subject, erasure.reach, starmap(Place, erasure.unattributed))


def _refuse(settings: Settings, records: Records, erasure: Erasure, found: Found) -> None:
    """
    Refuse an erasure that may not go on.

    Raises:
        ErasureInvalid: a legal hold stops it, an id is both that of a family and that of a person, or the retention
            schedule asked for it and may not touch these records.
    """
    with connect(settings, marts=None) as lake:
        refuse_held(lake, records, found)
        if not erasure.has_begun:  # otherwise the lake may have been changed, and the rest must follow
            _refuse_two_kinds(found)
            refuse_others(lake, erasure, found)


def _refuse_two_kinds(found: Found) -> None:
    if found.two_kinds:
        raise ErasureInvalid(
            f"{found.two_kinds} of these ids belong to a family and to a person. In free text, nobody can tell them "
            "apart. If both must go, name the id with --family and with --person"
        )


@contextmanager
def _nobody_backs_up(settings: Settings) -> Iterator[None]:
    """
    Let no backup begin until the block ends. A backup copies files that an erasure removes.

    Raises:
        ErasureWaits: a backup is being made.
    """
    with removal(settings) as may_remove:
        if not may_remove:
            raise ErasureWaits("a backup is being made; nothing was erased. Repeat the command when it has ended")
        yield


def _left(settings: Settings, found: Found, *, is_log_replaced: bool) -> list[str]:
    """Return what a person still has to do."""
    imports = named_in_imports(settings, found.subject)
    left = []
    if found.later:
        left.append(
            f"{found.later} records about these ids arrived after the approval, and stay. Ask again if they must go"
        )
    left += [f"{file} names an id. It holds other rejected children too: correct or delete it" for file in imports]
    left += [
        f"{folder} holds a lake that a restore has replaced, and may hold what was erased here: remove it"
        for folder in replaced_lakes(settings)
    ]
    left += says_of_versions(settings)
    if settings.kafka:
        left.append("the brokers delete the files themselves, after log.retention.check.interval.ms at the latest")
    if not is_log_replaced:
        left.append("the PostgreSQL server keeps its write-ahead log: its administrator can remove it")
    return left


def _delete_from_topics(settings: Settings, records: Records, erasure: Erasure, found: Found, readers: Readers) -> None:
    # An interrupted run may have left files that it could not cut off.
    unfinished = {TopicPartition(*cut[:2]) for cut in erasure.cuts if files_left(settings, [Cut(*cut)])}
    places = sorted(unfinished.union(affected(settings, found)))
    if not places:
        return
    # The journal first: a crash after this leaves settings that the next run can put back.
    erasure.configs = configs_of(settings, {place.topic for place in places} - erasure.configs.keys()) | erasure.configs
    records.save(erasure)
    readers.say(f"deleting records from {len(places)} partitions")
    cuts = delete_records(settings, found, places, readers)
    erasure.cuts = [*(cut for cut in erasure.cuts if TopicPartition(*cut[:2]) not in places), *cuts]
    records.save(erasure)


def _wait_for_files(settings: Settings, erasure: Erasure, say: Callable[[str], None]) -> None:
    cuts = [Cut(*cut) for cut in erasure.cuts]
    if not files_left(settings, cuts):
        return
    say("waiting until the broker has deleted its files")
    began = time.monotonic()
    if not wait_for(lambda: not files_left(settings, cuts), _FILES_SECONDS, every=0.5):
        raise ErasureUnfinished(
            f"after {time.monotonic() - began:.0f} s, the broker still has {files_left(settings, cuts)} old files; "
            "repeat the command, and restart the broker if this does not help"
        )
