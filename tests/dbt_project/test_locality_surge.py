"""The rule `locality_surge`: the referrals of a week compared with the place's own history, in the SQL of the build."""

import random
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from math import exp

import duckdb
import pytest

FIRST_MONDAY = date(2024, 1, 1)
FALSE_ALARM_WEEKS = 208

COUNTED = """
    create table marts.analytics.int_area_weeks (
        area_level varchar, authority_code varchar, area_code varchar, area_name varchar, week_starts_on date,
        ends_at timestamp, week_number bigint, referrals bigint,
        evidence struct("time" timestamp, source varchar, id varchar, type varchar)[],
        profile_id varchar, is_backfill boolean
    )
"""
COUNT = """
    insert into marts.analytics.int_area_weeks
    select 'ward', 'E08000015', place, 'Oxton', monday, monday + interval 7 days, number, referrals,
           list_transform(
               range(if(referrals > 500, referrals, 1)),
               lambda i: {'time': monday + to_minutes(i), 'source': '/test', 'id': 'e-' || i, 'type': 't'}
           ),
           'E08000015/wirral-1', false
    from (
        select unnest(?::varchar[]) as place, unnest(?::date[]) as monday, unnest(?::bigint[]) as number,
               unnest(?::bigint[]) as referrals
    )
"""

Judged = Callable[..., list[dict]]


@pytest.fixture(scope="module")
def judge(manifest: dict, stream: duckdb.DuckDBPyConnection) -> Iterator[Judged]:
    """Evaluates weekly counts per place, and returns the alerts. `week` is the number of an alert's week."""
    rule = manifest["nodes"]["model.caf.alert_locality_surge"]["compiled_code"]
    with duckdb.connect() as connection:
        connection.execute("set threads = 1; attach ':memory:' as marts")
        connection.execute("create schema marts.run; create schema marts.staging; create schema marts.analytics")
        for table in ("stg_rules", "stg_practice_profiles"):
            connection.register("rows_", stream.table(f"marts.staging.{table}").to_arrow_table())
            connection.execute(f"create table marts.staging.{table} as from rows_")
        connection.execute("create table marts.run.as_of (as_of timestamp)")
        connection.execute(COUNTED)

        def judged(places: dict[str, list[int]], as_of: str = "2040-01-01") -> list[dict]:
            rows = [
                (place, FIRST_MONDAY + timedelta(weeks=number), number, count)
                for place, counts in places.items()
                for number, count in enumerate(counts)
                if count
            ]
            connection.execute("delete from marts.analytics.int_area_weeks; delete from marts.run.as_of")
            connection.execute("insert into marts.run.as_of values (?::timestamp)", [as_of])
            connection.execute(COUNT, [list(column) for column in zip(*rows, strict=True)])
            found = connection.execute(
                f"select *, (anchored_at::date - date '{FIRST_MONDAY}') // 7 - 1 as week from ({rule}) order by week"
            )
            return found.to_arrow_table().to_pylist()

        yield judged


def test_surge_of_a_ward_raises_an_alert_with_its_counts(judge):
    (alert,) = judge({"E05000001": [3] * 60 + [12]})

    assert (alert["severity"], alert["status"], alert["entity_kind"]) == ("amber", "open", "area")
    assert (alert["entity_id"], alert["family_id"]) == ("E05000001", None)
    assert (alert["anchor_source"], alert["anchor_id"]) == ("ward", "E05000001/2025-02-24")
    assert alert["anchored_at"].isoformat() == "2025-03-03T00:00:00"
    assert alert["reason"] == (
        "Ward Oxton had 12 referrals in the week from Monday 24 February 2025, more than its own history makes likely: "
        "3.0 a week in the 52 weeks before."
    )


@pytest.mark.parametrize(("count", "alerts"), [(10, 0), (11, 1)])
def test_limit_is_the_tail_of_chance(judge, count, alerts):
    """If the true mean is 4 a week, 10 or more referrals occur once in 123 weeks, and 11 or more once in 352 weeks."""
    assert len(judge({"E05000001": [4] * 53 + [count]})) == alerts


@pytest.mark.parametrize(("count", "alerts"), [(5, 0), (6, 1)])
def test_small_counts_raise_nothing(judge, count, alerts):
    assert len(judge({"E05000001": [1] + [0] * 52 + [count]})) == alerts


@pytest.mark.parametrize(("weeks", "alerts"), [(26, 0), (27, 1)])
def test_history_of_26_whole_weeks_is_needed(judge, weeks, alerts):
    """The first week with records is not counted, because the records may begin in the middle of that week."""
    assert len(judge({"E05000001": [2] * weeks + [20]})) == alerts


@pytest.mark.parametrize(("as_of", "alerts"), [("2025-01-13T00:00:00", 0), ("2025-01-13T00:00:01", 1)])
def test_week_is_evaluated_when_it_is_over(judge, as_of, alerts):
    assert len(judge({"E05000001": [2] * 53 + [20]}, as_of)) == alerts


def test_history_is_the_last_year(judge):
    """Higher counts from more than a year ago do not hide a surge."""
    (alert,) = judge({"E05000001": [20] * 10 + [2] * 52 + [12]})

    assert alert["week"] == 62


def test_large_evidence_is_cut_to_the_latest(judge):
    (alert,) = judge({"E05000001": [3] * 60 + [700]})

    assert [item["id"] for item in alert["evidence"]] == [f"e-{i}" for i in range(200, 700)]


def _poisson(draw: random.Random, mean: float) -> int:
    count, product, floor = 0, draw.random(), exp(-mean)
    while product > floor:
        count, product = count + 1, product * draw.random()
    return count


@pytest.mark.parametrize("spread", [1, 2], ids=["poisson", "overdispersed"])
@pytest.mark.parametrize("mean", [3, 8, 30])
def test_chance_alone_alarms_about_as_often_as_stated(judge, mean, spread):
    """
    The counts come from places with a constant mean and without any surge.

    The counts have the variance of a Poisson distribution, or twice that variance (a Poisson distribution with a
    gamma-distributed mean).
    """
    draw, places, weeks, first = random.Random(f"{mean}/{spread}"), 200, 53 + 52, 53
    counts = {}
    for place in range(places):
        rates = (mean if spread == 1 else draw.gammavariate(mean / (spread - 1), spread - 1) for _ in range(weeks))
        counts[f"E05{place:06}"] = [_poisson(draw, rate) for rate in rates]

    alarms = sum(alert["week"] >= first for alert in judge(counts))
    stated = places * (weeks - first) / FALSE_ALARM_WEEKS
    assert 0.25 * stated <= alarms <= 1.6 * stated


@pytest.mark.parametrize("model", ["int_area_weeks", "alert_locality_surge"])
def test_protected_characteristics_and_deprivation_decide_nothing(manifest, model):
    """
    For the SQL of the stream, another test traces each column.

    In the SQL of the build, this test only searches for the names of such columns.
    """
    sql = manifest["nodes"][f"model.caf.{model}"]["compiled_code"]

    assert not re.search(r"sex|ethnicity|disabilit|imd|idaci|share_of_children|date_of_birth", sql)
