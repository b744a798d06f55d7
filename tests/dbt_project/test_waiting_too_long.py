"""
The rule `waiting_too_long`: from a service request to the first answer, within the target for the kind of service.
"""

import pytest

from streams.contracts.codesets import ServiceKind


def _requested(world, at, kind="youth", request="Q-1", **options):
    family = options.pop("family", "F-1")
    return world.tell(
        "service-requested",
        at,
        service_request_id=request,
        family_id=family,
        service_id=f"partner-{kind}",
        service_kind=kind,
        **options,
    )


def _answered(world, at, fact="service-started", request="Q-1", **options):
    family = options.pop("family", "F-1")
    reason = {} if fact == "service-started" else {"end_reason": "other"}
    return world.tell(fact, at, service_request_id=request, family_id=family, **reason, **options)


def _found(world, as_of="2026-01-01T00:00:00"):
    return [(alert["anchor_id"], alert["status"]) for alert in world.alerts("waiting_too_long", as_of)]


@pytest.mark.parametrize(("as_of", "alerts"), [("2025-03-31T09:00:00", 0), ("2025-03-31T09:00:00.000001", 1)])
def test_too_long_is_after_the_target(world, as_of, alerts):
    _requested(world, "2025-03-03T09:00:00")

    assert len(_found(world, as_of)) == alerts


def test_alert_is_amber_and_about_the_family(world):
    requested = _requested(world, "2025-03-03T09:00:00")

    (alert,) = world.alerts("waiting_too_long")

    assert (alert["severity"], alert["status"], alert["entity_id"]) == ("amber", "open", "F-1")
    assert (alert["anchor_id"], alert["anchored_at"]) == (requested.id, alert["deadline"])
    assert alert["deadline"].isoformat() == "2025-03-31T09:00:00"
    assert [evidence["id"] for evidence in alert["evidence"]] == [requested.id]
    assert alert["reason"] == (
        "A service requested for family F-1 (Q-1) was not started, declined or cancelled within 28 days."
    )


@pytest.mark.parametrize("kind", list(ServiceKind))
def test_every_kind_of_service_has_a_target(world, kind):
    _requested(world, "2025-03-03T09:00:00", kind.value)

    (row,) = world.rows(f"""
        select waits.target_days, profiles.waiting_days_{kind.value} as expected
        from marts.intermediate.int_service_waits as waits
        inner join marts.staging.stg_practice_profiles as profiles using (profile_id)
    """)

    assert row["target_days"] == row["expected"] > 0
    assert len(_found(world)) == 1


@pytest.mark.parametrize("fact", ["service-started", "service-declined", "service-cancelled"])
@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        ("2025-03-02T09:00:00", []),
        ("2025-03-31T09:00:00", []),
        ("2025-03-31T09:00:01", ["cleared"]),
    ],
)
def test_answer_stops_the_wait(world, fact, answered, expected):
    _requested(world, "2025-03-03T09:00:00")
    _answered(world, answered, fact)

    assert [status for _, status in _found(world)] == expected


def test_late_answer_is_evidence(world):
    requested = _requested(world, "2025-03-03T09:00:00")
    started = _answered(world, "2025-04-03T09:00:00")
    _answered(world, "2025-04-04T09:00:00", "service-cancelled")

    (alert,) = world.alerts("waiting_too_long")

    assert [evidence["id"] for evidence in alert["evidence"]] == [requested.id, started.id]
    assert alert["cleared_at"].isoformat() == "2025-04-03T09:00:00"


def test_end_alone_is_no_answer(world):
    requested = _requested(world, "2025-03-03T09:00:00")
    _answered(world, "2025-03-10T09:00:00", "service-ended")

    assert _found(world) == [(requested.id, "open")]


def test_days_are_of_24_hours_over_a_clock_change(world):
    """The clocks go forward on 30 March 2025, within the waiting time."""
    _requested(world, "2025-03-28T12:00:00")

    assert [alert["deadline"].isoformat() for alert in world.alerts("waiting_too_long")] == ["2025-04-25T12:00:00"]


def test_requested_again_is_one_wait(world):
    first = _requested(world, "2025-03-03T09:00:00")
    _requested(world, "2025-03-20T09:00:00")

    assert _found(world) == [(first.id, "open")]


def test_each_request_is_an_alert_of_its_own(world):
    first = _requested(world, "2025-03-03T09:00:00")
    second = _requested(world, "2025-03-04T09:00:00", request="Q-2")
    _answered(world, "2025-06-04T09:00:00", request="Q-2")

    assert _found(world) == [(first.id, "open"), (second.id, "cleared")]


def test_other_requests_and_families_do_not_count(world):
    requested = _requested(world, "2025-03-03T09:00:00")
    _answered(world, "2025-03-04T09:00:00", request="Q-2")
    _answered(world, "2025-03-04T09:00:00", family="F-2")

    assert _found(world) == [(requested.id, "open")]


def test_family_without_a_request_raises_nothing(world):
    _answered(world, "2025-03-04T09:00:00")

    assert _found(world) == []


def test_answer_that_arrives_late_withdraws_the_alert(world):
    _requested(world, "2025-03-03T09:00:00")
    _answered(world, "2025-03-10T09:00:00", received="2025-05-09T12:00:00")

    assert _found(world) == []


def test_duplicate_changes_nothing(world):
    requested = _requested(world, "2025-03-03T09:00:00")
    world.repeat(requested, "2025-03-04T09:00:00")

    assert _found(world) == [(requested.id, "open")]


def test_corrected_kind_moves_the_target(world):
    requested = _requested(world, "2025-03-03T09:00:00")
    world.correct(requested, "2025-03-04T09:00:00", service_kind="camhs")

    assert [alert["deadline"].isoformat() for alert in world.alerts("waiting_too_long")] == ["2025-07-07T09:00:00"]


def test_withdrawn_request_withdraws_the_alert(world):
    requested = _requested(world, "2025-03-03T09:00:00")
    world.withdraw(requested, "2025-05-04T09:00:00")

    assert _found(world) == []


def test_linked_identifiers_do_not_change_the_alert(world):
    """The alert is about a family, so a link between two persons does not change the alert."""
    _requested(world, "2025-03-03T09:00:00")
    before = world.alerts("waiting_too_long")
    world.tell(
        "persons-linked", "2025-03-04T09:00:00", person_id="P-1", linked_person_id="P-2", link_basis="same_number"
    )

    assert world.alerts("waiting_too_long") == before
    assert len(before) == 1


def test_deadline_still_to_come_is_listed_until_the_answer(world):
    query = "select due_at::varchar as due_at from marts.intermediate.int_waiting_too_long_deadlines"
    _requested(world, "2025-03-03T09:00:00")
    before = world.rows(query, "2025-03-31T09:00:00")
    after = world.rows(query, "2025-03-31T09:00:00.000001")
    _answered(world, "2025-03-04T09:00:00")

    assert [row["due_at"] for row in before] == ["2025-03-31 09:00:00"]
    assert after == []
    assert world.rows(query, "2025-03-05T09:00:00") == []
