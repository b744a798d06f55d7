"""Ask for the erasure of what the retention schedule no longer keeps."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime

import duckdb
import msgspec
import structlog

from streams.erase.find import Found, Place
from streams.erase.groups import Group, find_groups
from streams.erase.reach import landed_ends
from streams.erase.records import Erasure, Records
from streams.erase.schedule import NO_LEVEL, digest, schedule
from streams.erase.unattributed import find_unattributed
from streams.errors import ErasureInvalid
from streams.lake.connect import connect
from streams.lake.transaction import transaction
from streams.settings import Settings

__all__ = ["AT_MOST", "BY", "Due", "find_due", "refuse_early", "refuse_others", "request_due"]

log = structlog.get_logger()

AT_MOST = 100
"""
How many groups one erasure has, unless another number is asked for. Every event is compared with every id, so a large
erasure takes long.
"""

REJECTED_AT_MOST = 1_000
"""How many rejected records that name nobody one erasure has."""

BY = "retention schedule"
"""The name under which the DAG `retire_records` asks."""

_OTHERS = """
    SELECT count(DISTINCT alert_id) FROM landing.main.alerts
    WHERE list_contains($alerts, alert_id) AND family_id IS NOT NULL AND NOT list_contains($families, family_id)
"""


class Due(msgspec.Struct, frozen=True):
    """
    What the schedule no longer keeps.

    Attributes:
        groups: the groups that are due, those first that have been due for longest.
        rejected: the rejected records that name nobody and are due, oldest first.
        seen: the end of each landed partition in what was looked at (`Reach.landed`).
        kept: the number of families and persons that are kept, by reason: `period`, `open`, `legal_hold`, `two_kinds`
            (the id of a family is also the id of a person).
    """

    groups: list[Group]
    kept: dict[str, int]
    rejected: list[Place] = []
    seen: dict[str, int] = {}


def find_due(settings: Settings, today: date | None = None) -> Due:
    """
    Find what the schedule no longer keeps. Nothing is changed.

    Args:
        today: the day for which the periods are compared; by default the present day (UTC).

    Raises:
        RetentionInvalid: the schedule has a value that is not allowed.
    """
    today, records = today or _today(), Records(settings)
    due, kept = [], Counter[str]()
    periods = schedule(settings)
    with connect(settings, marts=None) as lake, transaction(lake, read_only=True):
        seen = landed_ends(lake)
        groups = list(find_groups(lake, periods))
        known = {one for group in groups for one in group.ids}
        rejected = find_unattributed(lake, records, periods[NO_LEVEL], known, today)
    families = {one for group in groups for one in group.families}
    both = families & {one for group in groups for one in group.persons}
    for group in groups:
        if group.ends_on > today:
            kept["period"] += len(group.ids)
        elif group.is_open:
            kept["open"] += len(group.ids)
        elif not both.isdisjoint(group.ids):
            kept["two_kinds"] += len(group.ids)
        elif records.is_held(group.ids):
            kept["legal_hold"] += len(group.ids)
        else:
            due.append(group)
    return Due(sorted(due, key=lambda group: (group.ends_on, group.ids)), dict(kept), rejected, seen)


def request_due(
    settings: Settings, due: Due, at_most: int, by: str, note: Callable[[str], None] = lambda _: None
) -> Erasure | None:
    """
    Ask for the erasure of what is due. Nothing is erased until another person approves it.

    Args:
        at_most: the largest number of groups in one request. Those that have been due for longest come first.
        by: who asks.
        note: as for `Records.request`.

    Returns:
        The request. None if nothing is due, or if an earlier request of the schedule still waits.
    """
    records, chosen, rejected = Records(settings), due.groups[:at_most], due.rejected[:REJECTED_AT_MOST]
    waiting = [one.id for one in records.all() if one.schedule and one.state in {"requested", "approved"}]
    log.info("due", groups=len(due.groups), rejected=len(due.rejected), waiting=waiting, **due.kept)
    if waiting or not (chosen or rejected):
        return None
    families = [family for group in chosen for family in group.families]
    persons = [person for group in chosen for person in group.persons]
    because = (
        f"retention schedule: the periods of {len(families)} families, of {len(persons)} persons, and of "
        f"{len(rejected)} rejected records that name nobody, had ended by {_today():%Y-%m-%d}"
    )
    return records.request(
        families,
        persons,
        because,
        by,
        schedule=digest(settings),
        unattributed=rejected,
        seen=due.seen,
        note=note,
    )


def refuse_early(settings: Settings, erasure: Erasure) -> None:
    """
    Refuse a request of the schedule if something in it is no longer due.

    A family may be connected with another one now, or the schedule may have been replaced.

    Raises:
        ErasureInvalid: something in it is no longer due.
    """
    if not erasure.schedule:
        return
    if erasure.schedule != digest(settings):
        raise _refused(erasure, "the retention schedule is another one than at the time of the request")
    today, asked = _today(), set(erasure.subject.ids)
    periods, records = schedule(settings), Records(settings)
    with connect(settings, marts=None) as lake:
        groups = list(find_groups(lake, periods))
        known = {one for group in groups for one in group.ids}
        due = find_unattributed(lake, records, periods[NO_LEVEL], known, today) if erasure.unattributed else []
    early = {one for group in groups if not group.is_due(today) for one in asked.intersection(group.ids)}
    if early:
        raise _refused(erasure, f"{len(early)} of {len(asked)} families and persons are no longer due")
    if attributed := {Place(*place) for place in erasure.unattributed}.difference(due):
        raise _refused(erasure, f"{len(attributed)} of {len(erasure.unattributed)} rejected records are no longer due")


def refuse_others(lake: duckdb.DuckDBPyConnection, erasure: Erasure, found: Found) -> None:
    """
    Refuse a request of the schedule if its erasure would touch records of others, or records that nobody could read, or
    if a record about its subject has landed since the request.

    A person may decide this for an erasure. The schedule may not.

    Raises:
        ErasureInvalid: there are such records.
    """
    if not erasure.schedule:
        return
    if found.later:
        raise _refused(erasure, f"{found.later} records about it have landed since the request")
    unread = sum(len(found.erased.get(table, ())) for table in ("quarantine", "dead_letters"))
    if unread := unread - found.unattributed:
        raise _refused(erasure, f"{unread} rejected records name somebody in it; replay or erase them first")
    if found.also_named:
        raise _refused(erasure, f"its records also name {len(found.also_named)} other families and persons")
    values = {"alerts": found.alerts, "families": erasure.families}
    (others,) = lake.execute(_OTHERS, values).fetchone() or (0,)
    if others:
        raise _refused(erasure, f"{others} alerts about other families rest on its records")


def _refused(erasure: Erasure, why: str) -> ErasureInvalid:
    return ErasureInvalid(
        f"{why}, so nothing was erased; take the request back with './caf erase withdraw {erasure.id}'. The schedule "
        "asks again for what is still due"
    )


def _today() -> date:
    return datetime.now(UTC).date()
