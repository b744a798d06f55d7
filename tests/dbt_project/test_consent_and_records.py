"""The rules `consent_not_recorded` and `unreadable_report`: referrals without an answer, and unreadable records."""

import pytest


def _referral(world, at="2025-03-03T09:00:00", **consent):
    return world.tell(
        "referral-submitted",
        at,
        referral_id="R-1",
        family_id="F-1",
        source_code="2A",
        severity="amber",
        **consent,
    )


def _answer(world, at, fact="consent-given", scope="share_information"):
    return world.tell(fact, at, family_id="F-1", consent_scope=scope)


@pytest.mark.parametrize(
    ("consent", "alerts"),
    [
        ({}, 1),
        ({"consent": "not_recorded"}, 1),
        ({"consent": "not_sought"}, 1),
        ({"consent": "not_sought", "consent_reason": "risk_of_harm"}, 0),
        ({"consent": "given"}, 0),
        ({"consent": "refused"}, 0),
    ],
)
def test_unanswered_consent_is_amber(world, consent, alerts):
    _referral(world, **consent)

    found = world.alerts("consent_not_recorded")

    assert [alert["severity"] for alert in found] == ["amber"] * alerts
    assert all((alert["entity_kind"], alert["entity_id"]) == ("referral", "R-1") for alert in found)


@pytest.mark.parametrize(("at", "status"), [("2025-03-03T08:59:59", "open"), ("2025-03-03T09:00:00", "cleared")])
@pytest.mark.parametrize("fact", ["consent-given", "consent-refused"])
def test_answer_at_or_after_the_referral_clears(world, at, status, fact):
    _referral(world)
    _answer(world, at, fact)

    assert [alert["status"] for alert in world.alerts("consent_not_recorded")] == [status]


def test_referral_sent_again_unanswered_is_an_alert_of_its_own(world):
    told = [_referral(world), _referral(world, "2025-03-05T09:00:00")]
    _answer(world, "2025-03-04T09:00:00", scope="receive_help")

    found = world.alerts("consent_not_recorded")

    assert [alert["anchor_id"] for alert in found] == [event.id for event in told]
    assert [alert["status"] for alert in found] == ["cleared", "open"]


def test_withdrawn_consent_is_no_answer(world):
    _referral(world)
    _answer(world, "2025-03-04T09:00:00", "consent-withdrawn")

    assert [alert["status"] for alert in world.alerts("consent_not_recorded")] == ["open"]


def test_withdrawn_answer_opens_the_alert_again(world):
    _referral(world)
    answer = _answer(world, "2025-03-04T09:00:00")
    world.withdraw(answer, "2025-03-05T09:00:00")

    assert [alert["status"] for alert in world.alerts("consent_not_recorded")] == ["open"]


def test_corrected_answer_withdraws_the_alert(world):
    referral = _referral(world)
    world.repeat(referral)
    world.correct(referral, "2025-03-05T09:00:00", consent="given")

    assert world.alerts("consent_not_recorded") == []


@pytest.mark.parametrize(
    ("topic", "alerts"), [("caf.referral.v1", 1), ("caf.escalation.v1", 1), ("caf.case-change.v1", 0)]
)
def test_unreadable_record_may_be_a_child(world, topic, alerts):
    world.garbage(topic, "2025-03-03T09:00:00")

    found = world.alerts("unreadable_report")

    assert [(alert["severity"], alert["status"], alert["family_id"]) for alert in found] == [
        ("red", "open", None)
    ] * alerts
    assert all(alert["entity_id"] == f"{topic}/0/0" and alert["evidence"] == [] for alert in found)


def test_batch_is_not_an_unreadable_record(world):
    """The events of a CloudEvents batch are accepted one by one. The text `[` alone is not a batch."""
    world.garbage("caf.referral.v1", "2025-03-03T09:00:00", b'[{"specversion": "1.0"}]')
    assert world.alerts("unreadable_report") == []
    world.garbage("caf.referral.v1", "2025-03-03T09:00:00", b"[")

    assert len(world.alerts("unreadable_report")) == 1


def test_record_sent_again_and_read_clears(world):
    world.garbage("caf.referral.v1", "2025-03-03T09:00:00")
    data = {"contact_id": "C-1", "family_id": "F-1", "source_code": "2A"}
    world.replayed("contact-recorded", "2025-03-04T09:00:00", "caf.referral.v1/0/0", **data)

    (alert,) = world.alerts("unreadable_report")

    assert (alert["status"], alert["cleared_at"].isoformat()) == ("cleared", "2025-03-04T09:00:00")


def test_record_beyond_the_snapshot_is_not_read(world):
    _referral(world)
    world.tell("level-changed", "2025-03-05T09:00:00", family_id="F-1", level=1, level_reason="other")
    world.correct(_referral(world, "2025-03-06T09:00:00", event_id="later"), "2025-03-07T09:00:00", consent="given")

    assert len(world.alerts("consent_not_recorded", next_offset=1)) == 1
    assert world.alerts("consent_not_recorded", next_offset=0) == []
