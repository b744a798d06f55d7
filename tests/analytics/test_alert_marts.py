"""The marts about the life of alerts against figures counted by hand (`families.py`)."""

import re
from datetime import timedelta

import pytest

from streams.settings import PROJECT
from tests.analytics.families import AUTHORITY

DBT = PROJECT / "dbt_project"


def rows(marts, query: str) -> list[dict]:
    return marts.execute(query).to_arrow_table().to_pylist()


def alert(marts, alert_id: str) -> dict:
    [found] = rows(marts, f"SELECT * FROM marts.analytics.fct_alerts WHERE alert_id = '{alert_id}'")
    return found


def test_first_acknowledgement_or_closing_counts(marts):
    """One that was closed at once was acknowledged by that."""
    assert [alert(marts, f"alert-A{n}")["minutes_to_acknowledge"] for n in (1, 2, 3)] == [5, 10, 15]
    assert [alert(marts, f"alert-A{n}")["alert_closure"] for n in (1, 2, 3)] == [
        "acted_on",
        "not_useful",
        "already_known",
    ]


def test_alert_that_says_more_keeps_what_was_said_of_it(marts):
    found = alert(marts, "alert-A4")

    assert (found["streamed_status"], found["minutes_to_acknowledge"]) == ("open", 20)
    assert (found["alert_closure"], found["first_red_at"]) == (
        "wrong_family",
        found["first_raised_at"] + timedelta(minutes=3),
    )


def test_withdrawn_acknowledgement_does_not_count(marts):
    """Nor is an area shown that the latest version no longer has."""
    found = alert(marts, "alert-B1")

    assert (found["acknowledged_at"], found["minutes_to_acknowledge"], found["area"]) == (None, None, None)


def test_inherited_acknowledgement_has_no_minutes(marts):
    found = alert(marts, "successor")

    assert found["acknowledged_at"] == alert(marts, "alert-A5")["acknowledged_at"]
    assert found["minutes_to_acknowledge"] is None


def test_performance_counts_what_people_got_and_said(marts):
    """Eighteen alerts; those from history and tests are not among them."""
    [found] = rows(marts, "SELECT * FROM marts.analytics.mart_rule_performance WHERE rule = 'adult_returns'")
    days = found.pop("alerts_per_day")

    assert found == {
        "rule": "adult_returns",
        "rule_version": 1,
        "alerts": 18,
        "open": 13,
        "acknowledged": 15,
        "closed": 4,
        "acted_on": 1,
        "already_known": 1,
        "not_useful": 1,
        "wrong_family": 1,
        "precision": pytest.approx(1 / 3),
        "median_minutes_to_acknowledge": 37.5,
        "p90_minutes_to_acknowledge": 90,
    }
    assert 0 < days < 18 / 90


def test_every_rule_has_its_performance(marts):
    missing = rows(
        marts,
        "SELECT rule, version FROM marts.reference.rules EXCEPT SELECT rule, rule_version "
        "FROM marts.analytics.mart_rule_performance",
    )

    assert missing == []


def test_response_by_day_and_area(marts):
    found = rows(
        marts,
        "SELECT area, raised, acknowledged_within_an_hour AS soon, acknowledged_later AS late, not_acknowledged AS no "
        "FROM (SELECT * FROM marts.analytics.mart_alert_response "
        f"WHERE authority_code = '{AUTHORITY}' AND severity = 'amber' "
        "QUALIFY raised_on = max(raised_on) OVER ()) ORDER BY area",
    )

    assert [tuple(row.values()) for row in found] == [
        ("birkenhead", 8, 8, 0, 0),
        ("unknown", 1, 0, 0, 1),
        ("wallasey", 6, 0, 6, 0),
        ("wirral_west", 1, 0, 0, 1),
    ]


def test_disparity_shows_what_is_large_and_hides_what_would_give_the_small_away(marts):
    """
    The six without an alert do not hide the one child of Wirral West: what they leave is still one family, so that
    Wallasey is hidden, too.
    """
    found = rows(marts, f"SELECT * FROM marts.analytics.mart_alert_disparity WHERE authority_code = '{AUTHORITY}'")
    shown = {
        (row["characteristic"], row["value"]): tuple(row.values())[5:] for row in found if not row["is_suppressed"]
    }
    hidden = {
        (row["characteristic"], row["value"]): {*tuple(row.values())[5:]} for row in found if row["is_suppressed"]
    }

    assert shown == {
        ("area", "birkenhead"): (8, 8, 9, 1125.0, 1.0, 22.5),
        ("sex", "F"): (8, 8, 9, 1125.0, 1.0, 22.5),
        ("sex", "M"): (8, 8, 8, 1000.0, 0.0, 90.0),
        ("sex", "U"): (6, 0, 0, 0.0, None, None),
        ("disability", "unknown"): (14, 8, 9, pytest.approx(9000 / 14), 1.0, 22.5),
    }
    assert hidden == {
        ("area", "unknown"): {None},
        ("area", "wallasey"): {None},
        ("area", "wirral_west"): {None},
        ("ethnicity", "NOBT"): {None},
        ("ethnicity", "WBRI"): {None},
        ("ethnicity", "WROM"): {None},
        ("disability", "no"): {None},
        ("disability", "yes"): {None},
    }


def test_no_small_count_is_left_of_any_total(marts):
    """Taken from a total that another characteristic shows, what is hidden is two rows or more, of more than five."""
    left = rows(
        marts,
        "SELECT total - coalesce(sum(children), 0) AS children, count(*) FILTER (is_suppressed) AS hidden FROM ("
        "  SELECT *, max(own) OVER (PARTITION BY authority_code) AS total FROM ("
        "    SELECT *, if(bool_or(is_suppressed) OVER this, NULL, sum(children) OVER this) AS own"
        "    FROM marts.analytics.mart_alert_disparity WINDOW this AS (PARTITION BY authority_code, characteristic)"
        ")) WHERE total IS NOT NULL GROUP BY authority_code, characteristic, total",
    )
    shown = rows(marts, "FROM marts.analytics.mart_alert_disparity WHERE children <= 5 OR alerts BETWEEN 1 AND 5")

    assert shown == []
    assert any(row["hidden"] for row in left)
    assert all(row["hidden"] >= 2 and row["children"] > 5 for row in left if row["hidden"])


def test_characteristics_are_read_for_statistics_only():
    """By the one mart, which nothing reads."""
    readers = {
        path.stem
        for path in [*(DBT / "models").rglob("*.sql"), *(DBT / "macros").glob("*.sql"), *(DBT / "tests").rglob("*.sql")]
        if re.search(r"\b(sex|ethnicity|disabilities|mart_alert_disparity)\b", path.read_text())
    }

    assert readers == {"mart_alert_disparity"}
