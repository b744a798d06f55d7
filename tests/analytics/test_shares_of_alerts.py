"""The query in docs/rules/README.md counts what `expected_alerts.csv` says about a rule."""

import re

import duckdb
import pytest
import yaml

from streams.settings import PROJECT

GUIDE = PROJECT / "docs" / "rules" / "README.md"
MARTS = PROJECT / "dbt_project" / "models" / "analytics"


@pytest.fixture
def lake():
    """Empty marts with the columns that their contracts declare, and the columns of events that the query reads."""
    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS marts; CREATE SCHEMA marts.analytics; ATTACH ':memory:' AS landing")
        for name in ("fct_alerts", "fct_episodes", "dim_date"):
            (model,) = yaml.safe_load((MARTS / f"{name}.yml").read_text())["models"]
            columns = ", ".join(f'"{column["name"]}" {column["data_type"]}' for column in model["columns"])
            connection.execute(f"CREATE TABLE marts.analytics.{name} ({columns})")
        connection.execute("CREATE TABLE landing.main.events (family_id VARCHAR, fact VARCHAR, fact_at TIMESTAMP)")
        connection.execute(
            "INSERT INTO marts.analytics.dim_date (date_day, is_working_day) "
            "VALUES ('2026-03-02', true), ('2026-03-07', false), ('2026-07-02', true)"
        )
        yield connection


def raised(lake, *alerts):
    lake.executemany(
        "INSERT INTO marts.analytics.fct_alerts (rule, family_id, anchored_at, severity) VALUES (?, ?, ?, ?)", alerts
    )


def shares(lake):
    """The result of the query in the guide: the number and shares of each rule's alerts."""
    (query,) = re.findall(r"```sql\n(.*?)\n```", GUIDE.read_text(), re.DOTALL)
    result = lake.execute(query)
    names = [column[0] for column in result.description]
    return {row[0]: dict(zip(names[1:], row[1:], strict=True)) for row in result.fetchall()}


def test_red_alerts_are_counted_for_each_rule(lake):
    at = "2026-03-02 12:00"
    raised(lake, ("a", "F-1", at, "red"), ("a", "F-2", at, "amber"), ("b", "F-1", at, "amber"))

    assert {rule: (found["alerts"], found["red_share"]) for rule, found in shares(lake).items()} == {
        "a": (2, 0.5),
        "b": (1, 0),
    }


@pytest.mark.parametrize(
    ("at", "share"),
    [
        ("2026-03-02 09:00", 0),
        ("2026-03-02 08:59:59", 1),
        ("2026-03-02 17:00", 1),
        ("2026-07-02 08:00", 0),  # 9:00 in London in summer
        ("2026-07-02 16:00", 1),
        ("2026-03-07 12:00", 1),  # a Saturday
    ],
)
def test_working_hours_are_those_of_london(lake, at, share):
    raised(lake, ("a", "F-1", at, "red"))

    assert shares(lake)["a"]["out_of_hours_share"] == share


def test_families_count_as_open_and_led_at_the_time_of_the_alert(lake):
    """The first family is open and has a lead, the second had its lead in an earlier episode, the third was closed."""
    lake.execute(
        "INSERT INTO marts.analytics.fct_episodes (family_id, opened_at, closed_at) VALUES "
        "('F-1', '2026-01-01', NULL), ('F-2', '2025-01-01', '2025-06-01'), ('F-2', '2026-02-01', NULL), "
        "('F-3', '2026-01-01', '2026-03-01')"
    )
    assigned = [("F-1", "2026-01-02"), ("F-2", "2025-01-02"), ("F-3", "2026-01-02")]
    lake.executemany("INSERT INTO landing.main.events VALUES (?, 'lead-professional-assigned', ?)", assigned)
    raised(lake, *(("a", family, "2026-03-02 12:00", "red") for family in ("F-1", "F-2", "F-3", "F-4")))

    found = shares(lake)["a"]
    assert (found["alerts"], found["open_share"], found["lead_share"]) == (4, 0.5, 0.25)
