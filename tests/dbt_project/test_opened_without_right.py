"""The rule `opened_without_right`: a desk of other areas opened a family in an emergency."""

import pytest

from streams.contracts.codesets import EmergencyReason


def _opened(world, at, reason="covering_desk", worker="ann", **options):
    family = options.pop("family", "F-1")
    return world.tell("opened-in-emergency", at, family_id=family, worker_id=worker, emergency_reason=reason, **options)


def test_each_opening_has_an_alert_that_nothing_clears(world):
    """The second opening of the same family by the same account is an alert of its own."""
    first = _opened(world, "2025-03-01T02:00:00")
    second = _opened(world, "2025-03-01T02:30:00")
    world.tell("family-seen", "2025-03-02T09:00:00", family_id="F-1")

    alerts = world.alerts("opened_without_right")

    assert {alert["anchor_id"] for alert in alerts} == {first.id, second.id}
    assert {(alert["severity"], alert["status"], alert["cleared_at"]) for alert in alerts} == {("amber", "open", None)}
    assert [[evidence["id"] for evidence in alert["evidence"]] for alert in alerts] == [
        [alert["anchor_id"]] for alert in alerts
    ]


@pytest.mark.parametrize("reason", EmergencyReason)
def test_sentence_names_the_account_and_the_reason_in_the_words_of_the_contract(world, reason):
    _opened(world, "2025-03-01T02:00:00", str(reason), worker="ann.lee-x.example")

    (alert,) = world.alerts("opened_without_right")

    assert alert["reason"] == (
        "The account ann.lee-x.example opened family F-1 in an emergency, without a right to see it. The reason given: "
        f"{reason.meaning}."
    )


def test_opening_of_one_family_is_no_alert_of_another(world):
    _opened(world, "2025-03-01T02:00:00", family="F-2")
    world.tell("family-seen", "2025-03-02T09:00:00", family_id="F-1")

    assert [alert["family_id"] for alert in world.alerts("opened_without_right")] == ["F-2"]
