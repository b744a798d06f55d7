"""Which recipients get an alert under the routes of the project."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from streams.alerts.routing.explain import explain
from streams.alerts.routing.gaps import gaps
from streams.alerts.routing.places import gateways_of
from streams.alerts.routing.router import Router
from streams.alerts.routing.routes import ROUTES_FILE, in_force, read_routes
from streams.alerts.routing.unroutable import reaches_nobody
from streams.alerts.routing.working_hours import is_working_hours
from streams.contracts.outputs import Alert, Recipient
from streams.errors import RouteInvalid
from streams.rules.answers import FamilyDesk
from streams.rules.register import rule_names

WIRRAL = "E08000015"
MONDAY, NIGHT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC), datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
KNOWN = FamilyDesk("F-1", WIRRAL, "wallasey", "wallasey")
OPEN = KNOWN._replace(lead_professional="W-1", service_ids=["S-1", "S-2"])
UNKNOWN = FamilyDesk("F-1", WIRRAL)


@pytest.fixture(scope="module")
def router() -> Router:
    return Router(WIRRAL, read_routes())


def alert(rule: str, severity: str = "red", at: datetime = MONDAY, **rest: object) -> Alert:
    given = {
        "alert_id": "a" * 32,
        "version": 1,
        "rule_version": 1,
        "profile_version": "default-1",
        "status": "open",
        "entity_kind": "family",
        "entity_id": "F-1",
        "family_id": "F-1",
        "reason": "",
        "evidence": [],
        "anchor_source": "/test",
        "anchor_id": "e-1",
        "anchored_at": at,
        "clears_when": "",
        "occurred_at": at,
        "received_at": at,
        "raised_at": at,
    }
    return Alert(**given | {"rule": rule, "severity": severity} | rest)


def reached(router: Router, one: Alert, desk: FamilyDesk | None = KNOWN, told: tuple = ()) -> set[str]:
    return {f"{who.role}/{who.id}" for who in router.address(one, desk, told).recipients}


def test_red_goes_to_the_duty_desk_of_the_area(router):
    assert reached(router, alert("adult_returns")) == {"duty/wallasey"}


def test_red_at_night_also_goes_to_the_emergency_duty_team(router):
    """The duty desk is also a recipient, so the desk finds the alert in the morning without a second message."""
    assert reached(router, alert("adult_returns", at=NIGHT)) == {"duty/wallasey", f"edt/{WIRRAL}"}


@pytest.mark.parametrize(
    ("at", "is_night"),
    [
        ("2026-03-02T08:59:59+00:00", True),
        ("2026-03-02T09:00:00+00:00", False),
        ("2026-03-02T16:59:59+00:00", False),
        ("2026-03-02T17:00:00+00:00", True),
        ("2026-03-07T12:00:00+00:00", True),
        ("2026-04-03T12:00:00+00:00", True),
        ("2026-07-01T08:00:00+00:00", False),
        ("2026-07-01T16:00:00+00:00", True),
    ],
    ids=["before nine", "nine", "before five", "five", "Saturday", "Good Friday", "nine in summer", "five in summer"],
)
def test_night_follows_london_time(router, at, is_night):
    found = reached(router, alert("adult_returns", at=datetime.fromisoformat(at)))

    assert (f"edt/{WIRRAL}" in found) == is_night


PROFILES = """authority_code,profile_version,effective_from,working_day_starts,working_day_ends
*,default-1,1900-01-01,09:00:00,17:00:00
E08000015,wirral-1,2026-01-01,08:00:00,18:30:00
E08000015,wirral-2,2026-03-02,08:00:00,20:00:00
"""


@pytest.mark.parametrize(
    ("authority", "at", "is_working"),
    [
        ("E06000006", "2026-02-27T17:00:00+00:00", False),
        (WIRRAL, "2025-12-30T17:00:00+00:00", False),
        (WIRRAL, "2026-02-27T18:29:59+00:00", True),
        (WIRRAL, "2026-02-27T18:30:00+00:00", False),
        (WIRRAL, "2026-03-02T18:30:00+00:00", True),
        (WIRRAL, "2026-03-02T07:59:59+00:00", False),
    ],
    ids=["default", "before its own", "its own", "its own end", "its newest", "before eight"],
)
def test_hours_are_those_of_the_practice_profile(tmp_path, authority, at, is_working):
    profiles = tmp_path / "practice_profiles.csv"
    profiles.write_text(PROFILES)

    assert is_working_hours(datetime.fromisoformat(at), authority, profiles) is is_working


def test_services_and_lead_professional_of_an_open_family_get_the_alert(router):
    assert reached(router, alert("adult_returns"), OPEN) == {
        "duty/wallasey",
        "lead_professional/W-1",
        "service/S-1",
        "service/S-2",
    }


@pytest.mark.parametrize(
    ("rule", "severity", "desk", "expected"),
    [
        ("re_referral", "amber", KNOWN, {"front_door/wallasey"}),
        ("front_door_breach", "amber", KNOWN, {"front_door/wallasey"}),
        ("front_door_breach", "red", KNOWN, {"front_door/wallasey", "manager/wallasey"}),
        ("mash_breach", "red", KNOWN, {"front_door/wallasey", "manager/wallasey"}),
        ("already_open", "amber", OPEN, {"front_door/wallasey", "lead_professional/W-1", "service/S-1", "service/S-2"}),
        ("already_open", "amber", KNOWN, {"front_door/wallasey", "duty/wallasey"}),
        ("level_4_for_access", "green", OPEN, {"manager/wallasey"}),
        ("no_basis_to_share", "amber", OPEN, {f"information_governance/{WIRRAL}"}),
        ("opened_without_right", "amber", OPEN, {f"manager/{WIRRAL}"}),
        ("alert_unacknowledged", "red", KNOWN, {"manager/wallasey"}),
        ("case_drift", "amber", KNOWN, {"area_team/wallasey"}),
        ("out_of_hours", "red", KNOWN, {f"edt/{WIRRAL}"}),
        ("adult_returns", "red", UNKNOWN, {f"duty/{WIRRAL}"}),
        ("adult_returns", "red", FamilyDesk("F-1", "E06000006"), {"duty/E06000006"}),
        (
            "unreadable_report",
            "red",
            None,
            {f"engineer/{WIRRAL}", "front_door/birkenhead", "front_door/wallasey", "front_door/wirral_south_and_west"},
        ),
    ],
)
def test_rule_reaches_its_desks(router, rule, severity, desk, expected):
    assert reached(router, alert(rule, severity), desk) == expected


@pytest.mark.parametrize("desk", [KNOWN, OPEN, UNKNOWN])
def test_opening_without_a_right_reaches_the_manager_at_any_hour(router, desk):
    """The desk of the family's area is no recipient, because the manager alone asks about the opening."""
    for at in (MONDAY, NIGHT):
        assert reached(router, alert("opened_without_right", "amber", at=at), desk) == {f"manager/{WIRRAL}"}


@pytest.mark.parametrize("marked", [{"backfill": True}, {"test": True}])
def test_history_and_tests_are_for_nobody(router, marked):
    routed = router.address(alert("adult_returns", **marked), KNOWN, ())

    assert (routed.recipients, routed.area, reaches_nobody(routed, WIRRAL)) == ([], None, None)


def test_recipients_of_an_alert_learn_how_it_ends(router):
    """
    A later version adds the people who are needed now.

    When the alert ends, only people who received an earlier version are notified.
    """
    told = (Recipient("lead_professional", "W-0"),)

    assert reached(router, alert("case_drift", "amber"), OPEN, told) >= {"lead_professional/W-0", "area_team/wallasey"}
    for status in ("cleared", "withdrawn", "closed"):
        assert reached(router, alert("case_drift", "amber", status=status), OPEN, told) == {"lead_professional/W-0"}


HIDDEN = FamilyDesk("F-1", WIRRAL, is_address_protected=True)


def test_version_about_a_protected_address_names_no_desk_of_a_place(router):
    """Persons, services and the authority's own desks stay recipients. A version that ends the alert names no more."""
    told = [Recipient("duty", "wallasey"), Recipient("front_door", "wallasey"), Recipient("manager", WIRRAL)]
    led = [Recipient("lead_professional", "W-1"), Recipient("service", "S-1")]

    assert reached(router, alert("case_drift", "amber"), HIDDEN, (*told, *led)) == {
        f"manager/{WIRRAL}",
        f"area_team/{WIRRAL}",
        "lead_professional/W-1",
        "service/S-1",
    }
    assert reached(router, alert("case_drift", "amber", status="cleared"), HIDDEN, told) == {f"manager/{WIRRAL}"}


def test_alert_that_every_gateway_gets_does_not_move_again_and_again():
    """An authority may send alerts to all its gateways, which gives no place away."""
    [route] = [route for route in read_routes() if route.rule == "level_4_for_access"]
    router = Router(WIRRAL, [replace(route, role="front_door", place="every_gateway")])
    version = router.address(alert("level_4_for_access", "green"), HIDDEN, [Recipient("manager", "wallasey")])

    assert reached(router, version, HIDDEN) == {f"front_door/{gate}" for gate in gateways_of(WIRRAL)}
    assert not router.has_moved(version, HIDDEN)


def test_alert_that_reaches_nobody_raises_another_alert():
    """The further alert is red, has recipients whom no route can remove, and always has the same id."""
    lost = Router(WIRRAL, ()).address(alert("re_referral", "amber"), KNOWN, ())
    said = reaches_nobody(lost, WIRRAL)

    assert ("route_reaches_nobody", "red", "alert", lost.alert_id) == (
        said.rule,
        said.severity,
        said.entity_kind,
        said.entity_id,
    )
    assert [(who.role, who.id) for who in said.recipients] == [("engineer", WIRRAL), ("manager", WIRRAL)]
    assert said.alert_id == reaches_nobody(msgspec.structs.replace(lost, version=2), WIRRAL).alert_id


def test_every_alert_reaches_somebody():
    """
    All registered rules and all other rules with routes are tested.

    The test covers every severity, every hour and every kind of family.
    """
    routes = read_routes()
    rules = {*rule_names(), *(route.rule for route in routes)}

    assert gaps(routes, rules, MONDAY.date()) == []


def test_gap_is_found():
    """One rule has no routes, and another rule is routed only in working hours."""
    routes = [replace(route, hours="working") for route in read_routes() if route.rule == "level_4_for_access"]
    found = gaps(routes, ["level_4_for_access", "re_referral"], MONDAY.date())

    assert {(gap.rule, gap.hours) for gap in found} == {
        ("level_4_for_access", "out"),
        ("re_referral", "out"),
        ("re_referral", "working"),
    }


def test_explanation_names_the_routes_and_what_they_cannot_explain(router):
    one = router.address(alert("adult_returns"), OPEN, [Recipient("edt", WIRRAL)])
    explanations, unexplained = explain(read_routes(), one)

    assert {(found.route.role, len(found.recipients)) for found in explanations} == {
        ("duty", 1),
        ("lead_professional", 1),
        ("service", 2),
    }
    assert [who.role for who in unexplained] == ["edt"]


def test_routes_in_force_on_the_day_apply():
    """An authority's own routes replace the default routes from their first day on, for this authority only."""
    [default] = [route for route in read_routes() if route.rule == "level_4_for_access"]
    own = replace(default, authority_code=WIRRAL, routing_version="wirral-1", effective_from=date(2026, 3, 3))
    router = Router(WIRRAL, [default, own])
    versions = [
        router.address(alert("level_4_for_access", "green", MONDAY + timedelta(days=days)), desk, ()).routing_version
        for days, desk in [(0, KNOWN), (1, KNOWN), (1, FamilyDesk("F-1", "E06000006"))]
    ]

    assert versions == ["default-1", "wirral-1", "default-1"]
    assert in_force([own], WIRRAL, date(2026, 3, 2)) == []


def test_route_with_an_unknown_word_is_refused(tmp_path):
    path = tmp_path / "routes.csv"
    path.write_text(ROUTES_FILE.read_text().replace(",edt,", ",everybody,", 1))

    with pytest.raises(RouteInvalid, match=r"role 'everybody'; allowed: .*duty.*edt"):
        read_routes(path)
