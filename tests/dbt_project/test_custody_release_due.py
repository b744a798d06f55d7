"""The rule `custody_release_due`: a release is planned to a family with a child, and is at most 14 days away."""

import pytest

FAMILY = {"family_id": "F-1"}
HOME = {"address_id": "A-1"}


@pytest.fixture
def home(world):
    """A family with a child and an address."""
    world.tell("household-joined", "2025-01-01T09:00:00", **FAMILY, person_id="P-child", household_role="child")
    world.tell("address-changed", "2025-01-01T10:00:00", **FAMILY, **HOME)
    return world


def _planned(world, at, release_on="2025-03-20", **options):
    facts = {"person_id": "P-man"} | (options or HOME)
    received = facts.pop("received", None)
    return world.tell("custody-release-planned", at, received=received, release_on=release_on, **facts)


def _found(world, as_of="2025-03-15T12:00:00"):
    alerts = world.alerts("custody_release_due", as_of)
    return [(alert["family_id"], alert["anchor_id"], alert["severity"], alert["status"]) for alert in alerts]


def _deadlines(world, as_of):
    rows = world.rows("select * from marts.intermediate.int_custody_release_due_deadlines order by due_at", as_of)
    return [(row["family_id"], row["due_at"].isoformat()) for row in rows]


@pytest.mark.parametrize(
    ("planned", "as_of", "expected"),
    [
        # The alert begins exactly 14 days before the release, or with the plan if the plan comes later.
        ("2025-02-01T12:00:00", "2025-03-06T00:00:00", []),
        ("2025-02-01T12:00:00", "2025-03-06T00:00:00.000001", [("amber", "open")]),
        ("2025-03-05T23:59:59", "2025-03-05T23:59:59", []),
        ("2025-03-06T00:00:00", "2025-03-06T00:00:00", [("amber", "open")]),
        # The alert is red from three days before the release.
        ("2025-03-10T12:00:00", "2025-03-17T00:00:00", [("amber", "open")]),
        ("2025-03-10T12:00:00", "2025-03-17T00:00:00.000001", [("red", "open")]),
        ("2025-03-16T23:59:59", "2025-03-16T23:59:59", [("amber", "open")]),
        ("2025-03-17T00:00:00", "2025-03-17T00:00:00", [("red", "open")]),
        # The alert lasts to the end of the day of release. A plan for a past release raises no alert.
        ("2025-03-10T12:00:00", "2025-03-21T00:00:00", [("red", "open")]),
        ("2025-03-10T12:00:00", "2025-03-21T00:00:00.000001", [("red", "cleared")]),
        ("2025-03-20T23:59:59", "2025-03-20T23:59:59", [("red", "open")]),
        ("2025-03-21T00:00:00", "2025-03-22T00:00:00", []),
    ],
)
def test_days_before_the_release(home, planned, as_of, expected):
    plan = _planned(home, planned)

    assert _found(home, as_of) == [("F-1", plan.id, *each) for each in expected]


def test_days_are_london_days(home):
    """
    Summer time begins on 30 March 2025, so midnight in London changes from 00:00 UTC to 23:00 UTC.

    The first deadline before a release on 10 April is in winter time, and the other two are in summer time.
    """
    _planned(home, "2025-02-01T12:00:00", "2025-04-10")

    assert _deadlines(home, "2025-02-01T12:00:00") == [
        ("F-1", "2025-03-27T00:00:00"),
        ("F-1", "2025-04-06T23:00:00"),
        ("F-1", "2025-04-10T23:00:00"),
    ]


def test_alert_keeps_its_id_as_it_becomes_red(home):
    plan = _planned(home, "2025-02-01T12:00:00")
    (amber,) = home.alerts("custody_release_due", "2025-03-10T00:00:00")
    (red,) = home.alerts("custody_release_due", "2025-03-18T00:00:00")

    assert amber["alert_id"] == red["alert_id"]
    assert (red["entity_kind"], red["entity_id"]) == ("family", "F-1")
    assert red["anchored_at"].isoformat() == "2025-03-06T00:00:00"
    assert red["deadline"].isoformat() == "2025-03-17T00:00:00"
    assert [evidence["id"] for evidence in red["evidence"]] == [plan.id]
    assert red["reason"] == ("A release from custody to family F-1, where a child lives, is planned for 20 March 2025.")


def test_deadlines_are_those_to_come(home):
    _planned(home, "2025-02-01T12:00:00")

    assert [due for _, due in _deadlines(home, "2025-03-06T00:00:01")] == ["2025-03-17T00:00:00", "2025-03-21T00:00:00"]
    assert _deadlines(home, "2025-03-21T00:00:01") == []


def test_plan_that_names_the_family_needs_no_address(home):
    plan = _planned(home, "2025-03-10T12:00:00", release_family_id="F-1")

    assert _found(home) == [("F-1", plan.id, "amber", "open")]


def test_plan_that_names_family_and_address_is_one_alert(home):
    plan = _planned(home, "2025-03-10T12:00:00", release_family_id="F-1", **HOME)

    assert _found(home) == [("F-1", plan.id, "amber", "open")]


@pytest.mark.parametrize("place", [{"address_id": "A-2"}, {"release_family_id": "F-2"}])
def test_release_elsewhere_raises_nothing(home, place):
    _planned(home, "2025-03-10T12:00:00", **place)

    assert _found(home) == []


def test_release_to_nowhere_known_raises_nothing(world):
    """The family's address is unknown and the plan gives no address. Two unknown addresses are not equal."""
    world.tell("household-joined", "2025-01-01T09:00:00", **FAMILY, person_id="P-child", household_role="child")
    world.tell("address-changed", "2025-01-01T10:00:00", **FAMILY)
    _planned(world, "2025-03-10T12:00:00", person_id="P-man")

    assert _found(world) == []


@pytest.mark.parametrize(
    ("born", "alerts"),
    [("2007-03-07", 1), ("2007-03-06", 0)],
)
def test_child_counts_if_under_eighteen_when_the_release_comes_near(home, born, alerts):
    home.tell("person-recorded", "2025-01-02T09:00:00", person_id="P-child", date_of_birth=born)
    _planned(home, "2025-02-01T12:00:00")

    assert len(_found(home)) == alerts


def test_released_person_does_not_count_as_the_child(world):
    world.tell("household-joined", "2025-01-01T09:00:00", **FAMILY, person_id="P-man", household_role="child")
    _planned(world, "2025-03-10T12:00:00", release_family_id="F-1")

    assert _found(world) == []


def test_child_that_left_before_does_not_count(home):
    home.tell("household-left", "2025-03-01T09:00:00", **FAMILY, person_id="P-child")
    _planned(home, "2025-03-10T12:00:00")

    assert _found(home) == []


@pytest.mark.parametrize(("left", "alerts"), [("2025-03-06T00:00:00", 0), ("2025-03-06T00:00:01", 1)])
def test_child_that_leaves_when_the_release_comes_near(home, left, alerts):
    _planned(home, "2025-02-01T12:00:00")
    home.tell("household-left", left, **FAMILY, person_id="P-child")

    assert len(_found(home)) == alerts


def test_child_or_address_that_comes_after_the_plan_raises_it_then(world):
    plan = _planned(world, "2025-03-10T12:00:00")
    world.tell("address-changed", "2025-03-11T10:00:00", **FAMILY, **HOME)
    before = _found(world)
    world.tell("household-joined", "2025-03-12T09:00:00", **FAMILY, person_id="P-child", household_role="child")

    (alert,) = world.alerts("custody_release_due", "2025-03-15T12:00:00")
    assert before == []
    assert (alert["anchor_id"], alert["anchored_at"].isoformat()) == (plan.id, "2025-03-12T09:00:00")


def test_every_family_at_the_address_has_an_alert(home):
    home.tell("household-joined", "2025-01-01T09:00:00", family_id="F-2", person_id="P-two", household_role="child")
    home.tell("address-changed", "2025-01-01T10:00:00", family_id="F-2", **HOME)
    plan = _planned(home, "2025-03-10T12:00:00")

    assert sorted(_found(home)) == [(family, plan.id, "amber", "open") for family in ("F-1", "F-2")]


def test_family_that_moves_away_clears_it(home):
    plan = _planned(home, "2025-03-10T12:00:00")
    home.tell("address-changed", "2025-03-12T10:00:00", **FAMILY, address_id="A-2")

    assert _found(home, "2025-03-18T00:00:00") == [("F-1", plan.id, "amber", "cleared")]


def test_family_that_moved_away_before_is_not_concerned(home):
    _planned(home, "2025-02-01T12:00:00")
    home.tell("address-changed", "2025-03-01T10:00:00", **FAMILY, address_id="A-2")

    assert _found(home) == []


def test_another_plan_replaces_the_first(home):
    first = _planned(home, "2025-03-07T12:00:00")
    second = _planned(home, "2025-03-10T12:00:00", "2025-03-16")

    assert _found(home) == [("F-1", first.id, "amber", "cleared"), ("F-1", second.id, "red", "open")]


@pytest.mark.parametrize(
    ("release_on", "expected"), [("2025-03-17", [("red", "open")]), ("2025-04-20", []), ("2025-03-09", [])]
)
def test_corrected_day_of_release_counts(home, release_on, expected):
    plan = _planned(home, "2025-03-10T12:00:00")
    home.correct(plan, "2025-03-11T12:00:00", release_on=release_on)

    assert [found[2:] for found in _found(home)] == expected


def test_withdrawn_plan_withdraws_the_alert(home):
    plan = _planned(home, "2025-03-10T12:00:00")
    home.withdraw(plan, "2025-03-11T12:00:00")

    assert _found(home) == []
    assert _deadlines(home, "2025-03-12T00:00:00") == []


def test_late_and_repeated_plan_is_one_alert(home):
    plan = _planned(home, "2025-03-10T12:00:00", received="2025-03-14T12:00:00", **HOME)
    home.repeat(plan, "2025-03-14T13:00:00")

    assert _found(home) == [("F-1", plan.id, "amber", "open")]


def test_linked_identities_are_one_person(home):
    """A plan under another identifier of the same person replaces the first plan."""
    first = _planned(home, "2025-03-07T12:00:00")
    second = _planned(home, "2025-03-08T12:00:00", person_id="P-other", **HOME)
    apart = _found(home)
    home.tell(
        "persons-linked", "2025-03-09T09:00:00", person_id="P-man", linked_person_id="P-other", link_basis="same_number"
    )

    assert apart == [("F-1", first.id, "amber", "open"), ("F-1", second.id, "amber", "open")]
    assert _found(home) == [("F-1", first.id, "amber", "cleared"), ("F-1", second.id, "amber", "open")]


def test_family_without_history_raises_nothing(world):
    _planned(world, "2025-03-10T12:00:00", release_family_id="F-9")

    assert _found(world) == []
