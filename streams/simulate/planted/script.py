"""What a planted story uses to write its family, its facts and its claims."""

from collections.abc import Callable
from datetime import datetime, timedelta

from streams.contracts.case_people import AddressChanged, HouseholdJoined, HouseholdLeft, RiskMarkerSet
from streams.contracts.case_work import LevelChanged
from streams.contracts.codesets import (
    AlertClosure,
    ConcernKind,
    Consent,
    ConsentReason,
    Decision,
    HouseholdRole,
    LeavingReason,
    LevelReason,
    MarkerBasis,
    MarkerKind,
    MarkerRole,
    ReferralSource,
    ServiceKind,
    Severity,
    WithdrawalReason,
)
from streams.contracts.escalation import AlertAcknowledged, AlertClosed
from streams.contracts.event import Event
from streams.contracts.referral import ContactRecorded, ReferralDecided, ReferralSubmitted
from streams.simulate.agencies import agency_of
from streams.simulate.borough import Borough
from streams.simulate.facts import Fact
from streams.simulate.hours import day_of, instant
from streams.simulate.population import Person
from streams.simulate.truth import Claim

__all__ = ["Script", "referral"]

_RED = frozenset({"adult_returns", "marked_adult_joins_other_family", "rapid_escalation"})


class Script:
    """Runs one story, which is about one new family with a six-year-old child."""

    def __init__(self, borough: Borough, story: Callable[["Script"], object], *, is_live: bool = False) -> None:
        self.borough, self._story, self._is_live = borough, story, is_live
        self.id = f"{story.__name__}-{borough.ids.new('story')}"
        self._shift = timedelta(days=borough.rng.randrange(12))
        self.claims: list[Claim] = []
        self.family = borough.people.family(borough.end)
        self.child = borough.people.child(borough.end - timedelta(days=400), self.family.place, (6.0, 7.0))
        self.family.children = [self.child]
        borough.introduce(self.family, self.ago(400), is_planted=True)

    def play(self) -> list[Claim]:
        """Write the whole story, and return its claims."""
        self._story(self)
        return self.claims

    def ago(self, days: float, hour: float = 10.0) -> datetime:
        """
        Return the time at this hour in London, `days` before the last day of the story.

        The last day of a story is 0 to 11 days before the world's end, drawn once for each story.
        """
        return instant(day_of(self.borough.end - self._shift) - timedelta(days=days), hour)

    def fact(self, at: datetime, data: Event) -> Fact:
        """Write an event."""
        return self.borough.record(at, data, is_planted=True)

    def withdraw(self, at: datetime, root: Fact) -> Fact:
        """Withdraw an event that was recorded in error."""
        return self.borough.withdraw(at, root, WithdrawalReason.RECORDED_IN_ERROR, is_planted=True)

    def correct(self, at: datetime, root: Fact, replacement: Event, replaced_at: datetime) -> Fact:
        """Correct an event by replacing its content."""
        return self.borough.correct(at, root, replacement, replaced_at, is_planted=True)

    def adult(self, at: datetime, role: HouseholdRole = HouseholdRole.PARTNER) -> Person:
        """Make an adult who belongs to no household yet, and record this person."""
        adult = self.borough.people.adult(at, role, (28, 45))
        self.borough.record_person(adult, at, is_planted=True)
        return adult

    def join(self, at: datetime, person_id: str, role: HouseholdRole = HouseholdRole.PARTNER) -> Fact:
        """Let a person join the household."""
        return self.fact(at, HouseholdJoined(family_id=self.family.id, person_id=person_id, household_role=role))

    def leave(self, at: datetime, person: Person) -> Fact:
        """Let a person leave the household for an address of their own."""
        data = HouseholdLeft(
            family_id=self.family.id, person_id=person.id, leaving_reason=LeavingReason.EXCLUDED_BY_ORDER
        )
        left = self.fact(at, data)
        self.fact(at + timedelta(minutes=5), AddressChanged(person_id=person.id, address_id=self.borough.ids.new("U")))
        return left

    def mark(
        self,
        at: datetime,
        person: Person,
        *,
        role: MarkerRole = MarkerRole.SOURCE_OF_RISK,
        families: list[str] | None = None,
        expires_at: datetime | None = None,
    ) -> Fact:
        """Set a risk marker. The marker names this family unless `families` gives others."""
        data = RiskMarkerSet(
            marker_id=self.borough.ids.new("M"),
            person_id=person.id,
            marker_kind=MarkerKind.DOMESTIC_ABUSE,
            marker_role=role,
            marker_basis=MarkerBasis.ORDER,
            marker_families=[self.family.id] if families is None else families,
            expires_at=expires_at,
        )
        return self.fact(at, data)

    def level(self, at: datetime, level: int, reason: LevelReason = LevelReason.ASSESSMENT) -> Fact:
        """Change the family's level of need."""
        return self.fact(at, LevelChanged(family_id=self.family.id, level=level, level_reason=reason))

    def contact(self, at: datetime, source: ReferralSource, incident_id: str | None = None) -> Fact:
        """Record a contact."""
        data = ContactRecorded(
            contact_id=self.borough.ids.new("C"),
            family_id=self.family.id,
            source_code=source,
            agency_id=agency_of(source, self.family, self.borough.slug),
            concern_kind=ConcernKind.NEGLECT,
            incident_id=incident_id,
            gateway=self.family.place.gateway,
            lsoa_code=self.family.place.lsoa_code,
        )
        return self.fact(at, data)

    def refer(
        self,
        at: datetime,
        source: ReferralSource = ReferralSource.SCHOOL,
        *,
        consent: Consent = Consent.GIVEN,
        severity: Severity = Severity.AMBER,
        decision: Decision | None = Decision.SIGNPOSTED,
        decided_after: timedelta = timedelta(hours=2),
        consent_reason: ConsentReason | None = None,
        incident_id: str | None = None,
    ) -> Fact:
        """Write a referral for early help and its decision. If `decision` is None, the referral stays undecided."""
        data = ReferralSubmitted(
            referral_id=self.borough.ids.new("R"),
            family_id=self.family.id,
            source_code=source,
            severity=severity,
            person_ids=[self.child.id],
            agency_id=agency_of(source, self.family, self.borough.slug),
            consent=consent,
            consent_reason=consent_reason,
            incident_id=incident_id,
            gateway=self.family.place.gateway,
            service_kind=ServiceKind.EARLY_HELP,
            lsoa_code=self.family.place.lsoa_code,
        )
        submitted = self.fact(at, data)
        if decision:
            self.decide(submitted, at + decided_after, decision)
        return submitted

    def decide(self, submitted: Fact, at: datetime, decision: Decision) -> Fact:
        """Let the front door decide on a referral."""
        data = ReferralDecided(
            referral_id=referral(submitted)[1],
            family_id=self.family.id,
            decision=decision,
            worker_id=self.borough.worker(),
        )
        return self.fact(at, data)

    def expect(
        self,
        rule: str,
        anchor: Fact,
        *,
        clause: str | None = None,
        entity: tuple[str, str] | None = None,
        status: str | None = None,
        at: datetime | None = None,
    ) -> None:
        """
        Claim that the rule must raise an alert with this anchor.

        The alerts of three red rules (`_RED`) are also acknowledged and closed, unless the story is live.
        """
        claim = self._claim(rule, anchor, at or anchor.at, expected=True, clause=clause, entity=entity, status=status)
        if rule in _RED and not self._is_live:
            seen = AlertAcknowledged(alert_id=claim.alert_id, worker_id=self.borough.worker(), family_id=self.family.id)
            self.fact(anchor.at + timedelta(minutes=25), seen)
            closed = AlertClosed(
                alert_id=claim.alert_id,
                worker_id=seen.worker_id,
                alert_closure=self.borough.rng.choices(tuple(AlertClosure), (70, 18, 9, 3))[0],
                family_id=self.family.id,
            )
            self.fact(anchor.at + timedelta(hours=30), closed)

    def deny(
        self,
        rule: str,
        near: Fact,
        *,
        clause: str | None = None,
        entity: tuple[str, str] | None = None,
    ) -> None:
        """Claim that the rule must raise no alert. `near` is the fact that comes closest to making the rule true."""
        self._claim(rule, near, near.at, expected=False, clause=clause, entity=entity)

    def _claim(
        self,
        rule: str,
        anchor: Fact,
        anchored_at: datetime,
        *,
        expected: bool,
        clause: str | None,
        entity: tuple[str, str] | None,
        status: str | None = None,
    ) -> Claim:
        kind, entity_id = entity or ("family", self.family.id)
        claim = Claim(
            story_id=self.id,
            rule=rule,
            clause=clause,
            expected=expected,
            entity_kind=kind,
            entity_id=entity_id,
            family_id=self.family.id,
            anchor_source=anchor.source,
            anchor_id=anchor.id,
            anchored_at=anchored_at,
            status=status,
            why=" ".join((self._story.__doc__ or "").split()),
            is_live=self._is_live,
        )
        self.claims.append(claim)
        return claim


def referral(submitted: Fact) -> tuple[str, str]:
    """Return the kind and the id by which a claim names this referral."""
    assert isinstance(submitted.data, ReferralSubmitted)
    return "referral", submitted.data.referral_id
