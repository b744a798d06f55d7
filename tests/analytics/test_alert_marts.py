"""Compare the marts about handling of alerts with figures that were counted by hand (`families.py`)."""

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
    """If an alert is closed without an acknowledgement, the closing counts as its acknowledgement."""
    assert [alert(marts, f"alert-A{n}")["minutes_to_acknowledge"] for n in (1, 2, 3)] == [5, 10, 15]
    assert [alert(marts, f"alert-A{n}")["alert_closure"] for n in (1, 2, 3)] == [
        "acted_on",
        "not_useful",
        "already_known",
    ]


def test_alert_that_becomes_more_severe_keeps_its_acknowledgement_and_closing(marts):
    found = alert(marts, "alert-A4")

    assert (found["streamed_status"], found["minutes_to_acknowledge"]) == ("open", 20)
    assert (found["alert_closure"], found["first_red_at"]) == (
        "wrong_family",
        found["first_raised_at"] + timedelta(minutes=3),
    )


def test_withdrawn_acknowledgement_does_not_count(marts):
    """The alert's area is not shown either, because the latest version has no area."""
    found = alert(marts, "alert-B1")

    assert (found["acknowledged_at"], found["minutes_to_acknowledge"], found["area"]) == (None, None, None)


def test_inherited_acknowledgement_has_no_minutes(marts):
    found = alert(marts, "successor")

    assert found["acknowledged_at"] == alert(marts, "alert-A5")["acknowledged_at"]
    assert found["minutes_to_acknowledge"] is None


def test_performance_counts_alerts_and_how_people_closed_them(marts):
    """Eighteen alerts count. Alerts from history and test alerts do not count."""
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


def test_disparity_counts_alerts_under_every_value_that_children_of_a_family_have(marts):
    found = rows(marts, f"SELECT * FROM marts.analytics.mart_alert_disparity WHERE authority_code = '{AUTHORITY}'")
    counted = {(row["characteristic"], row["value"]): tuple(row.values())[4:] for row in found}

    assert counted == {
        ("area", "birkenhead"): (8, 8, 9, 1125.0, 1.0, 22.5),
        ("area", "wallasey"): (7, 7, 7, 1000.0, 0.0, 90.0),
        ("area", "wirral_west"): (1, 1, 1, 1000.0, 0.0, None),
        ("area", "unknown"): (6, 0, 0, 0.0, None, None),
        ("sex", "F"): (8, 8, 9, 1125.0, 1.0, 22.5),
        ("sex", "M"): (8, 8, 8, 1000.0, 0.0, 90.0),
        ("sex", "U"): (6, 0, 0, 0.0, None, None),
        ("ethnicity", "WBRI"): (15, 15, 16, pytest.approx(16000 / 15), 9 / 16, 37.5),
        ("ethnicity", "WROM"): (1, 1, 1, 1000.0, 0.0, None),
        ("ethnicity", "NOBT"): (6, 0, 0, 0.0, None, None),
        ("disability", "unknown"): (14, 8, 9, pytest.approx(9000 / 14), 1.0, 22.5),
        ("disability", "no"): (7, 7, 7, 1000.0, 0.0, 90.0),
        ("disability", "yes"): (1, 1, 1, 1000.0, 0.0, None),
    }


def test_characteristics_are_read_for_statistics_only():
    """Only one mart reads the characteristics of children, and no other model reads that mart."""
    readers = {
        path.stem
        for path in [*(DBT / "models").rglob("*.sql"), *(DBT / "macros").glob("*.sql"), *(DBT / "tests").rglob("*.sql")]
        if re.search(r"\b(sex|ethnicity|disabilities|mart_alert_disparity)\b", path.read_text())
    }

    assert readers == {"mart_alert_disparity"}


def test_nothing_outside_the_desk_uses_characteristics():
    """
    Neither published figures nor pages read the characteristics, or the mart that compares alerts by
    characteristics.
    """
    sources = [path for folder in ("dashboard", "streams/disclosure") for path in (PROJECT / folder).rglob("*.py")]

    assert sources
    assert [
        path
        for path in sources
        if re.search(r"\b(sex|ethnicity|disabilities|mart_alert_disparity)\b", path.read_text())
    ] == []
