"""Apply to a restored lake the erasures that came after its backup."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import starmap

import duckdb

from streams.erase.files import overwrite_logs
from streams.erase.find import Found, Place, find
from streams.erase.landing import erase_landed, rebuild_marts
from streams.erase.others import ALL_IDS
from streams.erase.records import Erasure, Records
from streams.erase.server import forget_dead_rows
from streams.erase.stillness import forget_watched, nobody_builds_or_watches
from streams.erase.subject import KINDS, Subject
from streams.erase.words import parts_of, words
from streams.lake.connect import connect
from streams.lake.rows import each_row
from streams.lake.schema import ensure_landing
from streams.marts.builder import Holds
from streams.settings import Settings

__all__ = ["apply_erasures"]

_CLOCKS = timedelta(days=1)
_TEXTS = """
    WITH texts AS (
        SELECT payload AS text FROM landing.main.events UNION ALL SELECT reason FROM landing.main.alerts
    )
    SELECT DISTINCT run FROM (
        SELECT unnest(regexp_extract_all(text, '[A-Za-z0-9._:/-]+')) AS run FROM texts WHERE NOT contains(text, chr(92))
    )
    WHERE NOT regexp_full_match(run, '[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z?')
    UNION ALL SELECT text FROM texts WHERE contains(text, chr(92))
"""
"""
What payloads and the reasons of alerts say, each run of characters once. Times are left out: they are no ids, and there
are more of them than of everything else. A text with a backslash is whole, because it may be spelt with JSON's escapes.
"""


def apply_erasures(settings: Settings, since: datetime, *, holds: Holds | None = None) -> int:
    """
    Erase again, in a restored lake, what was erased after its backup was made.

    `CAF_HOME/erasures` must be that of the home that was lost, not that of the backup. The records have only keyed
    hashes of the erased ids. So everything in the lake that can be an id is hashed and compared. Nothing else may use
    the lake meanwhile. Kafka's topics are not touched.

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
        named = zip(later, _subjects(settings, lake, later), strict=True)
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


def _subjects(settings: Settings, lake: duckdb.DuckDBPyConnection, erasures: list[Erasure]) -> list[Subject]:
    """Return the subject of each erasure, as far as the lake has its ids."""
    found = set(Records(settings).recognised(_words(lake)))
    return [
        Subject.of(*([one for hash_, of, one in found if of == kind and hash_ in erasure.hashes] for kind in KINDS))
        for erasure in erasures
    ]


def _words(lake: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """
    Yield everything in the lake that can be an id.

    An id may be in a rejected record only, or in the free text of somebody else's event.
    """
    yield from (one for (one,) in each_row(lake.execute(ALL_IDS)) if one)
    for (text,) in each_row(lake.execute(_TEXTS)):
        yield from words(text)
    for table in ("quarantine", "dead_letters"):
        rows = lake.execute(f"SELECT record_key, record_value, record_headers FROM landing.main.{table}")
        for row in each_row(rows):
            for part in parts_of(*row):
                yield from words(part)
