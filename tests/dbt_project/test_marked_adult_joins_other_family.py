"""The rule `marked_adult_joins_other_family`: which families count as other, one alert per stay, and what clears it."""

import pytest

FAMILY = {"family_id": "F-1"}
RULE = "marked_adult_joins_other_family"


@pytest.fixture
def home(world):
    """A family with a child of eight, and a man with a marker that names another family."""
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
        "marker_families": ["F-9"],
    }
    return marker | changes


def _joins(world, at="2025-03-01T10:00:00", person="P-man", family="F-1", **options):
    return world.tell("household-joined", at, family_id=family, person_id=person, household_role="partner", **options)


def _leaves(world, at, person="P-man", **options):
    return world.tell("household-left", at, **FAMILY, person_id=person, **options)


def _reported(world, at, persons):
    return world.tell(
        "escalation-reported",
        at,
        **FAMILY,
        escalation_id="X-1",
        escalation_kind="abusive_adult_returned",
        severity="red",
        source_code="2A",
        person_ids=persons,
    )


def _anchors(world):
    return [alert["anchor_id"] for alert in world.alerts(RULE)]


def test_marked_person_who_joins_another_family_raises_red(home):
    joined = _joins(home)

    (alert,) = home.alerts(RULE)

    assert (alert["severity"], alert["status"], alert["family_id"]) == ("red", "open", "F-1")
    assert alert["anchor_id"] == joined.id
    assert [evidence["id"] for evidence in alert["evidence"]] == [home.marker.id, joined.id]
    assert alert["reason"] == (
        "A person with a risk marker that does not name the family joined the household of family F-1, where a child "
        "lives."
    )
    assert home.alerts("adult_returns") == []


@pytest.mark.parametrize(
    ("families", "other"), [(["F-9"], True), ([], True), (["F-1"], False), (["F-1", "F-9"], False)]
)
def test_one_of_the_two_rules_fires_by_what_the_marker_names(home, families, other):
    """If the marker names no family and the man never lived in this family, it counts as another family."""
    home.correct(home.marker, "2025-02-02T09:00:00", marker_families=families)
    joined = _joins(home)

    assert _anchors(home) == [joined.id] * other
    assert [alert["anchor_id"] for alert in home.alerts("adult_returns")] == [joined.id] * (not other)


def test_marker_that_names_no_family_concerns_one_where_the_person_lived(home):
    """
    The first time, the family is another family for the person. The second time, the person returns to the family.
    """
    home.correct(home.marker, "2025-02-02T09:00:00", marker_families=[])
    first = _joins(home)
    _leaves(home, "2025-04-01T10:00:00")
    second = _joins(home, "2025-05-01T10:00:00")

    assert _anchors(home) == [first.id]
    assert [alert["anchor_id"] for alert in home.alerts("adult_returns")] == [second.id]


def test_one_marker_that_names_the_family_is_enough_for_a_return(home):
    home.tell("risk-marker-set", "2025-02-03T09:00:00", **_marker(marker_id="M-2", marker_families=["F-1"]))
    _joins(home)

    assert _anchors(home) == []
    assert len(home.alerts("adult_returns")) == 1


@pytest.mark.parametrize(("expires", "other"), [("2025-03-01T10:00:00Z", False), ("2025-03-01T09:59:59Z", True)])
def test_expired_marker_that_names_the_family_does_not_make_a_return(home, expires, other):
    naming = _marker(marker_id="M-2", marker_families=["F-1"], expires_at=expires)
    home.tell("risk-marker-set", "2025-02-03T09:00:00", **naming)
    joined = _joins(home)

    assert _anchors(home) == [joined.id] * other


def test_victim_marker_raises_nothing(home):
    home.correct(home.marker, "2025-02-02T09:00:00", marker_role="victim")
    _joins(home)

    assert _anchors(home) == []


def test_family_without_child_raises_nothing(home):
    _joins(home, family="F-2")

    assert _anchors(home) == []


@pytest.mark.parametrize(("at", "alerts"), [("2035-02-28T23:59:59", 1), ("2035-03-01T00:00:00", 0)])
def test_child_is_under_eighteen_on_the_london_day(home, at, alerts):
    _joins(home, at)

    assert len(home.alerts(RULE, "2036-01-01T00:00:00")) == alerts


@pytest.mark.parametrize(("expires", "alerts"), [("2025-03-01T10:00:00Z", 1), ("2025-03-01T09:59:59Z", 0)])
def test_marker_stands_until_its_expiry_has_passed(home, expires, alerts):
    home.correct(home.marker, "2025-02-02T09:00:00", expires_at=expires)
    _joins(home)

    assert len(_anchors(home)) == alerts


def test_person_marked_while_present_raises_on_the_marking(world):
    world.tell("household-joined", "2025-01-01T09:00:00", **FAMILY, person_id="P-child", household_role="child")
    joined = _joins(world, "2025-01-15T10:00:00")
    marked = world.tell("risk-marker-set", "2025-02-01T09:00:00", **_marker())

    (alert,) = world.alerts(RULE)

    assert alert["anchor_id"] == marked.id
    assert [evidence["id"] for evidence in alert["evidence"]] == [joined.id, marked.id]


def test_coming_to_live_at_the_address_raises(home):
    home.tell("address-changed", "2025-02-10T09:00:00", **FAMILY, address_id="U-1")
    moved = home.tell("address-changed", "2025-03-01T09:00:00", person_id="P-man", address_id="U-1")

    assert _anchors(home) == [moved.id]


@pytest.mark.parametrize(("persons", "alerts"), [(["P-man"], 1), (["P-child"], 0), ([], 0)])
def test_report_counts_for_the_persons_it_names(home, persons, alerts):
    _reported(home, "2025-03-01T09:00:00", persons)

    assert len(_anchors(home)) == alerts


def test_once_per_stay(home):
    first = _joins(home)
    _reported(home, "2025-03-02T09:00:00", ["P-man"])
    _joins(home, "2025-03-03T09:00:00")
    _leaves(home, "2025-04-01T09:00:00")
    second = _joins(home, "2025-05-01T09:00:00")

    assert _anchors(home) == [first.id, second.id]


def test_leaving_clears(home):
    _joins(home)
    _leaves(home, "2025-04-01T09:00:00")

    assert [alert["status"] for alert in home.alerts(RULE)] == ["cleared"]


def test_clearing_the_last_marker_clears(home):
    _joins(home)
    home.tell(
        "risk-marker-cleared",
        "2025-04-01T09:00:00",
        marker_id="M-1",
        person_id="P-man",
        clearing_reason="no_longer_a_risk",
    )

    assert [alert["status"] for alert in home.alerts(RULE)] == ["cleared"]


def test_marker_that_comes_to_name_the_family_is_a_return_and_clears_nothing(home):
    """The person is still in the family and the first marker is in force, so the danger is not over."""
    _joins(home)
    marked = home.tell("risk-marker-set", "2025-04-01T09:00:00", **_marker(marker_id="M-2", marker_families=["F-1"]))

    assert [alert["status"] for alert in home.alerts(RULE)] == ["open"]
    assert [alert["anchor_id"] for alert in home.alerts("adult_returns")] == [marked.id]


def test_marker_set_again_for_the_family_belongs_to_the_other_rule(home):
    """The same marker now names the family, so no marker is left that names only other families."""
    _joins(home)
    marked = home.tell("risk-marker-set", "2025-04-01T09:00:00", **_marker(marker_families=["F-1"]))

    assert [alert["status"] for alert in home.alerts(RULE)] == ["cleared"]
    assert [alert["anchor_id"] for alert in home.alerts("adult_returns")] == [marked.id]


@pytest.mark.parametrize(
    ("as_of", "status"), [("2025-06-01T10:00:00", "open"), ("2025-06-01T10:00:00.000001", "cleared")]
)
def test_expiry_clears_once_it_has_passed(home, as_of, status):
    home.correct(home.marker, "2025-02-02T09:00:00", expires_at="2025-06-01T10:00:00Z")
    _joins(home)

    assert [alert["status"] for alert in home.alerts(RULE, as_of)] == [status]


@pytest.mark.parametrize(("as_of", "deadlines"), [("2025-06-01T10:00:00", 1), ("2025-06-01T10:00:01", 0)])
@pytest.mark.parametrize("comes", [_joins, lambda world: _reported(world, "2025-03-01T09:00:00", ["P-man"])])
def test_expiry_of_the_marker_is_a_deadline(home, comes, as_of, deadlines):
    """The deadline also exists for a person who was reported back but is not recorded as living with the family."""
    home.correct(home.marker, "2025-02-02T09:00:00", expires_at="2025-06-01T10:00:00Z")
    comes(home)

    rows = home.rows(f"select * from marts.intermediate.int_{RULE}_deadlines", as_of)

    assert [row["family_id"] for row in rows] == ["F-1"] * deadlines


def test_linked_identity_is_the_same_person(home):
    home.tell(
        "persons-linked", "2025-02-15T09:00:00", person_id="P-man", linked_person_id="P-other", link_basis="same_number"
    )
    joined = _joins(home, person="P-other")

    assert _anchors(home) == [joined.id]


def test_late_link_raises_the_alert_and_its_withdrawal_withdraws_it(home):
    joined = _joins(home, person="P-other")
    before = _anchors(home)
    link = home.tell(
        "persons-linked", "2025-04-15T09:00:00", person_id="P-man", linked_person_id="P-other", link_basis="same_number"
    )
    linked = _anchors(home)
    home.withdraw(link, "2025-05-15T09:00:00")

    assert (before, linked, _anchors(home)) == ([], [joined.id], [])


def test_person_without_history_raises_nothing(home):
    _joins(home, person="P-stranger")

    assert _anchors(home) == []


def test_late_marker_raises_on_the_joining(world):
    world.tell("household-joined", "2025-01-01T09:00:00", **FAMILY, person_id="P-child", household_role="child")
    joined = _joins(world)
    world.tell("risk-marker-set", "2025-02-01T09:00:00", received="2025-04-01T09:00:00", **_marker())

    assert _anchors(world) == [joined.id]


def test_duplicate_changes_nothing(home):
    joined = _joins(home)
    home.repeat(joined, "2025-03-02T10:00:00")
    home.repeat(home.marker, "2025-03-03T10:00:00")

    assert _anchors(home) == [joined.id]


def test_correction_to_another_person_withdraws_the_alert(home):
    joined = _joins(home)
    home.correct(joined, "2025-03-02T10:00:00", person_id="P-stranger")

    assert _anchors(home) == []


def test_withdrawn_joining_withdraws_the_alert(home):
    joined = _joins(home)
    home.withdraw(joined, "2025-03-02T10:00:00")

    assert _anchors(home) == []


def test_one_event_may_raise_both_rules(home):
    """
    Two persons are reported back. The marker of one person names the family, and the other person's marker does not.
    """
    home.tell("risk-marker-set", "2025-02-03T09:00:00", **_marker(person_id="P-two", marker_families=["F-1"]))
    reported = _reported(home, "2025-03-01T09:00:00", ["P-man", "P-two"])

    assert _anchors(home) == [reported.id]
    assert [alert["anchor_id"] for alert in home.alerts("adult_returns")] == [reported.id]
