"""Apply to a restored lake the erasures that came after its backup."""

from datetime import datetime, timedelta
from itertools import starmap

import duckdb

from streams.erase.files import overwrite_logs
from streams.erase.find import Found, Place, find
from streams.erase.landing import erase_landed, rebuild_marts
from streams.erase.records import Erasure, Records
from streams.erase.server import forget_dead_rows
from streams.erase.stillness import forget_watched, nobody_builds_or_watches
from streams.erase.subject import Subject
from streams.lake.connect import connect
from streams.lake.schema import ensure_landing
from streams.marts.builder import Holds
from streams.settings import Settings

__all__ = ["apply_erasures"]

_CLOCKS = timedelta(days=1)
_IDS = """
    SELECT DISTINCT unnest([family_id, release_family_id] || coalesce(marker_families, [])) AS id, true AS is_family
    FROM landing.main.events
    UNION
    SELECT DISTINCT unnest([person_id, linked_person_id] || coalesce(person_ids, [])), false FROM landing.main.events
    UNION
    SELECT DISTINCT family_id, true FROM landing.main.alerts
"""


def apply_erasures(settings: Settings, since: datetime, *, holds: Holds | None = None) -> int:
    """
    Erase again, in a restored lake, what was erased after its backup was made.

    `CAF_HOME/erasures` must be that of the home that was lost, not that of the backup. The records have only keyed
    hashes of the erased ids. So all ids of the lake are hashed and compared. Nothing else may use the lake meanwhile.
    Kafka's topics are not touched.

    Args:
        since: when the backup was made (timezone-aware).

    Returns:
        The number of erasures that were applied.

    Raises:
        ErasureUnfinished: the marts cannot be built.
    """
    later = [
        one
        for one in Records(settings).all()
        # One that has begun may have erased from the lake already. One that only waits is not carried out here: a legal
        # hold may have stopped it. The clocks of the home and of PostgreSQL differ.
        if (one.state == "approved" and one.has_begun) or (one.done_at is not None and one.done_at >= since - _CLOCKS)
    ]
    if not later:
        return 0
    with connect(settings, landing="read_write", marts=None) as lake:
        ensure_landing(lake)
        named = [(one, _subject(settings, lake, one)) for one in later]
        present = [(one, _find(lake, one, subject)) for one, subject in named]
        subjects = [(one, found.subject) for one, found in present if found.places]
        # The backup may have been made while one of them was interrupted, between the landing tables and the marts.
        begun = {one for (one,) in lake.execute("SELECT DISTINCT erasure FROM landing.main.erased").fetchall()}
    if not subjects and not any(one.id in begun for one in later if one.done_at is None or one.done_at >= since):
        return 0
    with nobody_builds_or_watches(settings):
        for erasure, subject in subjects:
            with connect(settings, marts=None) as lake:
                found = _find(lake, erasure, subject)
            erase_landed(settings, found, erasure.id)
        forget_watched(settings)
    rebuild_marts(settings, holds)
    for _, subject in subjects:
        overwrite_logs(settings, subject)
    forget_dead_rows(settings)
    return len(subjects)


def _find(lake: duckdb.DuckDBPyConnection, erasure: Erasure, subject: Subject) -> Found:
    return find(lake, subject, erasure.reach, starmap(Place, erasure.unattributed))


def _subject(settings: Settings, lake: duckdb.DuckDBPyConnection, erasure: Erasure) -> Subject:
    ids = [(one, is_family) for one, is_family in lake.execute(_IDS).fetchall() if one]
    hashes = Records(settings).known(one for one, _ in ids)
    found = [(one, is_family) for one, is_family in ids if hashes[one] in erasure.hashes]
    return Subject.of(
        [one for one, is_family in found if is_family], [one for one, is_family in found if not is_family]
    )
