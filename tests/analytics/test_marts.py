"""Compare the marts of a simulated year with a plain count of its events, and with the published figures."""

import csv
import re
from collections import Counter
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pytest

from streams.contracts import Accepted, AssessmentStarted, ContactRecorded, ReferralSubmitted
from streams.names import TIME_ZONE
from streams.settings import PROJECT

AUTHORITY = "E06000006"
"""Halton, the authority of the simulated year."""
PLANTED = 4
"""
Number of children whom planted stories refer to social care, in addition to the calibrated number. There are two copies
of each story.
"""
MEASURES = ("referrals", "dfe_referrals", "nfa_percent", "contacts", "cafs", "families_at_level_4")


def month(at: datetime) -> str:
    return f"{at.astimezone(ZoneInfo(TIME_ZONE)):%Y-%m-01}"


def last_month(first: date) -> date:
    return (first - timedelta(days=1)).replace(day=1)


def published(measure: str) -> float:
    """Return a published figure of the authority for the year to March 2024."""
    with (PROJECT / "streams" / "reference" / "published_cin.csv").open() as file:
        [value] = [
            float(row["value"])
            for row in csv.DictReader(file)
            if (row["table"], row["year"], row["area_code"], row["measure"])
            == ("referrals", "2024", AUTHORITY, measure)
        ]
    return value


def by_month(marts: duckdb.DuckDBPyConnection, measure: str) -> dict[str, int]:
    rows = marts.execute(
        "SELECT period_start::VARCHAR, numerator FROM marts.analytics.mart_locality_need "
        "WHERE area_level = 'authority' AND authority_code = ? AND period_kind = 'month' "
        "AND measure = ? AND numerator > 0",
        [AUTHORITY, measure],
    ).fetchall()
    return dict(rows)


def test_referrals_contacts_and_cafs_are_those_of_the_events(marts, in_force):
    """For each month, the mart has the same counts as a plain count of the events in force."""
    referrals = {fact.referral_id: month(at) for at, fact in in_force if isinstance(fact, ReferralSubmitted)}
    contacts = Counter(month(at) for at, fact in in_force if isinstance(fact, ContactRecorded))
    cafs = Counter(
        month(at)
        for at, fact in in_force
        if isinstance(fact, AssessmentStarted) and fact.assessment_kind in ("caf", "early_help")
    )

    assert by_month(marts, "referrals") == Counter(referrals.values())
    assert by_month(marts, "contacts") == contacts
    assert by_month(marts, "cafs") == cafs


def test_year_has_the_published_counts_and_shares(marts):
    """Each figure is a count of children. Shares are equal when rounded to one decimal, as published."""
    referrals, again, nothing = marts.execute(
        "SELECT count(*), count(*) FILTER (is_dfe_re_referral), count(*) FILTER (is_nfa) "
        "FROM marts.analytics.fct_referrals WHERE is_dfe_referral"
    ).fetchone()

    assert (referrals - PLANTED, again, nothing) == tuple(
        published(measure) for measure in ("Referrals", "Re_referrals", "No_Further_Action")
    )
    assert round(100 * again / referrals, 1) == published("Re_referrals_percent")
    assert round(100 * nothing / referrals, 1) == published("No_Further_Action_percent")


def test_twelve_whole_months_have_the_published_rate(marts):
    """
    The rate is for April to March and the authority's own number of children. The rate is rounded to one decimal, as
    published.
    """
    numerator, denominator, is_partial = marts.execute(
        "SELECT numerator, denominator, is_partial FROM marts.analytics.mart_locality_need WHERE area_code = ? "
        "AND period_kind = 'rolling_12_months' AND period_start = '2025-04-01' AND measure = 'dfe_referrals_per_10000'",
        [AUTHORITY],
    ).fetchone()

    assert not is_partial
    assert round(10000 * (numerator - PLANTED) / denominator, 1) == published("Referrals_rate")


def test_counts_expected_by_deprivation_add_up_to_the_true_count(marts):
    """Expected counts come from the authority's own rates, so over all places they add up to the true count."""
    sums = marts.execute(
        "SELECT sum(numerator), sum(expected) FROM marts.analytics.mart_locality_need "
        "WHERE area_code <> 'unknown' AND expected IS NOT NULL AND authority_code = ? "
        "GROUP BY area_level, period_kind, period_start, measure",
        [AUTHORITY],
    ).fetchall()

    assert len(sums) > 100
    assert all(counted == pytest.approx(expected) for counted, expected in sums)


def test_previous_value_is_that_of_the_month_before(marts):
    values = {
        (place, month, measure): (value, previous)
        for place, month, measure, value, previous in marts.execute(
            "SELECT area_code, period_start, measure, value, previous_value FROM marts.analytics.mart_locality_need "
            "WHERE area_level = 'ward' AND period_kind = 'month' AND authority_code = ?",
            [AUTHORITY],
        ).fetchall()
    }
    compared = [
        (previous, values[place, last_month(month), measure][0])
        for (place, month, measure), (_, previous) in values.items()
        if previous is not None
    ]

    assert len(compared) > 1000
    assert all(previous == before for previous, before in compared)


@pytest.mark.parametrize("level", ["lsoa", "ward", "area", "gateway"])
def test_places_add_up_to_their_authority(marts, level):
    """In every month, every level of place has the same sums. The unknown place is part of each level."""
    query = (
        "SELECT authority_code, period_start, measure, sum(numerator) FROM marts.analytics.mart_locality_need "
        "WHERE area_level = ? AND period_kind = 'month' AND list_contains(?, measure) GROUP BY ALL "
        "HAVING sum(numerator) > 0 ORDER BY ALL"
    )
    whole = marts.execute(query, ["authority", MEASURES]).fetchall()

    assert marts.execute(query, [level, MEASURES]).fetchall() == whole
    assert {measure for _, _, measure, _ in whole} == set(MEASURES)


@pytest.mark.parametrize("kind", ["source", "need"])
def test_sources_and_needs_add_up(marts, kind):
    """Every referral that the DfE counts has one source group and one primary need."""
    sums = marts.execute(
        "SELECT sum(numerator), any_value(denominator) FROM marts.analytics.mart_locality_need "
        f"WHERE measure LIKE '{kind}_%' GROUP BY area_level, authority_code, area_code, period_kind, period_start"
    ).fetchall()

    assert sums
    assert all(parts == whole for parts, whole in sums)


def test_protected_address_shows_no_place(marts):
    """While a family's address is protected, no place is shown, whatever place a report names."""
    places = marts.execute("""
        WITH addresses AS (
            SELECT family_id, is_address_protected, event_order AS from_order,
                   lead(event_order) OVER (PARTITION BY family_id ORDER BY event_order) AS until_order
            FROM marts.staging.stg_events WHERE fact = 'address-changed'
        ),
        told AS (
            SELECT family_id, event_source, event_id, lsoa_code FROM marts.analytics.fct_referrals
            UNION ALL
            SELECT family_id, event_source, event_id, lsoa_code FROM marts.analytics.fct_contacts
        )
        SELECT DISTINCT told.lsoa_code
        FROM told
        JOIN marts.staging.stg_events AS events ON (root_source, root_id) = (event_source, event_id)
        JOIN addresses ON addresses.family_id = told.family_id AND addresses.is_address_protected
            AND event_order > from_order AND coalesce(event_order < until_order, true)
    """).fetchall()

    assert places == [("unknown",)]


def test_quality_counts_every_record_once(marts, year):
    """Accepted and rejected records together are all records that arrived."""
    counted = dict(
        marts.execute(
            "SELECT measure, sum(records)::BIGINT FROM marts.analytics.mart_data_quality GROUP BY measure"
        ).fetchall()
    )

    assert counted["events"] + counted["rejected"] == len(year)
    identities = {(e.topic, *e.identity) for e in year if isinstance(e, Accepted)}
    assert counted["duplicates"] == counted["events"] - len(identities)


def test_questions_of_the_documentation_have_answers(marts):
    """Every line of SQL in docs/locality-need.md runs on the present marts."""
    lines = re.findall(r"```sql\n(.*?)\n```", (PROJECT / "docs" / "locality-need.md").read_text(), re.DOTALL)
    answers = [marts.execute(line).fetchall() for line in lines]

    assert len(lines) >= 8
    assert all("\n" not in line for line in lines)
    assert sum(bool(answer) for answer in answers) >= 7
