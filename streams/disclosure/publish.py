"""
Publish the quarters that have closed and are covered. Each quarter is published once and never changed.

The figures go into the schema `public` of the marts, and into a file that contains nothing else. A published figure
never changes, because the difference between two versions would reveal the records that arrived in between. The counts
behind the figures are kept in the schema `released`, for the desk only. They are needed because a year's figure is the
sum of its quarters as they were published.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import structlog

from streams.disclosure.cells import System
from streams.disclosure.due import covered, due, unbegun
from streams.disclosure.keys import QUARTERS, PublicKey, collection_year
from streams.disclosure.measures import MEASURES
from streams.disclosure.protect import protect
from streams.disclosure.public_file import check_file_is_continued, write_file
from streams.disclosure.subjects import SUBJECTS, Subject
from streams.disclosure.tables import TABLES
from streams.errors import NothingBuilt
from streams.lake.connect import connect
from streams.lake.sign import sign_of_life
from streams.lake.transaction import transaction
from streams.marts.lock import build_lock
from streams.settings import Settings
from streams.times import naive

__all__ = ["Publication", "publish"]

log = structlog.get_logger()

# The number of children in each place is the authority's number of children, multiplied by the place's estimated share.
# If the authority's number for this mid-year is missing, the number of the latest earlier mid-year is used.
_CHILDREN = """
    WITH levels AS (
        SELECT
            share_of_children,
            unnest([
                {'area_level': 'authority', 'area_code': authority_code},
                {'area_level': 'area', 'area_code': area_code},
                {'area_level': 'ward', 'area_code': ward_code}
            ], recursive := true)
        FROM marts.analytics.dim_area
        WHERE authority_code = $authority AND share_of_children IS NOT NULL
    ),
    population AS (
        SELECT children FROM marts.reference.la_population
        WHERE authority_code = $authority AND mid_year <= $mid_year
        ORDER BY mid_year DESC
        LIMIT 1
    )
    SELECT area_level, area_code, round(any_value(children) * sum(share_of_children), 1)
    FROM levels
    CROSS JOIN population
    GROUP BY area_level, area_code
"""


@dataclass
class Publication:
    """
    The result of one run of `publish`.

    Attributes:
        quarters: the quarters that this run published.
        figures: the number of figures in these quarters, including withheld figures.
        withheld: how many of these figures are withheld.
        file: the file with everything that is public.
        uncovered: quarters that have closed but are not published, because the records do not cover them completely.
        unbegun: authorities for which nobody has confirmed a first quarter to publish (`begin`). Nothing of these
            authorities is published.
    """

    quarters: list[tuple[str, date]]
    figures: int
    withheld: int
    file: Path
    uncovered: list[tuple[str, date]] = field(default_factory=list)
    unbegun: list[str] = field(default_factory=list)


def publish(settings: Settings, into: Path | None = None) -> Publication:
    """
    Publish every quarter that has closed, is covered and is not yet published. Then write the public file again.

    Raises:
        NothingBuilt: there are no marts yet.
        DisclosureUnsafe: a quarter cannot be published without revealing withheld counts.
        LakeUnavailable: the lake does not answer.
    """
    into = into or settings.home / "public.duckdb"
    done = Publication([], 0, 0, into)
    with (
        sign_of_life(settings, "publish") as sign,
        build_lock(settings),
        connect(settings, landing=None, marts="read_write") as lake,
    ):
        try:
            lake.execute("FROM marts.analytics.int_period_coverage LIMIT 0")
        except duckdb.CatalogException:
            raise NothingBuilt("there are no marts yet to publish from; run ./caf build first") from None
        lake.execute(TABLES)
        check_file_is_continued(lake, into)
        done.unbegun.extend(unbegun(lake))
        for authority, quarter in due(lake):
            sign.turn()
            _release(lake, authority, quarter, done)
        if done.unbegun or done.uncovered:
            log.warning("not_published", unbegun=done.unbegun, uncovered=[f"{a} {q}" for a, q in done.uncovered])
        lake.execute("DELETE FROM marts.public.measures")
        _insert(lake, "public.measures", MEASURES)
        write_file(lake, into)
    return done


def _release(lake: duckdb.DuckDBPyConnection, authority: str, quarter: date, done: Publication) -> None:
    """Choose which figures of each subject to withhold, and store the release in one transaction."""
    kinds = covered(lake, authority, quarter)
    parts = [(one, _decided(lake, one, authority, quarter)) for one in SUBJECTS if one.rests_on in kinds]
    if not parts:
        done.uncovered.append((authority, quarter))
        return
    figures, withheld = (sum(len(part.new) for _, part in parts), sum(len(part.left_out) for _, part in parts))
    with transaction(lake):
        for subject, part in parts:
            _insert(lake, f"released.{subject.kept}", [(authority, *row) for row in part.pieces])
            _insert(lake, f"public.{subject.table}", list(_figures(lake, subject, authority, part)))
        now = naive(datetime.now(UTC))
        _insert(lake, "public.releases", [(authority, quarter, now, figures, withheld)])
        _name_places(lake, authority)
    log.info("quarter_published", authority=authority, quarter=str(quarter), figures=figures, withheld=withheld)
    done.quarters.append((authority, quarter))
    done.figures += figures
    done.withheld += withheld


@dataclass(frozen=True)
class _Part:
    """
    The part of a release about one subject.

    Attributes:
        pieces: the counts behind the figures of the new quarter.
        system: the figures of the collection year so far.
        new: the figures that this release adds.
        left_out: those of the new figures that are withheld.
    """

    pieces: list[tuple[Any, ...]]
    system: System[PublicKey]
    new: list[PublicKey]
    left_out: set[PublicKey]


def _decided(lake: duckdb.DuckDBPyConnection, subject: Subject, authority: str, quarter: date) -> _Part:
    year = collection_year(quarter)
    found = lake.execute(subject.pieces, {"authority": authority, "quarter": quarter}).fetchall()
    before = lake.execute(
        f"SELECT * EXCLUDE (authority_code) FROM marts.released.{subject.kept} "
        "WHERE authority_code = ? AND quarter_starts_on >= ?",
        [authority, year],
    ).fetchall()
    system = subject.system(authority, [subject.piece(*row) for row in before + found])
    shown, hidden = _published(lake, subject.table, authority, year)
    withheld = protect(system, published=shown, hidden=hidden)
    new = [key for key in system.cells if key not in shown and key not in hidden]
    return _Part(found, system, new, withheld.intersection(new))


def _figures(
    lake: duckdb.DuckDBPyConnection, subject: Subject, authority: str, part: _Part
) -> Iterator[tuple[Any, ...]]:
    """
    Yield the rows of the public table.

    A rate is shown only if its count is shown, because the rate reveals the count.
    """
    children = {}
    for key in part.new:
        year = collection_year(key.starts_on).year
        if year not in children:
            rows = lake.execute(_CHILDREN, {"authority": authority, "mid_year": year}).fetchall()
            children[year] = {(level, code): number for level, code, number in rows}
        count = None if key in part.left_out else part.system.cells[key].value
        of = children[year].get(key[:2]) if key.measure == subject.rated else None
        times = QUARTERS if key.period == "quarter" else 1
        rate = None if count is None or not of else round(times * count * 10_000 / of, 1)
        yield authority, *key, count, "c" if count is None else None, of, rate


def _published(
    lake: duckdb.DuckDBPyConnection, table: str, authority: str, year: date
) -> tuple[frozenset[PublicKey], frozenset[PublicKey]]:
    """
    Return two sets of figures of a collection year: those that earlier releases have shown, and those that they have
    withheld.
    """
    found: dict[bool, set[PublicKey]] = defaultdict(set)
    for *key, symbol in lake.execute(
        f"SELECT area_level, area_code, period, period_starts_on, measure, symbol FROM marts.public.{table} "
        "WHERE authority_code = ? AND period_starts_on >= ?",
        [authority, year],
    ).fetchall():
        found[symbol is None].add(PublicKey(*key))
    return frozenset(found[True]), frozenset(found[False])


def _insert(lake: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Store all rows with one statement, because every statement creates a file."""
    columns = {str(number): list(values) for number, values in enumerate(zip(*rows, strict=True))}
    lake.register("batch", pa.table(columns))
    lake.execute(f"INSERT INTO marts.{table} FROM batch")
    lake.unregister("batch")


def _name_places(lake: duckdb.DuckDBPyConnection, authority: str) -> None:
    lake.execute("DELETE FROM marts.public.places WHERE authority_code = ?", [authority])
    lake.execute(
        "INSERT INTO marts.public.places SELECT DISTINCT authority_code, authority_name, area_code, area_name, "
        "ward_code, ward_name FROM marts.analytics.dim_area WHERE authority_code = ?",
        [authority],
    )
