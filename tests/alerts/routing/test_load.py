"""How many alerts a day each desk should expect, and how many alerts arrived."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from streams.alerts.routing.load import came, expected_load
from streams.alerts.routing.routes import in_force, read_routes
from streams.contracts.outputs import Recipient
from streams.lake.connect import connect
from streams.rules.expected import Expected, expected_alerts
from streams.rules.register import newest, rule_names
from streams.settings import Settings

WIRRAL, CHILDREN = "E08000015", 65_875
ROUTES = in_force(read_routes(), WIRRAL, date(2026, 3, 2))
SEVERITIES = {rule: line["severity"] for rule, line in newest().items()}
EVERY_DAY = round(10_000 * 365 / CHILDREN * 1_000)
"""A thousand alerts a day in Wirral, as alerts a year for 10,000 children."""


def load(rule: str, **shares: float) -> dict[str, float]:
    one = Expected(a_year=EVERY_DAY, **{"red": 0, "out_of_hours": 0, "open": 0, "lead": 0} | shares)
    found = expected_load(ROUTES, {rule: one}, SEVERITIES, WIRRAL)
    return {f"{who.role}/{who.id}": a_day for (who, _), a_day in found.items()}


def test_every_rule_brings_somebody_its_expected_alerts():
    expected = expected_alerts()
    found = expected_load(ROUTES, expected, SEVERITIES, WIRRAL)

    assert set(expected) == set(rule_names())
    assert {rule for _, rule in found} == {rule for rule, one in expected.items() if one.a_year}


def test_the_areas_share_an_alert_by_their_children():
    """Together, the duty desks get each alert once, and no single desk gets all alerts."""
    desks = load("rapid_escalation", red=1)

    assert {name.partition("/")[0] for name in desks} == {"duty"}
    assert len(desks) == 4
    assert sum(desks.values()) == pytest.approx(1_000, rel=0.001)
    assert max(desks.values()) < 350


def test_the_night_brings_the_emergency_team_its_share_and_takes_none_from_the_day():
    desks = load("rapid_escalation", red=0.5, out_of_hours=0.4)

    assert desks["edt/E08000015"] == pytest.approx(200, rel=0.001)
    assert sum(value for name, value in desks.items() if name.startswith("duty/")) == pytest.approx(1_000, rel=0.001)


def test_open_families_and_lead_professionals_get_their_shares():
    desks = load("re_referral", open=0.5, lead=0.3)

    assert desks["service/each open service"] == pytest.approx(500, rel=0.001)
    assert desks["lead_professional/each lead professional"] == pytest.approx(300, rel=0.001)


def test_duty_takes_on_only_what_has_no_lead_professional():
    """An amber `already_open` alert goes to the duty desk only if the family has no lead professional."""
    desks = load("already_open", open=1, lead=0.9)

    assert sum(value for name, value in desks.items() if name.startswith("duty/")) == pytest.approx(100, rel=0.001)


def test_the_load_follows_the_routes():
    """An alert without a route adds to nobody's load."""
    expected = {"re_referral": Expected(EVERY_DAY, 0, 0, 0, 0)}
    silent = [route for route in ROUTES if route.rule != "re_referral"]
    moved = [replace(route, place="authority") if route.rule == "re_referral" else route for route in ROUTES]

    assert expected_load(silent, expected, SEVERITIES, WIRRAL) == {}
    assert {who.id for who, _ in expected_load(moved, expected, SEVERITIES, WIRRAL)} == {WIRRAL}


def test_arrived_alerts_count_once_for_each_recipient(fresh_settings: Settings):
    """
    All versions of an alert count as one alert. Test alerts, backfill and alerts older than four weeks do not count.
    """
    now = datetime.now(UTC).replace(tzinfo=None)
    duty, worker = {"role": "duty", "id": "wallasey"}, {"role": "lead_professional", "id": "W-1"}
    other = {"role": "lead_professional", "id": "W-2"}
    rows = [
        ("a", 1, 7, False, False, [duty]),
        ("a", 2, 6, False, False, [duty, worker]),
        ("b", 1, 5, False, False, [duty, other]),
        ("c", 1, 5, True, False, [duty]),
        ("d", 1, 5, False, True, [duty]),
        ("e", 1, 40, False, False, [duty]),
    ]
    with connect(fresh_settings, landing="read_write", marts=None) as lake:
        for alert_id, version, days, backfill, test, recipients in rows:
            lake.execute(
                "INSERT INTO landing.main.alerts (alert_id, version, rule, raised_at, backfill, test, recipients) "
                "VALUES (?, ?, 're_referral', ?, ?, ?, ?)",
                [alert_id, version, now - timedelta(days=days), backfill, test, recipients],
            )
        found = came(lake)

    assert found == {
        (Recipient("duty", "wallasey"), "re_referral"): pytest.approx(2 / 28),
        (Recipient("lead_professional", "each lead professional"), "re_referral"): pytest.approx(2 / 28),
    }
