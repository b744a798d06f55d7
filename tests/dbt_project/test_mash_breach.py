"""The rule `mash_breach`: from a MASH decision to an allocation, amber after 54 hours and red after 72 hours."""

import pytest


def _decided(world, at, decision="mash", referral="R-1", **options):
    family = options.pop("family", "F-1")
    return world.tell("referral-decided", at, referral_id=referral, family_id=family, decision=decision, **options)


def _allocated(world, at, referral="R-1", **options):
    family = options.pop("family", "F-1")
    return world.tell(
        "referral-allocated", at, referral_id=referral, family_id=family, service_id="social-care", **options
    )


def _found(world, as_of="2026-01-01T00:00:00"):
    alerts = world.alerts("mash_breach", as_of)
    return [(alert["anchor_id"], alert["severity"], alert["status"]) for alert in alerts]


@pytest.mark.parametrize(
    ("as_of", "severities"),
    [
        ("2025-03-05T15:00:00", []),
        ("2025-03-05T15:00:00.000001", ["amber"]),
        ("2025-03-06T09:00:00", ["amber"]),
        ("2025-03-06T09:00:00.000001", ["red"]),
    ],
)
def test_breach_is_after_the_deadline(world, as_of, severities):
    _decided(world, "2025-03-03T09:00:00")

    assert [alert["severity"] for alert in world.alerts("mash_breach", as_of)] == severities


def test_alert_is_about_the_referral_and_keeps_its_id_as_it_becomes_red(world):
    decided = _decided(world, "2025-03-03T09:00:00")
    (amber,) = world.alerts("mash_breach", "2025-03-05T16:00:00")
    (red,) = world.alerts("mash_breach", "2025-03-07T00:00:00")

    assert (amber["entity_kind"], amber["entity_id"], amber["anchor_id"]) == ("referral", "R-1", decided.id)
    assert amber["alert_id"] == red["alert_id"]
    assert red["anchored_at"].isoformat() == "2025-03-05T15:00:00"
    assert red["deadline"].isoformat() == "2025-03-06T09:00:00"
    assert red["reason"] == (
        "Referral R-1 of family F-1 was not allocated to a service 72 hours after it was sent to the multi-agency "
        "safeguarding hub."
    )


@pytest.mark.parametrize(
    ("allocated", "expected"),
    [
        ("2025-03-03T09:00:00", []),
        ("2025-03-05T15:00:00", []),
        ("2025-03-05T15:00:01", [("amber", "cleared")]),
        ("2025-03-06T09:00:00", [("amber", "cleared")]),
        ("2025-03-06T09:00:01", [("red", "cleared")]),
    ],
)
def test_allocation_stops_the_clock(world, allocated, expected):
    _decided(world, "2025-03-03T09:00:00")
    _allocated(world, allocated)

    assert [(alert["severity"], alert["status"]) for alert in world.alerts("mash_breach")] == expected


def test_late_allocation_is_evidence(world):
    decided = _decided(world, "2025-03-03T09:00:00")
    allocated = _allocated(world, "2025-03-07T09:00:00")

    (alert,) = world.alerts("mash_breach")

    assert [evidence["id"] for evidence in alert["evidence"]] == [decided.id, allocated.id]


@pytest.mark.parametrize("decision", ["signposted", "early_help", "routed_to_open_service", "edt", "no_further_action"])
def test_other_decisions_neither_start_nor_stop_the_clock(world, decision):
    _decided(world, "2025-03-01T09:00:00", decision, "R-2")
    decided = _decided(world, "2025-03-03T09:00:00")
    _decided(world, "2025-03-04T09:00:00", decision)

    assert _found(world) == [(decided.id, "red", "open")]


def test_sent_to_the_hub_again_while_waiting_is_one_wait(world):
    first = _decided(world, "2025-03-03T09:00:00")
    _decided(world, "2025-03-04T09:00:00")
    _allocated(world, "2025-03-06T10:00:00")

    assert _found(world) == [(first.id, "red", "cleared")]


def test_sent_to_the_hub_again_after_an_allocation_is_another_wait(world):
    first = _decided(world, "2025-03-03T09:00:00")
    _allocated(world, "2025-03-05T16:00:00")
    second = _decided(world, "2025-03-08T09:00:00")

    assert _found(world) == [(first.id, "amber", "cleared"), (second.id, "red", "open")]


def test_allocation_before_the_decision_does_not_answer_it(world):
    _allocated(world, "2025-03-02T09:00:00")
    decided = _decided(world, "2025-03-03T09:00:00")

    assert _found(world) == [(decided.id, "red", "open")]


def test_allocation_at_the_same_instant_answers_the_decision(world):
    """The order of the two event ids does not matter."""
    _decided(world, "2025-03-03T09:00:00", event_id="b")
    _allocated(world, "2025-03-03T09:00:00", event_id="a")

    assert _found(world) == []


@pytest.mark.parametrize(
    ("decided", "limit"),
    [("2025-03-28T12:00:00", "2025-03-31T12:00:00"), ("2025-10-24T12:00:00", "2025-10-27T12:00:00")],
)
def test_hours_elapse_over_weekends_and_clock_changes(world, decided, limit):
    _decided(world, decided, authority="E06000019")

    assert [alert["deadline"].isoformat() for alert in world.alerts("mash_breach")] == [limit]


def test_other_referrals_and_families_do_not_count(world):
    decided = _decided(world, "2025-03-03T09:00:00")
    _allocated(world, "2025-03-04T09:00:00", "R-2")
    _allocated(world, "2025-03-04T09:00:00", family="F-2")

    assert _found(world) == [(decided.id, "red", "open")]


def test_family_without_a_decision_raises_nothing(world):
    _allocated(world, "2025-03-04T09:00:00")

    assert _found(world) == []


def test_allocation_that_arrives_late_withdraws_the_alert(world):
    _decided(world, "2025-03-03T09:00:00")
    _allocated(world, "2025-03-04T09:00:00", received="2025-03-09T12:00:00")

    assert _found(world) == []


def test_decision_that_arrives_late_moves_the_anchor(world):
    _decided(world, "2025-03-03T09:00:00")
    late = _decided(world, "2025-03-02T09:00:00", received="2025-03-09T12:00:00")

    assert _found(world) == [(late.id, "red", "open")]


def test_duplicate_changes_nothing(world):
    decided = _decided(world, "2025-03-03T09:00:00")
    world.repeat(decided, "2025-03-04T09:00:00")

    assert _found(world) == [(decided.id, "red", "open")]


def test_corrected_decision_withdraws_the_alert(world):
    decided = _decided(world, "2025-03-03T09:00:00")
    world.correct(decided, "2025-03-10T09:00:00", decision="early_help")

    assert _found(world) == []


def test_withdrawn_allocation_lets_the_clock_run(world):
    decided = _decided(world, "2025-03-03T09:00:00")
    allocated = _allocated(world, "2025-03-04T09:00:00")
    world.withdraw(allocated, "2025-03-10T09:00:00")

    assert _found(world) == [(decided.id, "red", "open")]


def test_linked_identifiers_do_not_change_the_alert(world):
    """The alert is about a referral, so a link between two persons does not change the alert."""
    _decided(world, "2025-03-03T09:00:00")
    before = world.alerts("mash_breach")
    world.tell(
        "persons-linked", "2025-03-04T09:00:00", person_id="P-1", linked_person_id="P-2", link_basis="same_number"
    )

    assert world.alerts("mash_breach") == before
    assert len(before) == 1


def test_deadlines_still_to_come_are_listed_until_the_allocation(world):
    query = "select due_at::varchar as due_at from marts.intermediate.int_mash_breach_deadlines order by due_at"
    _decided(world, "2025-03-03T09:00:00")
    before = world.rows(query, "2025-03-03T10:00:00")
    late = world.rows(query, "2025-03-05T16:00:00")
    _allocated(world, "2025-03-05T17:00:00")

    assert [row["due_at"] for row in before] == ["2025-03-05 15:00:00", "2025-03-06 09:00:00"]
    assert [row["due_at"] for row in late] == ["2025-03-06 09:00:00"]
    assert world.rows(query, "2025-03-05T18:00:00") == []
