"""
Types of the fields that events carry, each with its constraint, description and example.

A field name has the same type in every event (a test checks this), so that the landing table has one column for it.
"""

import re
from datetime import date, datetime
from typing import Annotated

from msgspec import Meta

from streams.contracts import codesets

__all__ = [
    "AUTHORITY_PATTERN",
    "IDENTIFIER_PATTERN",
    "IN_WORDS",
    "JSON_PATTERN",
    "SUBJECT_PATTERN",
    "AddressId",
    "AddressProtected",
    "AgencyId",
    "AlertId",
    "AssessmentId",
    "AuthorityCode",
    "Birthday",
    "CaseId",
    "ContactId",
    "Day",
    "DeathDay",
    "DueDay",
    "EscalationId",
    "EventId",
    "EventSource",
    "EventType",
    "ExpiryMoment",
    "FamilyId",
    "FamilyIds",
    "HomeEducated",
    "IncidentId",
    "InformationKinds",
    "Level",
    "LinkedPersonId",
    "LsoaCode",
    "MarkerId",
    "MeetingId",
    "Moment",
    "Note",
    "OutcomeNumber",
    "Participants",
    "PersonId",
    "PersonIds",
    "ReferralId",
    "ReleaseDay",
    "ReleaseFamilyId",
    "ReplacedMoment",
    "ReviewDay",
    "ReviewId",
    "RootMoment",
    "SchoolId",
    "Score",
    "ServiceId",
    "ServiceRequestId",
    "SharingId",
    "WorkerId",
]

IDENTIFIER_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:/-]*(?!\n)$"
"""The form of all identifiers. The first character is a letter or digit; the others may also be any of `._:/-`."""


_PLACEHOLDERS = (
    *("unknown", "unk", "not[._:/-]*known", "n[./-]*k", "null", "nil", "none", "n[./-]*a", "nan", "undefined"),
    *("unspecified", "not[._:/-]*(?:recorded|given|applicable|available|provided)", "no[._:/-]*(?:id|name|data|value)"),
    *("missing", "blank", "empty", "default", "dummy", "test", "example", "tb(?:a|c|d)", "todo", "anon(?:ymous)?"),
    *("x+", "false", "true", "[0._:/-]+", "9{5,}[._:/-]*", "(?:f{4,}[._:/-]*)+"),
)


def _in_any_case(pattern: str) -> str:
    """Make a pattern match upper and lower case, because JSON Schema's patterns have no flag for this."""
    return re.sub(r"(?<![?\\])[a-z]", lambda letter: f"[{letter[0].upper()}{letter[0]}]", pattern)


SUBJECT_PATTERN = rf"^(?!(?:{'|'.join(map(_in_any_case, _PLACEHOLDERS))})$){IDENTIFIER_PATTERN.removeprefix('^')}"
"""
The form of the id of a person, family or address.

The pattern refuses words such as "unknown", because they would connect people who have nothing to do with each other.
"""

AUTHORITY_PATTERN = r"^[ENSW][0-9]{8}(?!\n)$"
"""The form of the GSS code of an authority."""

# The codes begin with E01 or W01 (England and Wales), with S01 (Scotland), or with N20, N21 or 95 (Northern Ireland in
# 2021 and 2011).
_PLACE_PATTERN = r"^(?:[EWS]01[0-9]{6}|N2[01][0-9]{6}|95[A-Z]{2}[0-9]{2}[A-Z][0-9])(?!\n)$"

JSON_PATTERN = r"^[^/;\s]+/(?:[^/;\s]+\+)?[jJ][sS][oO][nN]\s*(?:;.*)?$"
"""Matches every JSON media type, with or without parameters."""

IN_WORDS = {
    IDENTIFIER_PATTERN: "only letters, digits and . _ : / -, beginning with a letter or digit",
    AUTHORITY_PATTERN: "the GSS code of an authority, such as E08000015",
    _PLACE_PATTERN: "the code of an LSOA, such as E01007110, or of an equivalent area in Scotland or Northern Ireland",
    JSON_PATTERN: "a media type that is JSON, such as application/json",
    SUBJECT_PATTERN: "the identifier of one person, family or address, and no placeholder for an unknown one, "
    "such as `unknown`, `null`, `test`, `000`, `99999` or a nil UUID",
}
"""Words that tell a builder of forms what each pattern allows."""


def _identifier(description: str, example: str, pattern: str = IDENTIFIER_PATTERN) -> Meta:
    return Meta(min_length=1, max_length=64, pattern=pattern, description=description, examples=[example])


def _subject(description: str, example: str) -> Meta:
    return _identifier(description, example, SUBJECT_PATTERN)


EventId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=128,
        description="Id of the event. A source uses an id once: the same id with other content is another event.",
        examples=["e-1001"],
    ),
]
EventSource = Annotated[
    str,
    Meta(min_length=1, max_length=128, description="System that recorded the fact.", examples=["/wirral/front-door"]),
]
Moment = Annotated[datetime, Meta(tz=True, description="Time with its UTC offset.", examples=["2026-03-02T09:15:00Z"])]
Day = Annotated[date, Meta(description="Calendar day, Europe/London.", examples=["2026-03-09"])]
Birthday = Annotated[date, Meta(description="Day of birth, Europe/London.", examples=["2017-05-21"])]
DueDay = Annotated[date, Meta(description="Day on which a birth is expected.", examples=["2026-08-14"])]
DeathDay = Annotated[Day, Meta(description="Day of death.", examples=["2026-02-11"])]
ReviewDay = Annotated[
    Day,
    Meta(description="Day by which the risk marker must be reviewed; it stays in force if the review is overdue."),
]
ReleaseDay = Annotated[Day, Meta(description="Day of the planned release.")]
ExpiryMoment = Annotated[
    Moment,
    Meta(description="Time after which the risk marker is no longer in force.", examples=["2026-09-30T23:00:00Z"]),
]
RootMoment = Annotated[
    Moment,
    Meta(
        description="The `time` of the amended event, as it was first sent: needed if its source used the id for "
        "several events."
    ),
]
ReplacedMoment = Annotated[Moment, Meta(description="When the fact happened, as far as is now known.")]
HomeEducated = Annotated[bool, Meta(description="Whether the child is educated at home.", examples=[False])]
AddressProtected = Annotated[
    bool,
    Meta(description="Whether the place must stay secret (a refuge, for example).", examples=[False]),
]
EventType = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=128,
        description="What happened, as `uk.caf.<topic>.<fact>.v<version>`.",
        examples=["uk.caf.referral.referral-submitted.v1"],
    ),
]
AuthorityCode = Annotated[
    str,
    Meta(pattern=AUTHORITY_PATTERN, description="GSS code of the authority.", examples=["E08000015"]),
]
LsoaCode = Annotated[
    str,
    Meta(
        pattern=_PLACE_PATTERN,
        description="Lower-layer super output area (2011 or 2021), or the like in Scotland or Northern Ireland.",
        examples=["E01007110"],
    ),
]

FamilyId = Annotated[str, _subject("The family: the unit of work and the Kafka key.", "F-000123")]
PersonId = Annotated[str, _subject("A person, child or adult.", "P-000456")]
ReferralId = Annotated[str, _identifier("One referral.", "R-000789")]
ContactId = Annotated[str, _identifier("One contact.", "C-000321")]
IncidentId = Annotated[str, _identifier("An incident, the same in all reports about it.", "I-000042")]
AgencyId = Annotated[str, _identifier("An organisation.", "school-107")]
WorkerId = Annotated[str, _identifier("A worker.", "W-0031")]
CaseId = Annotated[str, _identifier("An episode of a family with a service.", "K-000064")]
ServiceId = Annotated[str, _identifier("A service that families are allocated to.", "early-help-birkenhead")]
ServiceRequestId = Annotated[str, _identifier("One request for a service.", "Q-000088")]
AssessmentId = Annotated[str, _identifier("One assessment.", "A-000017")]
MeetingId = Annotated[str, _identifier("One meeting of a team around the family.", "T-000009")]
ReviewId = Annotated[str, _identifier("One review.", "V-000011")]
MarkerId = Annotated[str, _identifier("One risk marker.", "M-000005")]
AddressId = Annotated[str, _subject("A dwelling, by its property reference; never the address itself.", "U-10001")]
SchoolId = Annotated[str, _identifier("A school, by its unique reference number.", "105000")]
EscalationId = Annotated[str, _identifier("One reported escalation.", "X-000071")]
SharingId = Annotated[str, _identifier("One act of sharing information.", "S-000033")]
AlertId = Annotated[str, _identifier("An alert, the same for all its versions.", "3f2b8c0d9a4e5f60718293a4b5c6d7e8")]

Note = Annotated[
    str,
    Meta(
        max_length=500,
        description="A remark for the desk only; no alert contains it. It must not contain names.",
        examples=["Visited today; the plan is being reviewed."],
    ),
]

LinkedPersonId = Annotated[PersonId, Meta(description="The other identifier of the person.", examples=["P-000457"])]
ReleaseFamilyId = Annotated[FamilyId, Meta(description="The family that the person is released to.")]

FamilyIds = Annotated[
    list[FamilyId], Meta(max_length=50, description="The families that the marker is about.", examples=[["F-000123"]])
]
PersonIds = Annotated[
    list[PersonId], Meta(max_length=50, description="The persons that the event is about.", examples=[["P-000456"]])
]
Participants = Annotated[
    list[codesets.HouseholdRole],
    Meta(max_length=30, description="Members of the family who took part, by role.", examples=[["mother"]]),
]
InformationKinds = Annotated[
    list[codesets.InformationKind],
    Meta(min_length=1, max_length=20, description="What was shared.", examples=[["level_of_need"]]),
]
Level = Annotated[
    int,
    Meta(ge=1, le=4, description="Level of need: 1 universal, 2 early help, 3 targeted, 4 specialist.", examples=[2]),
]
OutcomeNumber = Annotated[int, Meta(ge=1, le=10, description="Number of the outcome in its framework.", examples=[2])]
Score = Annotated[int, Meta(ge=0, le=10, description="Distance travelled, 0 worst to 10 best.", examples=[6])]
