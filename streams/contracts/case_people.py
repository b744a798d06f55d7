"""Events of `caf.case-change.v1` about people: persons, households, addresses, risk markers, releases from custody."""

from streams.contracts import codesets as c
from streams.contracts import fields as f
from streams.contracts.event import Event, event
from streams.names import CASE_CHANGE

__all__ = [
    "AddressChanged",
    "CustodyReleasePlanned",
    "HouseholdJoined",
    "HouseholdLeft",
    "PersonRecorded",
    "PersonsLinked",
    "RiskMarkerCleared",
    "RiskMarkerReviewed",
    "RiskMarkerSet",
]

_PERSON = ("person_id",)


@event(CASE_CHANGE, "person-recorded", key=_PERSON, needed=("date_of_birth", "due_date"))
class PersonRecorded(Event):
    """
    What is known about a person. The latest record replaces earlier ones.

    Sex, ethnicity and disabilities are for statistics only: no rule may read them.
    """

    person_id: f.PersonId
    date_of_birth: f.Birthday | None = None
    due_date: f.DueDay | None = None
    died_on: f.DeathDay | None = None
    school_id: f.SchoolId | None = None
    is_home_educated: f.HomeEducated = False
    upn_unknown: c.UpnUnknown | None = None
    sex: c.Sex | None = None
    ethnicity: c.Ethnicity | None = None
    disabilities: list[c.Disability] = []


@event(CASE_CHANGE, "persons-linked", key=_PERSON, otherwise={"link_basis": None})
class PersonsLinked(Event):
    """Two identifiers turned out to be one person."""

    person_id: f.PersonId
    linked_person_id: f.LinkedPersonId
    link_basis: c.LinkBasis

    def __post_init__(self) -> None:
        if self.person_id == self.linked_person_id:
            raise ValueError("person_id and linked_person_id must differ")


@event(CASE_CHANGE, "household-joined", otherwise={"household_role": None})
class HouseholdJoined(Event):
    """A person came to live in a family's household."""

    family_id: f.FamilyId
    person_id: f.PersonId
    household_role: c.HouseholdRole


@event(CASE_CHANGE, "household-left")
class HouseholdLeft(Event):
    """A person stopped living in a family's household."""

    family_id: f.FamilyId
    person_id: f.PersonId
    leaving_reason: c.LeavingReason = c.LeavingReason.OTHER


@event(
    CASE_CHANGE,
    "address-changed",
    key=("family_id", "person_id"),
    needed=("address_id",),
    otherwise={"is_address_protected": True},
)
class AddressChanged(Event):
    """
    A family, or a single person, has a new address.

    If `is_address_protected` is true (for a refuge, for example), no place may be shown outside the desk.
    """

    family_id: f.FamilyId | None = None
    person_id: f.PersonId | None = None
    address_id: f.AddressId | None = None
    lsoa_code: f.LsoaCode | None = None
    is_address_protected: f.AddressProtected = False

    def __post_init__(self) -> None:
        if (self.family_id is None) == (self.person_id is None):
            raise ValueError("exactly one of family_id and person_id must be given")


@event(CASE_CHANGE, "risk-marker-set", key=_PERSON, otherwise={"marker_kind": None, "marker_basis": None})
class RiskMarkerSet(Event):
    """
    A risk marker was put on a person.

    `marker_families` are the families that the marker is about. If none is given, the marker is about every family. The
    marker is in force from the event's time until it is cleared or `expires_at` has passed.
    """

    marker_id: f.MarkerId
    person_id: f.PersonId
    marker_kind: c.MarkerKind
    marker_role: c.MarkerRole
    marker_basis: c.MarkerBasis
    marker_families: f.FamilyIds = []
    review_due: f.ReviewDay | None = None
    expires_at: f.ExpiryMoment | None = None


@event(CASE_CHANGE, "risk-marker-reviewed", key=_PERSON)
class RiskMarkerReviewed(Event):
    """A risk marker was reviewed and stays in force. The new review day and expiry replace the old ones."""

    marker_id: f.MarkerId
    person_id: f.PersonId
    review_due: f.ReviewDay | None = None
    expires_at: f.ExpiryMoment | None = None


@event(CASE_CHANGE, "risk-marker-cleared", key=_PERSON, otherwise={"clearing_reason": None})
class RiskMarkerCleared(Event):
    """A risk marker is no longer in force."""

    marker_id: f.MarkerId
    person_id: f.PersonId
    clearing_reason: c.ClearingReason


@event(CASE_CHANGE, "custody-release-planned", key=_PERSON)
class CustodyReleasePlanned(Event):
    """A person will be released from custody. The address or the family is given if it is known."""

    person_id: f.PersonId
    release_on: f.ReleaseDay
    address_id: f.AddressId | None = None
    release_family_id: f.ReleaseFamilyId | None = None
