"""
The rule `adult_returns`: which persons and events count as a return, one alert per stay, and what clears the alert.
"""

import pytest

FAMILY = {"family_id": "F-1"}


@pytest.fixture
def home(world):
    """A family with a child of eight, and a man with a marker that names the family."""
    world.tell("household-joined", "2025-01-01T09:00:00", **FAMILY, person_id="P-child", household_role="child")
    world.tell("person-recorded", "2025-01-01T09:00:00", person_id="P-child", date_of_birth="2017-03-01")
    world.marker = world.tell("risk-marker-set", "2025-02-01T09:00:00", **_marker())
    return world


def _marker(**changes):
    marker = {
        "marker_id": "M-1",
        "person_id": "P-man",
        "marker_kind": "domestic_abuse",
        "marker_role": "source_of_risk",
        "marker_basis": "convicted",
        "marker_families": ["F-1"],
    }
    return marker | changes


def _joins(world, at="2025-03-01T10:00:00", person="P-man", family="F-1", **options):
    return world.tell("household-joined", at, family_id=family, person_id=person, household_role="partner", **options)


def _leaves(world, at, person="P-man"):
    return world.tell("household-left", at, **FAMILY, person_id=person)


def test_marked_person_who_joins_raises_red(home):
    joined = _joins(home)

    (alert,) = home.alerts("adult_returns")

    assert (alert["severity"], alert["status"], alert["family_id"]) == ("red", "open", "F-1")
    assert alert["anchor_id"] == joined.id
    assert [evidence["id"] for evidence in alert["evidence"]] == [home.marker.id, joined.id]
    assert "domestic" not in alert["reason"]


def test_same_event_twice_raises_one_alert(home):
    home.repeat(_joins(home))

    assert len(home.alerts("adult_returns")) == 1


def test_victim_marker_raises_nothing(world):
    world.tell("household-joined", "2025-01-01T09:00:00", **FAMILY, person_id="P-child", household_role="child")
    world.tell("risk-marker-set", "2025-02-01T09:00:00", **_marker(marker_role="victim"))
    _joins(world)

    assert world.alerts("adult_returns") == []


def test_family_without_child_raises_nothing(home):
    _joins(home, family="F-2")
    home.tell("household-left", "2025-02-20T09:00:00", **FAMILY, person_id="P-child")
    _joins(home)

    assert home.alerts("adult_returns") == []


@pytest.mark.parametrize(("at", "alerts"), [("2035-02-28T23:59:59", 1), ("2035-03-01T00:00:00", 0)])
def test_child_is_under_eighteen_on_the_london_day(home, at, alerts):
    _joins(home, at)

    assert len(home.alerts("adult_returns", "2036-01-01T00:00:00")) == alerts


def test_child_born_on_a_leap_day_comes_of_age_on_the_first_of_march(world):
    world.tell("household-joined", "2025-01-01T09:00:00", **FAMILY, person_id="P-child", household_role="child")
    world.tell("person-recorded", "2025-01-01T09:00:00", person_id="P-child", date_of_birth="2008-02-29")
    world.tell("risk-marker-set", "2025-02-01T09:00:00", **_marker())
    _joins(world, "2026-02-28T12:00:00")
    _leaves(world, "2026-02-28T13:00:00")
    _joins(world, "2026-03-01T12:00:00")

    assert len(world.alerts("adult_returns", "2027-01-01T00:00:00")) == 1


def test_birthday_recorded_later_counts_for_the_time_before(world):
    world.tell("household-joined", "2025-01-01T09:00:00", **FAMILY, person_id="P-son", household_role="other_adult")
    world.tell("risk-marker-set", "2025-02-01T09:00:00", **_marker())
    _joins(world)
    world.tell("person-recorded", "2025-06-01T09:00:00", person_id="P-son", date_of_birth="2015-01-01")

    assert len(world.alerts("adult_returns")) == 1


def test_unborn_child_counts(world):
    world.tell("household-joined", "2025-01-01T09:00:00", **FAMILY, person_id="P-baby", household_role="unborn")
    world.tell("risk-marker-set", "2025-02-01T09:00:00", **_marker())
    _joins(world)

    assert len(world.alerts("adult_returns")) == 1


def test_marker_of_another_family_raises_nothing(world):
    world.tell("household-joined", "2025-01-01T09:00:00", **FAMILY, person_id="P-child", household_role="child")
    world.tell("risk-marker-set", "2025-02-01T09:00:00", **_marker(marker_families=["F-2"]))
    _joins(world)

    assert world.alerts("adult_returns") == []


def test_unnamed_marker_counts_only_where_the_person_lived_before(world):
    world.tell("household-joined", "2025-01-01T09:00:00", **FAMILY, person_id="P-child", household_role="child")
    world.tell("risk-marker-set", "2025-02-01T09:00:00", **_marker(marker_families=[]))
    _joins(world)
    first = world.alerts("adult_returns")
    _leaves(world, "2025-04-01T09:00:00")
    back = _joins(world, "2025-05-01T09:00:00")

    assert first == []
    assert [alert["anchor_id"] for alert in world.alerts("adult_returns")] == [back.id]


@pytest.mark.parametrize(("expires", "alerts"), [("2025-03-01T10:00:00Z", 1), ("2025-03-01T09:59:59Z", 0)])
def test_marker_stands_until_its_expiry_has_passed(world, expires, alerts):
    world.tell("household-joined", "2025-01-01T09:00:00", **FAMILY, person_id="P-child", household_role="child")
    world.tell("risk-marker-set", "2025-02-01T09:00:00", **_marker(expires_at=expires))
    _joins(world)

    assert len(world.alerts("adult_returns")) == alerts


def test_overdue_review_silences_nothing(world):
    world.tell("household-joined", "2025-01-01T09:00:00", **FAMILY, person_id="P-child", household_role="child")
    world.tell("risk-marker-set", "2025-02-01T09:00:00", **_marker(review_due="2025-02-10"))
    _joins(world)

    assert len(world.alerts("adult_returns")) == 1


def test_review_replaces_the_expiry(world):
    world.tell("household-joined", "2025-01-01T09:00:00", **FAMILY, person_id="P-child", household_role="child")
    world.tell("risk-marker-set", "2025-02-01T09:00:00", **_marker(expires_at="2025-02-20T00:00:00Z"))
    world.tell("risk-marker-reviewed", "2025-02-10T09:00:00", marker_id="M-1", person_id="P-man")
    _joins(world)

    assert len(world.alerts("adult_returns")) == 1


def test_cleared_marker_raises_nothing(home):
    home.tell(
        "risk-marker-cleared",
        "2025-02-20T09:00:00",
        marker_id="M-1",
        person_id="P-man",
        clearing_reason="no_longer_a_risk",
    )
    _joins(home)

    assert home.alerts("adult_returns") == []


def test_person_marked_while_present_raises_on_the_marking(world):
    world.tell("household-joined", "2025-01-01T09:00:00", **FAMILY, person_id="P-child", household_role="child")
    joined = _joins(world, "2025-01-15T09:00:00")
    marked = world.tell("risk-marker-set", "2025-02-01T09:00:00", **_marker())

    (alert,) = world.alerts("adult_returns")

    assert alert["anchor_id"] == marked.id
    assert {evidence["id"] for evidence in alert["evidence"]} == {joined.id, marked.id}


@pytest.mark.parametrize("who_moves", ["person", "family"])
def test_coming_to_live_at_the_address_raises(home, who_moves):
    addresses = [("person", {"person_id": "P-man"}), ("family", FAMILY)]
    first, last = sorted(addresses, key=lambda move: move[0] == who_moves)
    home.tell("address-changed", "2025-02-10T09:00:00", **first[1], address_id="U-1")
    moved = home.tell("address-changed", "2025-02-20T09:00:00", **last[1], address_id="U-1")

    (alert,) = home.alerts("adult_returns")

    assert alert["anchor_id"] == moved.id
    assert "U-1" not in alert["reason"]


def test_unknown_addresses_are_not_the_same_place(home):
    home.tell("address-changed", "2025-02-10T09:00:00", **FAMILY)
    home.tell("address-changed", "2025-02-20T09:00:00", person_id="P-man")

    assert home.alerts("adult_returns") == []


@pytest.mark.parametrize(("persons", "alerts"), [(["P-man"], 1), (["P-child"], 0), ([], 0)])
def test_report_counts_for_the_persons_it_names(home, persons, alerts):
    _reported(home, "2025-03-01T10:00:00", persons)

    assert len(home.alerts("adult_returns")) == alerts


def test_report_that_names_nobody_is_about_a_marked_former_member(home):
    _joins(home, "2025-01-02T09:00:00")
    _leaves(home, "2025-01-03T09:00:00")
    reported = _reported(home, "2025-03-01T10:00:00", [])

    assert [alert["anchor_id"] for alert in home.alerts("adult_returns")] == [reported.id]


def _reported(world, at, persons, **options):
    return world.tell(
        "escalation-reported",
        at,
        **FAMILY,
        escalation_id=f"X-{at}",
        escalation_kind="abusive_adult_returned",
        severity="red",
        source_code="6",
        person_ids=persons,
        **options,
    )


def test_report_during_a_stay_is_not_a_second_alert(home):
    _joins(home)
    _reported(home, "2025-03-05T10:00:00", ["P-man"])

    assert len(home.alerts("adult_returns")) == 1


def test_joining_again_while_present_is_the_same_stay(home):
    _joins(home)
    _joins(home, "2025-03-05T10:00:00")

    assert len(home.alerts("adult_returns")) == 1


def test_each_stay_raises_once(home):
    _joins(home)
    _leaves(home, "2025-03-02T10:00:00")
    _joins(home, "2025-03-05T10:00:00")

    assert [alert["status"] for alert in home.alerts("adult_returns")] == ["cleared", "open"]


def test_leaving_clears(home):
    _joins(home)
    _leaves(home, "2025-03-02T10:00:00")

    (alert,) = home.alerts("adult_returns")

    assert alert["status"] == "cleared"
    assert alert["cleared_at"].isoformat() == "2025-03-02T10:00:00"


def test_clearing_the_last_marker_clears(home):
    home.tell("risk-marker-set", "2025-02-02T09:00:00", **_marker(marker_id="M-2"))
    _joins(home)
    cleared = {"person_id": "P-man", "clearing_reason": "order_ended"}
    home.tell("risk-marker-cleared", "2025-03-02T09:00:00", marker_id="M-1", **cleared)
    with_one_left = home.alerts("adult_returns")
    home.tell("risk-marker-cleared", "2025-03-03T09:00:00", marker_id="M-2", **cleared)

    assert [alert["status"] for alert in with_one_left + home.alerts("adult_returns")] == ["open", "cleared"]


def test_marker_set_again_within_the_stay_opens_the_alert_again(home):
    joined = _joins(home)
    cleared = {"person_id": "P-man", "clearing_reason": "order_ended"}
    home.tell("risk-marker-cleared", "2025-03-02T09:00:00", marker_id="M-1", **cleared)
    home.tell("risk-marker-set", "2025-03-03T09:00:00", **_marker(marker_id="M-2"))

    (alert,) = home.alerts("adult_returns")

    assert (alert["anchor_id"], alert["status"]) == (joined.id, "open")


def test_every_marker_in_force_that_concerns_the_family_is_evidence(home):
    second = home.tell("risk-marker-set", "2025-02-02T09:00:00", **_marker(marker_id="M-2"))
    home.tell("risk-marker-set", "2025-02-03T09:00:00", **_marker(marker_id="M-3", marker_families=["F-2"]))
    joined = _joins(home)

    (alert,) = home.alerts("adult_returns")

    assert [evidence["id"] for evidence in alert["evidence"]] == [home.marker.id, second.id, joined.id]


def test_person_who_leaves_a_household_no_longer_lives_at_its_address(home):
    home.tell("address-changed", "2025-01-01T09:00:00", **FAMILY, address_id="U-1")
    moved = home.tell("address-changed", "2025-02-28T10:00:00", person_id="P-man", address_id="U-1")
    _joins(home)
    _leaves(home, "2025-03-02T10:00:00")
    again = home.tell("address-changed", "2025-03-05T10:00:00", person_id="P-man", address_id="U-1")

    found = home.alerts("adult_returns")

    assert [alert["anchor_id"] for alert in found] == [moved.id, again.id]
    assert [alert["status"] for alert in found] == ["cleared", "open"]


@pytest.mark.parametrize(("told", "alerts"), [("child", 1), ("carer", 0)])
def test_latest_role_in_the_household_counts(world, told, alerts):
    world.tell("risk-marker-set", "2025-02-01T09:00:00", **_marker())
    for at, role in (("2025-01-01T09:00:00", "partner"), ("2025-01-02T09:00:00", told)):
        world.tell("household-joined", at, **FAMILY, person_id="P-other", household_role=role)
    _joins(world)

    assert len(world.alerts("adult_returns")) == alerts


def test_record_of_a_death_ends_childhood_whatever_else_it_says(world):
    world.tell("household-joined", "2025-01-01T09:00:00", **FAMILY, person_id="P-child", household_role="child")
    world.tell("person-recorded", "2025-02-01T09:00:00", person_id="P-child", died_on="2025-01-31")
    world.tell("risk-marker-set", "2025-02-01T09:00:00", **_marker())
    _joins(world)

    assert world.alerts("adult_returns") == []


@pytest.mark.parametrize(
    ("as_of", "status"), [("2025-04-01T00:00:00", "open"), ("2025-04-01T00:00:00.000001", "cleared")]
)
def test_expiry_clears_once_it_has_passed(world, as_of, status):
    world.tell("household-joined", "2025-01-01T09:00:00", **FAMILY, person_id="P-child", household_role="child")
    world.tell("risk-marker-set", "2025-02-01T09:00:00", **_marker(expires_at="2025-04-01T00:00:00Z"))
    _joins(world)

    assert [alert["status"] for alert in world.alerts("adult_returns", as_of)] == [status]


def test_expiry_of_a_present_persons_marker_is_a_deadline(world):
    world.tell(
        "risk-marker-set", "2025-02-01T09:00:00", **_marker(marker_families=[], expires_at="2025-04-01T00:00:00Z")
    )
    _joins(world)
    query = "select family_id, due_at::varchar as due_at from marts.intermediate.int_adult_returns_deadlines"

    assert world.rows(query, "2025-03-05T00:00:00") == [{"family_id": "F-1", "due_at": "2025-04-01 00:00:00"}]
    assert world.rows(query, "2025-04-02T00:00:00") == []


def test_linked_identity_is_the_same_person(home):
    home.tell(
        "persons-linked",
        "2025-02-10T09:00:00",
        person_id="P-alias",
        linked_person_id="P-man",
        link_basis="same_number",
    )
    _joins(home, person="P-alias")

    assert len(home.alerts("adult_returns")) == 1


def test_links_reach_over_several_identities_until_one_is_withdrawn(home):
    link = {"link_basis": "same_number"}
    home.tell("persons-linked", "2025-02-10T09:00:00", person_id="P-a", linked_person_id="P-man", **link)
    second = home.tell("persons-linked", "2025-02-11T09:00:00", person_id="P-a", linked_person_id="P-b", **link)
    _joins(home, person="P-b")
    linked = home.alerts("adult_returns")
    home.withdraw(second, "2025-04-01T00:00:00")

    assert len(linked) == 1
    assert home.alerts("adult_returns") == []


def test_late_news_of_a_leaving_before_the_return_makes_it_a_return(home):
    _joins(home, "2025-01-02T09:00:00")
    _joins(home, "2025-03-01T10:00:00")
    before = home.alerts("adult_returns")
    home.tell("household-left", "2025-01-20T09:00:00", received="2025-03-10T00:00:00", **FAMILY, person_id="P-man")

    assert [alert["anchor_id"] for alert in before] == [home.marker.id]
    assert [alert["anchored_at"].isoformat() for alert in home.alerts("adult_returns")] == ["2025-03-01T10:00:00"]


def test_correction_to_another_person_withdraws_the_alert(home):
    joined = _joins(home)
    home.correct(joined, "2025-03-02T00:00:00", person_id="P-friend")

    assert home.alerts("adult_returns") == []


def test_correction_of_the_time_keeps_the_alert_id(home):
    joined = _joins(home)
    before = home.alerts("adult_returns")
    home.correct(joined, "2025-03-02T00:00:00", fact_at="2025-02-28T10:00:00")
    (alert,) = home.alerts("adult_returns")

    assert alert["alert_id"] == before[0]["alert_id"]
    assert alert["anchored_at"].isoformat() == "2025-02-28T10:00:00"


def test_withdrawn_marker_withdraws_the_alert(home):
    _joins(home)
    home.withdraw(home.marker, "2025-03-02T00:00:00")

    assert home.alerts("adult_returns") == []


def test_backfilled_anchor_marks_the_alert(home):
    _joins(home, backfill=True)

    assert [alert["is_backfill"] for alert in home.alerts("adult_returns")] == [True]
