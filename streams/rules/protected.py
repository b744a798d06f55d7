"""
Columns that no rule may read.

The forbidden columns contain legally protected characteristics of people, the deprivation of places, and content that
has not been validated. Every column that describes a person, a place or a record is forbidden, unless this module
allows it. So somebody must decide about every new field before a rule can read it.
"""

from streams.contracts.case_people import PersonRecorded
from streams.rules.compiled import CompiledRules
from streams.rules.lineage import EVENTS, PROFILES, Lineage
from streams.rules.reads import Read

__all__ = ["DERIVING", "forbidden_reads"]

DERIVING = ("int_custody_releases", "int_marked_arrivals", "int_school_notices")
"""
Models that read a date of birth, to find out whether somebody is a child or of school age at a given time.

These models do not pass on the date of birth.
"""

_AGE = frozenset({Read(EVENTS, "date_of_birth"), Read(EVENTS, "due_date")})
_OF_A_PERSON = {"person_id", "died_on", "school_id", "is_home_educated"}
_OF_A_PLACE = {
    "lsoa_2011_code",
    "lsoa_code",
    "valid_from",
    "ward_code",
    "ward_name",
    "constituency_code",
    "constituency_name",
    "la_code",
    "la_name",
}
_MAPS = {"marts.reference.geography", "marts.reference.geography_changes", "marts.reference.lsoa_2021"}
_OF_A_RECORD = {"topic", "kafka_partition", "kafka_offset", "received_at", "landed_at", "reason", "path", "allowed"}
_WHOLE = {
    PROFILES,
    "landing.main.alerts",
    "landing.main.coverage",
    "marts.run.cut",
    "marts.run.as_of",
    "marts.reference.rules",
    "marts.reference.routes",
    "marts.reference.gateways",
    "marts.reference.referral_sources",
    "marts.reference.working_calendar",
    "marts.reference.school_terms",
}


def forbidden_reads(compiled: CompiledRules) -> list[str]:
    """
    Return a sentence for each forbidden column that a rule reads. Only rules about areas may read where people live.

    Raises:
        LineageUnknown: the columns that a rule reads cannot be determined.
    """
    lineage = Lineage(compiled, kept=dict.fromkeys(DERIVING, _AGE))
    return [
        f"{model} reads {read.column} of {read.relation}"
        for rule in compiled.rules.values()
        for model in compiled.ends(rule.name)
        for read in sorted(lineage[model].all)
        if not _is_allowed(read, is_area=rule.scope == "area")
    ]


def _is_allowed(read: Read, *, is_area: bool) -> bool:
    relation, column = read
    if relation == EVENTS:
        if column == "lsoa_code":
            return is_area
        return column != "payload" and column not in set(PersonRecorded.__struct_fields__) - _OF_A_PERSON
    if relation == "landing.main.quarantine":
        return column in _OF_A_RECORD
    if relation in _MAPS:
        return is_area and column in _OF_A_PLACE
    return relation in _WHOLE
