"""What the sharing policy lets partners learn about an alert."""

from datetime import UTC, datetime

import msgspec
import pytest

from streams.alerts.routing.routes import read_routes
from streams.contracts.outputs import Alert, Evidence, PartnerNotice, Recipient
from streams.errors import PolicyInvalid
from streams.rules.register import rule_names
from streams.tell.partners.policy import POLICY_FILE, decision_of, notice_of, read_policy

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
SECRETS = ["W-9", "birkenhead", "e-secret", "the reason", "cases.example", "adult_returns"]


@pytest.fixture(scope="module")
def policy():
    return read_policy()


def alert(rule: str, severity: str, **rest: object) -> Alert:
    """Make an alert that contains everything that a partner must not see."""
    return Alert(
        alert_id="a" * 32,
        version=2,
        rule=rule,
        rule_version=1,
        profile_version="default-1",
        severity=severity,
        status="open",
        entity_kind="child",
        entity_id="P-child",
        family_id="F-1",
        reason="the reason",
        evidence=[Evidence(NOW, "/school", "e-secret", "uk.caf.escalation.escalation-reported.v1")],
        anchor_source="/school",
        anchor_id="e-secret",
        anchored_at=NOW,
        deadline=NOW,
        clears_when="",
        occurred_at=NOW,
        received_at=NOW,
        raised_at=NOW,
        area="birkenhead",
        recipients=[Recipient("lead_professional", "W-9")],
        case_url="https://cases.example/F-1",
        **rest,
    )


def told(policy, one: Alert, *, consent: bool | None = None) -> dict[str, tuple[str, PartnerNotice | None]]:
    """Return the verdict and the notice for each partner."""
    found = {}
    for partner, entry in policy.entries(one).items():
        made = decision_of(one, partner, entry, policy_version=policy.version, consent=consent, now=NOW)
        found[partner] = str(made.verdict), notice_of(made, entry, one)
    return found


def test_alert_that_no_entry_names_is_shared_with_nobody(policy):
    for rule, severity in (("rapid_escalation", "red"), ("encompass_notice", "amber"), ("waiting_too_long", "red")):
        assert told(policy, alert(rule, severity), consent=True) == {}


def test_school_learns_only_the_family_and_the_deadline(policy):
    verdict, notice = told(policy, alert("encompass_notice", "red"))["school"]

    assert verdict == "permit"
    assert msgspec.to_builtins(notice).keys() == {
        "alert_id",
        "version",
        "status",
        "partner",
        "message",
        "sharing_purpose",
        "sharing_basis",
        "policy_version",
        "family_id",
        "deadline",
    }


@pytest.mark.parametrize(
    ("consent", "verdict"), [(True, "permit"), (False, "deny"), (None, "review")], ids=["agrees", "refuses", "unknown"]
)
def test_consent_decides_where_it_is_the_basis(policy, consent, verdict):
    decided, notice = told(policy, alert("waiting_too_long", "amber"), consent=consent)["early_help"]

    assert decided == verdict
    assert (notice is not None) == (verdict == "permit")


def test_nothing_goes_out_before_a_review(policy):
    """The family has consented, but the entry asks for a review, so a person decides."""
    assert told(policy, alert("adult_returns", "red"), consent=True) == {"police": ("review", None)}


@pytest.mark.parametrize("marked", [{"backfill": True}, {"test": True}])
def test_history_and_tests_are_not_shared(policy, marked):
    assert told(policy, alert("encompass_notice", "red", **marked)) == {}


def test_notices_contain_nothing_that_could_lead_to_a_person(policy):
    """No notice of any entry contains a person, worker, place, event or reason."""
    for partner, entries in policy.partners.items():
        for entry in entries:
            for rule in entry.rules:
                one = alert(rule, entry.severities[0])
                given = decision_of(one, partner, entry, policy_version="1", consent=True, now=NOW)
                notice = notice_of(msgspec.structs.replace(given, verdict="permit"), entry, one)
                text = msgspec.json.encode(notice).decode()
                assert [secret for secret in ["P-child", *SECRETS] if secret in text] == []


def test_policy_names_only_rules_that_exist(policy):
    named = {rule for entries in policy.partners.values() for entry in entries for rule in entry.rules}

    assert named <= {*rule_names(), *(route.rule for route in read_routes())}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("fields: [family_id]", "fields: [family_id, evidence]", "evidence"),
        ("basis: consent", "basis: none", "none"),
        ("health:", "press:", "press"),
        ("verdict: permit", "verdict: perhaps", "perhaps"),
        ("severities: [amber]", "severity: [amber]", "severit"),
    ],
)
def test_policy_with_an_unknown_word_is_refused(tmp_path, old, new, says):
    """If any part of a policy is invalid, nothing is shared under the policy."""
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY_FILE.read_text().replace(old, new, 1))

    with pytest.raises(PolicyInvalid, match=says):
        read_policy(path)
