"""
Publish a simulated authority from its marts: once, with small counts withheld, and without revealing withheld
figures.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import duckdb
import pytest

from streams.contracts import Accepted, decode
from streams.contracts.columns import events_table
from streams.disclosure import Publication, begin, publish
from streams.errors import DisclosureUnsafe, NothingBuilt
from streams.lake.connect import connect
from streams.lake.postgres import Postgres
from streams.settings import Settings
from streams.simulate.world import World
from tests.built import quick_build
from tests.covered import cover
from tests.disclosure.attack import attack, unsafe

AUTHORITY = "E06000006"
"""Halton has 18 wards, and one ward lies in two areas."""
START, END = datetime(2025, 10, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
ATTACKED = 12
"""
Number of withheld figures of each collection year that the solver attacks. Each figure takes the solver some
time.
"""


@dataclass(frozen=True)
class Authority:
    settings: Settings
    published: Publication


@pytest.fixture(scope="module")
def authority(settings: Settings, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    """Half a simulated year of an authority, built and published."""
    folder = tmp_path_factory.mktemp("lake")
    own = replace(settings, database=f"t_{uuid4().hex[:12]}", lake_data=str(folder))
    offsets: Counter[str] = Counter()
    found = []
    for record in World(11, [AUTHORITY], START, END).records():
        offset, offsets[record.topic] = offsets[record.topic], offsets[record.topic] + 1
        arrived = {"partition": 0, "offset": offset, "timestamp": int(END.timestamp() * 1000), "headers": []}
        found.append(decode(SimpleNamespace(topic=record.topic, key=record.key, value=record.value, **arrived)))
    with connect(own, landing="read_write") as lake:
        lake.register("batch", events_table([e for e in found if isinstance(e, Accepted)], datetime.now(UTC)))
        lake.execute("INSERT INTO landing.main.events BY NAME SELECT * FROM batch")
    cover(own, AUTHORITY, START.date())
    quick_build(own)
    begin(own, AUTHORITY, START.date(), "a test")
    yield Authority(own, publish(own, folder / "public.duckdb"))
    postgres.drop(own.database)


@pytest.fixture
def public(authority: Authority) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published tables, which everybody may read."""
    with duckdb.connect(authority.published.file, read_only=True) as file:
        yield file


def test_closed_quarters_are_published_and_no_other(authority, public):
    quarters = [quarter for _, quarter in authority.published.quarters]
    (as_of,) = _desk(authority, "SELECT max(as_of) FROM marts.run.as_of")[0]

    assert quarters[:2] == [date(2025, 10, 1), date(2026, 1, 1)]
    assert (as_of.date() - quarters[-1]).days >= 89 + 28
    assert public.execute("SELECT count(*) FROM releases").fetchone() == (len(quarters),)


def test_file_has_the_public_tables_alone(public):
    tables = public.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()

    assert tables == [("cafs",), ("measures",), ("places",), ("referrals",), ("releases",)]


def test_published_figures_equal_the_counts_of_the_desk(authority, public):
    """Every published figure of an area equals a plain count, and no small count is published."""
    shown = public.execute(
        'SELECT area_code, period_starts_on, "count" FROM referrals '
        "WHERE area_level = 'area' AND period = 'quarter' AND measure = 'referrals' AND \"count\" > 0 ORDER BY ALL"
    ).fetchall()
    counted = _desk(
        authority,
        "SELECT area_code, date_trunc('quarter', referred_on)::DATE AS quarter, count(*) AS referrals "
        "FROM marts.analytics.fct_referrals JOIN marts.analytics.dim_area USING (authority_code, lsoa_code) "
        "WHERE is_dfe_referral GROUP BY ALL",
    )
    small = public.execute('SELECT * FROM referrals WHERE "count" BETWEEN 1 AND 5').fetchall()
    marked = public.execute('SELECT DISTINCT symbol, "count" IS NULL FROM referrals ORDER BY ALL').fetchall()

    assert shown
    assert set(shown) <= set(counted)
    assert small == []
    assert marked == [("c", True), (None, False)]


def test_cafs_are_those_of_the_desk(authority, public):
    shown = public.execute(
        'SELECT area_code, period_starts_on, "count" FROM cafs '
        "WHERE area_level = 'area' AND period = 'quarter' AND \"count\" > 0 ORDER BY ALL"
    ).fetchall()
    counted = _desk(
        authority,
        "SELECT area_code, date_trunc('quarter', started_at)::DATE AS quarter, count(*) "
        "FROM marts.analytics.fct_assessments JOIN marts.analytics.dim_area USING (authority_code, lsoa_code) "
        "WHERE assessment_kind IN ('caf', 'early_help') GROUP BY ALL",
    )

    assert shown
    assert set(shown) <= set(counted)
    assert public.execute('SELECT * FROM cafs WHERE "count" BETWEEN 1 AND 5').fetchall() == []


def test_rate_is_published_with_its_count_and_follows_from_it(public):
    """
    The yearly rate of a quarter is computed from four times its count. The unknown place has no children, and so no
    rate.
    """
    found = public.execute(
        'SELECT area_level, area_code, period, measure, "count", children, rate_per_10000 '
        "FROM (FROM referrals UNION ALL FROM cafs)"
    ).fetchall()
    rated = [row for row in found if row[6] is not None]
    expected = [row for row in found if row[3] in {"referrals", "cafs"} and row[4] is not None and row[1] != "unknown"]

    assert rated == expected
    assert rated
    for _, _, period, _, count, children, rate in rated:
        assert rate == pytest.approx((4 if period == "quarter" else 1) * count * 10_000 / children, abs=0.051)
    assert {row[5] for row in rated if row[0] == "authority"} == {27533.0}


def test_every_published_measure_is_defined(public):
    defined = public.execute("SELECT source_table, measure FROM measures").fetchall()
    given = public.execute(
        "SELECT DISTINCT 'referrals', measure FROM referrals UNION SELECT DISTINCT 'cafs', measure FROM cafs"
    ).fetchall()

    assert set(given) <= set(defined)
    assert len(defined) == len(set(defined))


def test_attack_on_the_file_recovers_nothing(public):
    ranges = attack(public, ATTACKED)

    assert len(ranges) >= ATTACKED
    assert unsafe(ranges) == []


def test_published_quarter_does_not_change(authority, public):
    """Another referral of a published quarter arrives. The desk counts it, but the public figures stay the same."""
    before = public.execute("FROM referrals ORDER BY ALL").fetchall()
    with connect(authority.settings, landing="read_write") as lake:
        lake.execute(
            "INSERT INTO landing.main.events BY NAME "
            "SELECT * REPLACE ('late' AS root_id, 'late' AS event_id, 'late' AS referral_id, kafka_offset + 900000 AS "
            "kafka_offset) FROM landing.main.events "
            "WHERE fact = 'referral-submitted' AND service_kind = 'social_care' AND change = 'recorded' LIMIT 1"
        )
    counted = "SELECT count(*) FROM marts.analytics.fct_referrals WHERE is_dfe_referral"
    desk = _desk(authority, counted)
    quick_build(authority.settings)
    again = publish(authority.settings, authority.published.file)
    with duckdb.connect(again.file, read_only=True) as file:
        after = file.execute("FROM referrals ORDER BY ALL").fetchall()

    assert _desk(authority, counted) > desk
    assert again.quarters == []
    assert after == before


def test_file_of_another_lake_is_refused(authority, tmp_path: Path):
    """If the file were accepted, this lake would publish the file's quarters a second time, with other figures."""
    foreign = tmp_path / "public.duckdb"
    with duckdb.connect(foreign) as file:
        file.execute(
            "CREATE TABLE releases AS SELECT 'E06000006' AS authority_code, DATE '2020-04-01' AS quarter_starts_on, "
            "TIMESTAMP '2020-08-01' AS released_at, 1::INTEGER AS figures, 0::INTEGER AS withheld"
        )

    with pytest.raises(DisclosureUnsafe, match=r"public.duckdb has 1 releases that this lake does not know"):
        publish(authority.settings, foreign)


def test_nothing_is_published_before_there_are_marts(fresh_settings: Settings, tmp_path: Path):
    with pytest.raises(NothingBuilt, match="no marts yet to publish from"):
        publish(fresh_settings, tmp_path / "public.duckdb")


def _desk(authority: Authority, query: str) -> list[tuple]:
    with connect(authority.settings) as lake:
        return lake.execute(query).fetchall()
