"""The rule `no_basis_to_share`: information was shared without a basis, or on a consent that was not in force."""

import pytest


def _shared(world, at, basis="consent", **options):
    family = options.pop("family", "F-1")
    return world.tell(
        "information-shared",
        at,
        sharing_id="S-1",
        family_id=family,
        agency_id="housing",
        information_kinds=["level_of_need"],
        sharing_purpose="early_help",
        sharing_basis=basis,
        **options,
    )


def _said(world, at, fact="consent-given", scope="share_information", **options):
    family = options.pop("family", "F-1")
    return world.tell(fact, at, family_id=family, consent_scope=scope, **options)


def _anchors(world):
    return [alert["anchor_id"] for alert in world.alerts("no_basis_to_share")]


def test_no_basis_is_amber_and_nothing_clears_it(world):
    _said(world, "2025-03-01T09:00:00")
    shared = _shared(world, "2025-03-03T09:00:00", "none")
    _said(world, "2025-03-04T09:00:00")

    (alert,) = world.alerts("no_basis_to_share")

    assert (alert["severity"], alert["status"], alert["entity_id"]) == ("amber", "open", "F-1")
    assert (alert["anchor_id"], alert["cleared_at"], alert["deadline"]) == (shared.id, None, None)
    assert [evidence["id"] for evidence in alert["evidence"]] == [shared.id]
    assert alert["reason"] == "Information about family F-1 was shared (S-1) and no basis for it was recorded."


@pytest.mark.parametrize("basis", ["public_task", "legal_obligation", "vital_interests"])
def test_other_bases_need_no_consent(world, basis):
    _said(world, "2025-03-01T09:00:00", "consent-refused")
    _shared(world, "2025-03-03T09:00:00", basis)

    assert _anchors(world) == []


@pytest.mark.parametrize(
    ("facts", "alerts"),
    [
        ([], 1),
        (["consent-given"], 0),
        (["consent-refused"], 1),
        (["consent-withdrawn"], 1),
        (["consent-given", "consent-withdrawn"], 1),
        (["consent-given", "consent-refused"], 1),
        (["consent-refused", "consent-given"], 0),
        (["consent-withdrawn", "consent-given"], 0),
    ],
)
def test_latest_answer_of_the_family_counts(world, facts, alerts):
    for day, fact in enumerate(facts, start=1):
        _said(world, f"2025-03-0{day}T09:00:00", fact)
    _shared(world, "2025-03-05T09:00:00")

    assert len(_anchors(world)) == alerts


@pytest.mark.parametrize(("withdrawn", "alerts"), [("2025-03-05T08:59:59", 1), ("2025-03-05T09:00:01", 0)])
def test_consent_counts_at_the_time_of_sharing(world, withdrawn, alerts):
    _said(world, "2025-03-01T09:00:00")
    _said(world, withdrawn, "consent-withdrawn")
    _shared(world, "2025-03-05T09:00:00")

    assert len(_anchors(world)) == alerts


@pytest.mark.parametrize(("event_id", "alerts"), [("a", 0), ("z", 1)])
def test_same_moment_is_ordered_by_id(world, event_id, alerts):
    _said(world, "2025-03-05T09:00:00", event_id=event_id)
    _shared(world, "2025-03-05T09:00:00", event_id="m")

    assert len(_anchors(world)) == alerts


def test_answer_that_was_not_a_consent_is_evidence(world):
    _said(world, "2025-03-01T09:00:00")
    withdrawn = _said(world, "2025-03-02T09:00:00", "consent-withdrawn")
    shared = _shared(world, "2025-03-03T09:00:00")

    (alert,) = world.alerts("no_basis_to_share")

    assert [evidence["id"] for evidence in alert["evidence"]] == [withdrawn.id, shared.id]
    assert alert["reason"] == (
        "Information about family F-1 was shared (S-1) on the basis of a consent that the family had refused or "
        "withdrawn."
    )


def test_consent_that_was_never_given(world):
    shared = _shared(world, "2025-03-03T09:00:00")

    (alert,) = world.alerts("no_basis_to_share")

    assert [evidence["id"] for evidence in alert["evidence"]] == [shared.id]
    assert alert["reason"].endswith("on the basis of a consent that the family had not given.")


@pytest.mark.parametrize("fact", ["consent-withdrawn", "consent-refused"])
def test_answer_on_help_does_not_end_a_consent_to_share(world, fact):
    _said(world, "2025-03-01T09:00:00")
    _said(world, "2025-03-02T09:00:00", fact, "receive_help")
    _shared(world, "2025-03-03T09:00:00")

    assert _anchors(world) == []


def test_consent_to_receive_help_is_not_consent_to_share(world):
    _said(world, "2025-03-01T09:00:00", scope="receive_help")
    shared = _shared(world, "2025-03-03T09:00:00")

    assert _anchors(world) == [shared.id]


def test_answer_on_a_referral_is_no_consent_to_share(world):
    world.tell(
        "referral-submitted",
        "2025-03-01T09:00:00",
        referral_id="R-1",
        family_id="F-1",
        source_code="2A",
        severity="amber",
        consent="given",
    )
    shared = _shared(world, "2025-03-03T09:00:00")

    assert _anchors(world) == [shared.id]


def test_each_sharing_is_an_alert(world):
    told = [_shared(world, "2025-03-03T09:00:00"), _shared(world, "2025-03-04T09:00:00", "none")]

    assert _anchors(world) == [event.id for event in told]


def test_other_families_consent_does_not_count(world):
    _said(world, "2025-03-01T09:00:00", family="F-2")
    shared = _shared(world, "2025-03-03T09:00:00")

    assert _anchors(world) == [shared.id]


def test_family_that_shared_nothing_raises_nothing(world):
    _said(world, "2025-03-01T09:00:00", "consent-refused")

    assert _anchors(world) == []


def test_consent_that_arrives_late_withdraws_the_alert(world):
    _shared(world, "2025-03-03T09:00:00")
    _said(world, "2025-03-01T09:00:00", received="2025-04-01T09:00:00")

    assert _anchors(world) == []


def test_withdrawal_that_arrives_late_raises_it(world):
    _said(world, "2025-03-01T09:00:00")
    shared = _shared(world, "2025-03-03T09:00:00")
    _said(world, "2025-03-02T09:00:00", "consent-withdrawn", received="2025-04-01T09:00:00")

    assert _anchors(world) == [shared.id]


def test_duplicate_changes_nothing(world):
    shared = _shared(world, "2025-03-03T09:00:00", "none")
    world.repeat(shared, "2025-03-04T09:00:00")

    assert _anchors(world) == [shared.id]


def test_corrected_basis_withdraws_the_alert(world):
    shared = _shared(world, "2025-03-03T09:00:00", "none")
    world.correct(shared, "2025-03-04T09:00:00", sharing_basis="public_task")

    assert _anchors(world) == []


def test_consent_recorded_in_error_raises_it(world):
    given = _said(world, "2025-03-01T09:00:00")
    shared = _shared(world, "2025-03-03T09:00:00")
    world.withdraw(given, "2025-03-04T09:00:00")

    assert _anchors(world) == [shared.id]


def test_linked_identifiers_do_not_change_the_alert(world):
    """The alert is about a family, so a link between two persons does not change the alert."""
    _shared(world, "2025-03-03T09:00:00", "none")
    before = world.alerts("no_basis_to_share")
    world.tell(
        "persons-linked", "2025-03-04T09:00:00", person_id="P-1", linked_person_id="P-2", link_basis="same_number"
    )

    assert world.alerts("no_basis_to_share") == before
    assert len(before) == 1
