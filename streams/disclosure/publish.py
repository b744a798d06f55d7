"""
Publishes the quarters that have closed, once and for good, into schema `public` and a file of it alone.

A figure that was published never changes: two versions of it would give away what came in between.
What it was made of is kept beside it in `released`, for the desk alone: a year is the sum of its quarters as published.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import structlog

from streams.build.lock import build_lock
from streams.disclosure.protect import protect
from streams.disclosure.referrals import Piece, PublicKey, collection_year, referrals_system
from streams.errors import DisclosureUnsafe, NothingBuilt
from streams.lake.connect import connect
from streams.settings import Settings

__all__ = ["CLOSED_AFTER_DAYS", "Published", "publish"]

log = structlog.get_logger()

CLOSED_AFTER_DAYS = 28
"""How long after its end a quarter is open to late and corrected events."""

_TABLES = """
    CREATE SCHEMA IF NOT EXISTS marts.released;
    CREATE TABLE IF NOT EXISTS marts.released.pieces (
        authority_code VARCHAR, ward VARCHAR, area VARCHAR, quarter_starts_on DATE, source_group VARCHAR,
        referrals INTEGER, re_referrals INTEGER, nfa INTEGER
    );
    CREATE SCHEMA IF NOT EXISTS marts.public;
    CREATE TABLE IF NOT EXISTS marts.public.releases (
        authority_code VARCHAR, quarter_starts_on DATE, released_at TIMESTAMP, figures INTEGER, withheld INTEGER
    );
    CREATE TABLE IF NOT EXISTS marts.public.referrals (
        authority_code VARCHAR, area_level VARCHAR, area_code VARCHAR, period VARCHAR, period_starts_on DATE,
        measure VARCHAR, "count" INTEGER, symbol VARCHAR
    );
    CREATE TABLE IF NOT EXISTS marts.public.places (
        authority_code VARCHAR, authority_name VARCHAR, area_code VARCHAR, area_name VARCHAR, ward_code VARCHAR,
        ward_name VARCHAR
    );
"""
_COMMENTS = {
    "releases": "A quarter of an authority and when it was published; it does not change afterwards.",
    "referrals": "A published figure. symbol c: withheld, it is 1 to 5 or would give such a figure away; 0 is shown.",
    "places": "Wards and areas; a ward may lie in two areas.",
}
# From the first quarter that has a referral in its first week (before, history was not told whole), in their order.
_CLOSED = """
    WITH known AS (
        SELECT
            authority_code,
            date_trunc('quarter', min(referred_on) + INTERVAL 3 MONTHS - INTERVAL 7 DAYS)::DATE AS begins_on
        FROM marts.analytics.fct_referrals
        WHERE is_dfe_referral
        GROUP BY authority_code
    ),
    latest AS (
        SELECT authority_code, max(quarter_starts_on) AS quarter_starts_on
        FROM marts.public.releases
        GROUP BY authority_code
    ),
    due AS (
        SELECT authority_code, unnest(generate_series(
            begins_on, (SELECT max(as_of) FROM marts.run.as_of) - to_days($days) - INTERVAL 3 MONTHS, INTERVAL 3 MONTHS
        ))::DATE AS quarter_starts_on
        FROM known
    )
    SELECT authority_code, due.quarter_starts_on
    FROM due
    LEFT JOIN latest USING (authority_code)
    WHERE due.quarter_starts_on > latest.quarter_starts_on OR latest.quarter_starts_on IS NULL
    ORDER BY ALL
"""
_PIECES = """
    WITH places AS (
        SELECT DISTINCT ward_code, area_code FROM marts.analytics.dim_area WHERE authority_code = $authority
    ),
    sources AS (SELECT DISTINCT source_group FROM marts.reference.referral_sources)
    SELECT
        places.ward_code, places.area_code, $quarter::DATE, sources.source_group,
        count(referred.referral_child_id), count(*) FILTER (referred.is_dfe_re_referral),
        count(*) FILTER (referred.is_nfa)
    FROM places
    CROSS JOIN sources
    INNER JOIN marts.analytics.dim_area AS areas
        ON areas.authority_code = $authority
        AND areas.ward_code = places.ward_code AND areas.area_code = places.area_code
    LEFT JOIN marts.analytics.fct_referrals AS referred
        ON referred.authority_code = areas.authority_code AND referred.lsoa_code = areas.lsoa_code
        AND referred.source_group = sources.source_group AND referred.is_dfe_referral
        AND date_trunc('quarter', referred.referred_on) = $quarter::DATE
    GROUP BY ALL
"""


@dataclass
class Published:
    """Quarters published now, figures and how many of them are withheld, and the file that has all that is public."""

    quarters: list[tuple[str, date]]
    figures: int
    withheld: int
    file: Path


def publish(settings: Settings, into: Path | None = None) -> Published:
    """
    Publish every quarter that has closed since the last time, then write the file anew.

    Raises:
        NothingBuilt: there are no marts yet.
        DisclosureUnsafe: a quarter cannot be published so that what is withheld stays unknown.
        LakeUnavailable: the lake does not answer.
    """
    into = into or settings.home / "public.duckdb"
    done = Published([], 0, 0, into)
    with build_lock(settings), connect(settings, landing=None, marts="read_write") as lake:
        try:
            lake.execute("FROM marts.analytics.fct_referrals LIMIT 0")
        except duckdb.CatalogException:
            raise NothingBuilt("there are no marts to publish from; allowed: after the first ./caf build") from None
        lake.execute(_TABLES)
        _must_be_continued(lake, into)
        for authority, quarter in lake.execute(_CLOSED, {"days": CLOSED_AFTER_DAYS}).fetchall():
            _release(lake, authority, quarter, done)
        _write(lake, into)
    return done


def _must_be_continued(lake: duckdb.DuckDBPyConnection, file: Path) -> None:
    """
    A lake that was made anew does not know what it published: it would publish the same quarters otherwise.

    Raises:
        DisclosureUnsafe: the file has a release that the lake does not know.
    """
    if not file.exists():
        return
    lake.execute(f"ATTACH {_quoted(file)} AS outside (READ_ONLY)")
    (unknown,) = lake.execute(
        "SELECT count(*) FROM (FROM outside.releases EXCEPT FROM marts.public.releases)"
    ).fetchone()
    lake.execute("DETACH outside")
    if unknown:
        raise DisclosureUnsafe(
            f"{file.name} has {unknown} releases that this lake does not know; allowed: its own file, or a new one"
        )


def _release(lake: duckdb.DuckDBPyConnection, authority: str, quarter: date, done: Published) -> None:
    """Decide what is withheld, and store what is shown, in one transaction."""
    year = collection_year(quarter)
    found = lake.execute(_PIECES, {"authority": authority, "quarter": quarter}).fetchall()
    before = lake.execute(
        "SELECT ward, area, quarter_starts_on, source_group, referrals, re_referrals, nfa FROM marts.released.pieces "
        "WHERE authority_code = ? AND quarter_starts_on >= ?",
        [authority, year],
    ).fetchall()
    system = referrals_system(authority, [Piece(*row) for row in before + found])
    shown, hidden = _published(lake, authority, year)
    withheld = protect(system, published=shown, hidden=hidden)
    new = [key for key in system.cells if key not in shown and key not in hidden]
    lake.execute("BEGIN")
    _insert(lake, "released.pieces", [(authority, *row) for row in found])
    _insert(
        lake,
        "public.referrals",
        [
            (authority, *key, None if key in withheld else system.cells[key].value, "c" if key in withheld else None)
            for key in new
        ],
    )
    now, left_out = datetime.now(UTC).replace(tzinfo=None), len(withheld.intersection(new))
    _insert(lake, "public.releases", [(authority, quarter, now, len(new), left_out)])
    _name_places(lake, authority)
    lake.execute("COMMIT")
    log.info("quarter_published", authority=authority, quarter=str(quarter), figures=len(new), withheld=left_out)
    done.quarters.append((authority, quarter))
    done.figures += len(new)
    done.withheld += left_out


def _published(
    lake: duckdb.DuckDBPyConnection, authority: str, year: date
) -> tuple[frozenset[PublicKey], frozenset[PublicKey]]:
    """What earlier releases show of a collection year, and what they withhold."""
    found: dict[bool, set[PublicKey]] = defaultdict(set)
    for *key, symbol in lake.execute(
        "SELECT area_level, area_code, period, period_starts_on, measure, symbol FROM marts.public.referrals "
        "WHERE authority_code = ? AND period_starts_on >= ?",
        [authority, year],
    ).fetchall():
        found[symbol is None].add(PublicKey(*key))
    return frozenset(found[True]), frozenset(found[False])


def _insert(lake: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple]) -> None:
    """Store rows by one statement: each makes a file."""
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


def _write(lake: duckdb.DuckDBPyConnection, into: Path) -> None:
    """Write the public tables to a file beside it, and put that in its place: a reader has the old or the new."""
    writing = into.with_name(f".{into.name}.writing")
    writing.unlink(missing_ok=True)
    into.parent.mkdir(parents=True, exist_ok=True)
    lake.execute(f"ATTACH {_quoted(writing)} AS outside")
    for name, comment in _COMMENTS.items():
        lake.execute(f"CREATE TABLE outside.{name} AS FROM marts.public.{name} ORDER BY ALL")
        lake.execute(f"COMMENT ON TABLE outside.{name} IS '{comment}'")
    lake.execute("DETACH outside")
    writing.replace(into)


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
