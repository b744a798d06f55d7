"""The sharing policy: which kinds of partners may be told about which alerts, and which details they may be told."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml
from msgspec import Meta

from streams import names
from streams.contracts.codesets import Severity, SharingBasis, SharingPurpose, SharingVerdict
from streams.contracts.outputs import Alert, PartnerNotice, SharingDecision
from streams.errors import PolicyInvalid

__all__ = ["POLICY_FILE", "Entry", "Policy", "decision_of", "notice_of", "read_policy"]

POLICY_FILE = Path(__file__).with_name("policy.yaml")


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one kind of partner may be told about some alerts. Only the fields that are listed in `fields` are sent."""

    rules: Annotated[list[str], Meta(min_length=1)]
    severities: Annotated[list[Severity], Meta(min_length=1)]
    verdict: SharingVerdict
    purpose: SharingPurpose
    basis: Literal["consent", "public_task", "legal_obligation", "vital_interests"]
    fields: list[Literal["family_id", "severity", "anchored_at", "deadline"]]
    message: Annotated[str, Meta(min_length=1)]

    @property
    def needs_consent(self) -> bool:
        """Return True if the entry permits sharing only while the family agrees to sharing."""
        return self.verdict == SharingVerdict.PERMIT and self.basis == SharingBasis.CONSENT.value


class Policy(msgspec.Struct, frozen=True):
    """
    One version of the policy: for each kind of partner, a list of entries. The first entry that matches an alert
    decides.
    """

    version: str
    partners: dict[str, list[Entry]]

    def entries(self, alert: Alert) -> dict[str, Entry]:
        """
        Return, for each partner, the entry that decides. A partner without a matching entry is left out and is told
        nothing.

        No partner is told about test alerts or about alerts from history.
        """
        if alert.test or alert.backfill:
            return {}
        fitting = {
            partner: next((e for e in entries if alert.rule in e.rules and alert.severity in e.severities), None)
            for partner, entries in self.partners.items()
        }
        return {partner: entry for partner, entry in fitting.items() if entry is not None}


def read_policy(path: Path = POLICY_FILE) -> Policy:
    """
    Read and check the policy.

    Raises:
        PolicyInvalid: the policy names a partner that does not exist, or contains a word that is not allowed. Nothing
            is shared with an invalid policy.
    """
    try:
        partners = yaml.safe_load(path.read_text())
        version = partners.pop("version")
        policy = msgspec.convert({"version": version, "partners": partners}, Policy)
    except (msgspec.ValidationError, yaml.YAMLError, AttributeError, KeyError) as error:
        raise PolicyInvalid(f"the sharing policy cannot be read: {error}") from None
    if unknown := sorted(policy.partners.keys() - set(names.PARTNERS)):
        raise PolicyInvalid(f"the sharing policy names partners {unknown}; allowed: {', '.join(names.PARTNERS)}")
    return policy


def decision_of(
    alert: Alert, partner: str, entry: Entry, *, policy_version: str, consent: bool | None, now: datetime
) -> SharingDecision:
    """
    Decide whether a version of an alert is shared with a partner. The given entry of the policy decides.

    Args:
        consent: whether the family agrees to sharing. None means that the family's answer is not known. Then a person
            must decide.
    """
    verdict, reason = entry.verdict, "policy"
    if entry.needs_consent:
        verdict, reason = {
            True: (SharingVerdict.PERMIT, "consent_in_force"),
            False: (SharingVerdict.DENY, "consent_not_in_force"),
            None: (SharingVerdict.REVIEW, "consent_not_known"),
        }[consent]
    return SharingDecision(
        alert_id=alert.alert_id,
        version=alert.version,
        rule=alert.rule,
        family_id=alert.family_id,
        partner=partner,
        verdict=verdict,
        verdict_reason=reason,
        sharing_purpose=entry.purpose,
        sharing_basis=SharingBasis(entry.basis),
        policy_version=policy_version,
        decided_at=now,
    )


def notice_of(decision: SharingDecision, entry: Entry, alert: Alert) -> PartnerNotice | None:
    """Return the notice for the partner, or None if sharing is not permitted."""
    if decision.verdict != SharingVerdict.PERMIT:
        return None
    shown: dict[str, Any] = {name: getattr(alert, name) for name in entry.fields}
    return PartnerNotice(
        alert_id=alert.alert_id,
        version=alert.version,
        status=alert.status,
        partner=decision.partner,
        message=entry.message,
        sharing_purpose=decision.sharing_purpose,
        sharing_basis=decision.sharing_basis,
        policy_version=decision.policy_version,
        **shown,
    )
