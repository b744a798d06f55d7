"""
Figures of a council with live records, a partial import, a whole import, and a gap.

The tests use one lake in the order of the file.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from streams.coverage import EVERY_SOURCE, KINDS, Statement, remove, state, statement
from streams.disclosure import begin, publish
from streams.errors import PublicationInvalid
from streams.marts import build_as_of
from tests.coverage.conftest import AUTHORITY, Council

NOW = datetime.now(UTC).replace(microsecond=0)
THIS_MONTH = f"{NOW:%Y-%m}"
CENSUS = f"/cin-census/{AUTHORITY}"
NOT_COVERED = "not covered"


def say(
    council: Council, since: str, until: str | None, *, source: str = EVERY_SOURCE, is_whole: bool = True, kinds=KINDS
) -> Statement:
    first, last = (datetime.fromisoformat(day).date() if day else None for day in (since, until))
    said = statement(AUTHORITY, source, kinds, first, last, is_whole=is_whole, why="a test")
    state(council.lake, said)
    return said


def month(at: datetime) -> str:
    return f"{at:%Y-%m}"


def test_history_and_impossible_dates_do_not_begin_coverage(council):
    """
    The lake has a census of open cases, a referral dated 1900 and a referral dated 2199.

    Figures begin with the records that arrive now.
    """
    say(council, "2023-04-01", "2024-03-31", source=CENSUS, is_whole=False, kinds=["social_care"])
    for year in range(2004, 2024):
        council.referral(f"census-{year}", datetime(year, 10, 6, 12, tzinfo=UTC), source=CENSUS, backfill=True)
    council.referral("old", datetime(1900, 1, 1, 12, tzinfo=UTC), arrived=NOW)
    council.referral("late", datetime(2199, 1, 1, tzinfo=UTC), arrived=NOW)
    council.referral("now", NOW, decided=NOW)
    council.build(tests=True)

    assert list(council.months("referrals")) == [THIS_MONTH]
    assert council.rows("SELECT count(*) FROM marts.analytics.fct_referrals") == [(23,)]
    assert council.rows("SELECT count(*) FROM marts.analytics.mart_published_measures WHERE value IS NOT NULL") == [
        (0,)
    ]


def test_impossible_dates_are_counted_by_source(council):
    council.referral("back", NOW - timedelta(hours=1), decided=NOW - timedelta(days=365), arrived=NOW)
    council.build()
    found = council.rows(
        "SELECT event_source, detail, records FROM marts.analytics.mart_data_quality WHERE measure = 'impossible_date' "
        "ORDER BY ALL"
    )

    assert found == [("/wirral/front-door", "before_2000", 1), ("/wirral/front-door", "end_before_start", 1)]
    assert council.rows(
        "SELECT referral_id, hours FROM marts.analytics.fct_clocks WHERE state = 'impossible' ORDER BY ALL"
    ) == [("R-back", None), ("R-old", None)]


def test_no_duration_of_any_mart_is_negative(council):
    """
    The test reads the columns from the catalog, so it also covers hours, days, minutes or seconds that marts get
    later.
    """
    columns = council.rows(
        "SELECT table_name, column_name FROM duckdb_columns() "
        "WHERE database_name = 'marts' AND schema_name = 'analytics' "
        "AND data_type IN ('DOUBLE', 'BIGINT') AND column_name SIMILAR TO '.*(hours|days|minutes|seconds).*'"
    )

    assert len(columns) > 10
    for table, column in columns:
        assert council.rows(f'SELECT count(*) FROM marts.analytics.{table} WHERE "{column}" < 0') == [(0,)], column


def test_whole_census_has_figures_of_its_year_and_the_years_between_have_none(council):
    """
    The census also contains earlier referrals of its children. Earlier referrals do not create figures for earlier
    years.

    No re-referrals are counted, because referrals of the year before the census are not known.
    """
    council.said = say(council, "2023-04-01", "2024-03-31", source=CENSUS, kinds=["social_care"])
    council.build(tests=True)
    months = council.months("dfe_referrals")

    assert min(months) == "2023-04"
    assert (months["2023-10"], months["2023-11"]) == ("1.0", "0.0")
    assert {months[f"2024-{number:02}"] for number in range(4, 13)} == {NOT_COVERED}
    assert set(council.months("re_referral_percent").values()) == {NOT_COVERED}
    assert council.months("contacts")["2023-10"] == NOT_COVERED
    assert council.rows(
        "SELECT measure, value, absent_because FROM marts.analytics.mart_published_measures "
        "WHERE collection_year = 2024 AND measure IN ('Referrals', 'Re_referrals') ORDER BY 1"
    ) == [("Re_referrals", None, NOT_COVERED), ("Referrals", 1.0, None)]


def test_nothing_is_compared_with_time_that_is_not_covered(council):
    """There is no change from the year before or the month before, and no figure for twelve months."""
    found = council.rows(
        "SELECT count(*) FROM marts.analytics.mart_locality_need WHERE period_kind IN ('month', 'rolling_12_months') "
        f"AND strftime(period_end, '%Y-%m') = '{THIS_MONTH}' "
        "AND (year_change IS NOT NULL OR change IS NOT NULL OR (period_kind <> 'month' AND value IS NOT NULL))"
    )

    assert found == [(0,)]


def test_only_one_of_two_sources_that_cover_a_day_counts(council):
    """A referral is in the census and, under another id, in the case system's history. The referral is counted once."""
    council.referral("own", datetime(2023, 10, 6, 12, tzinfo=UTC), backfill=True)
    said = say(council, "2023-10-01", "2023-10-31", kinds=["social_care"])
    council.build()
    both = council.months("dfe_referrals")
    remove(council.lake, said.statement_id, "a test")
    council.build()

    assert (both["2023-10"], both["2023-11"]) == ("1.0", "0.0")
    assert council.months("dfe_referrals")["2023-10"] == "1.0"


def test_gap_has_no_figures(council):
    """
    An operator states that records of one month are missing.

    The months before and after have figures. A period of twelve months that contains the gap has no figures.
    """
    say(council, "2024-04-01", None)
    gap = say(council, "2025-06-01", "2025-06-30", is_whole=False)
    council.build(tests=True)
    months = council.months("referrals")
    rolling = council.rows(
        "SELECT strftime(period_end, '%Y-%m'), value IS NULL FROM marts.analytics.mart_locality_need "
        f"WHERE area_code = '{AUTHORITY}' AND period_kind = 'rolling_12_months' AND measure = 'referrals' ORDER BY 1"
    )
    remove(council.lake, gap.statement_id, "it was sent after all")
    council.build()

    assert (months["2025-05"], months["2025-06"], months["2025-07"]) == ("0.0", NOT_COVERED, "0.0")
    assert dict(rolling)["2025-05"] is False
    assert {dict(rolling)[f"{year}-{number:02}"] for year, number in ((2025, 6), (2025, 12), (2026, 5))} == {True}
    assert dict(rolling)["2026-06"] is False
    assert council.months("referrals")["2025-06"] == "0.0"


def test_restatement_by_coverage_is_logged_with_that_cause(council):
    """A past month had lost its figures, and has now got them again."""
    found = council.rows(
        "SELECT numerator_from, numerator_to, causes FROM marts.analytics.mart_restatements "
        "WHERE measure = 'contacts' AND area_level = 'authority' AND period_start = '2025-06-01' ORDER BY restated_at"
    )

    assert found[-1] == (None, 0, ["coverage"])
    assert council.rows("SELECT DISTINCT area_level FROM marts.analytics.mart_restatements") == [("authority",)]


def test_past_day_is_rebuilt_with_the_coverage_stated_then(council, tmp_path: Path):
    """
    The rebuild ignores statements that were made after the past day, and uses statements that were removed after
    it.
    """
    moment = datetime.now(UTC)
    say(council, "2024-06-01", "2024-06-30", is_whole=False)
    council.build()
    build_as_of(council.settings, moment, tmp_path / "then.duckdb")
    with duckdb.connect(tmp_path / "then.duckdb", read_only=True) as then:
        (kept,) = then.execute(
            "SELECT count(*) FROM analytics.mart_locality_need WHERE period_kind = 'month' AND measure = 'contacts' "
            "AND area_level = 'authority' AND period_start = '2024-06-01' AND absent_because IS NULL"
        ).fetchone()

    assert council.months("contacts")["2024-06"] == NOT_COVERED
    assert kept == 1


def test_nothing_is_published_before_somebody_sets_the_first_quarter(council, tmp_path: Path):
    done = publish(council.settings, tmp_path / "public.duckdb")

    assert (done.quarters, done.unbegun) == ([], [AUTHORITY])


@pytest.mark.parametrize("day", ["2025-01-02", "2025-02-01"])
def test_publication_begins_with_a_quarter(council, day):
    with pytest.raises(PublicationInvalid, match="begins no quarter"):
        begin(council.settings, AUTHORITY, datetime.fromisoformat(day).date(), "a test")


def test_quarter_that_is_not_covered_is_left_out_and_re_referrals_need_the_year_before(council, tmp_path: Path):
    """
    June 2024 is missing, so the quarter from April is left out, and publication continues with the quarter from July.

    Re-referrals need referrals from the year before, so they are published only from July 2025.
    """
    file = tmp_path / "public.duckdb"
    begin(council.settings, AUTHORITY, date(2024, 4, 1), "a test")
    done = publish(council.settings, file)
    quarters = [str(quarter) for _, quarter in done.quarters]
    with duckdb.connect(file, read_only=True) as public:
        again = public.execute(
            "SELECT DISTINCT period_starts_on::VARCHAR FROM referrals "
            "WHERE measure = 're_referrals' AND period = 'quarter' ORDER BY 1"
        ).fetchall()
        years = public.execute(
            "SELECT DISTINCT starts_with(measure, 're_'), period_starts_on::VARCHAR FROM referrals "
            "WHERE period = 'year' ORDER BY ALL"
        ).fetchall()

    assert [str(quarter) for _, quarter in done.uncovered] == ["2024-04-01"]
    assert quarters[:2] == ["2024-07-01", "2024-10-01"]
    assert again[0] == ("2025-07-01",)
    assert years == [(False, "2025-04-01")]


def test_published_quarters_stay_whatever_is_stated_later(council, tmp_path: Path):
    """Publication cannot begin again with an earlier quarter either."""
    say(council, "2024-04-01", "2025-03-31", is_whole=False)
    council.build()
    done = publish(council.settings, tmp_path / "public.duckdb")
    with duckdb.connect(tmp_path / "public.duckdb", read_only=True) as public:
        (first,) = public.execute("SELECT min(quarter_starts_on)::VARCHAR FROM releases").fetchone()

    assert (done.quarters, first) == ([], "2024-07-01")
    with pytest.raises(PublicationInvalid, match="is final"):
        begin(council.settings, AUTHORITY, date(2024, 4, 1), "a test")


def test_authority_that_starts_in_the_middle_of_a_month_has_its_first_figures_with_the_next(council):
    """
    The month in which records begin is incomplete, so it has no figures. Weeks and days that are covered have
    figures.
    """
    began = NOW.replace(day=1, hour=0) - timedelta(days=17)
    for days in range(40):
        at = began + timedelta(days=days)
        if at <= NOW:
            council.referral(f"herefordshire-{days}", at, authority="E06000019", source="/herefordshire")
    council.build()
    months = council.months("referrals", "E06000019")

    assert months[month(began)] == NOT_COVERED
    assert months[THIS_MONTH] not in {NOT_COVERED, "0.0"}
    assert council.rows(
        "SELECT min(period_start) FROM marts.analytics.mart_locality_need WHERE authority_code = 'E06000019' "
        "AND period_kind = 'day'"
    ) == [(began.date(),)]
