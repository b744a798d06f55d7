"""
Turn one child's census record into events.

The census is about children and episodes, and has days but no times. Events are about families and persons, and need
times. `docs/import-cin-xml.md` describes how each census item becomes an event, and what cannot be known.
"""

from collections import Counter
from datetime import date
from hashlib import blake2b

from streams import contracts as events
from streams.contracts import codesets as c
from streams.importers.cin_codes import SEXES
from streams.importers.cin_episode import episode_facts
from streams.importers.cin_facts import Child, Episode, Fact, dated_fact, next_number
from streams.importers.cin_fields import BadRecord, Reader
from streams.importers.cin_file import Header

__all__ = ["child_facts", "child_key"]


def child_key(record: Reader, header: Header) -> str:
    """
    Make the key that stands for a child in the ids of events. The key is a hash of the child's local id.

    The hash also depends on a code of the authority that never changes. So a child has the same key in every year's
    file and on every machine. Nobody can work out the local id from the key alone. The authority itself knows its local
    ids, so it can find the child in its case system.

    Raises:
        BadRecord: the record has no local id, or more than one.
    """
    local_id = record.group("ChildIdentifiers").required_text("LAchildID")
    return blake2b(local_id.encode(), key=header.authority.ids_gss.encode(), digest_size=10).hexdigest()


def child_facts(record: Reader, key: str, header: Header) -> list[Fact]:
    """
    Read all facts of a child's record. Wrong elements are left out, and are added to the record's flaws.

    Raises:
        BadRecord: no referral has a readable day.
    """
    child = Child(key, header.authority.ids_lea)
    facts: list[Fact] = []
    seen: Counter[tuple[str, date]] = Counter()
    for details in record.each("CINdetails"):
        if (day := details.needed_day("CINreferralDate")) is not None:
            facts += episode_facts(Episode(details, child, day, next_number(seen, "referral", day)), seen)
    referrals = [fact.day for fact in facts if isinstance(fact.event, events.ReferralSubmitted)]
    if not referrals:
        undated = [flaw for flaw in record.flaws if flaw.element == "CINreferralDate"]
        raise BadRecord(undated[0]) if undated else record.bad("CINdetails", "missing")
    person = _person(record, child)
    recorded = dated_fact("person", header.reference_date, person)
    return [recorded, _joined(person, child, min(referrals)), *facts]


def _person(record: Reader, child: Child) -> events.PersonRecorded:
    identifiers, characteristics = record.group("ChildIdentifiers"), record.group("ChildCharacteristics")
    born, due = identifiers.day("PersonBirthDate"), identifiers.day("ExpectedPersonBirthDate", ahead=True)
    if born is None and due is None:
        identifiers.without("PersonBirthDate", "no birth date and no expected birth date: sent as a child")
    disabilities = [
        code for group in characteristics.each("Disabilities") for code in group.codes("Disability", c.Disability)
    ]
    return events.PersonRecorded(
        person_id=child.person_id,
        date_of_birth=born,
        due_date=due,
        died_on=identifiers.day("PersonDeathDate"),
        upn_unknown=identifiers.code("UPNunknown", c.UpnUnknown),
        sex=identifiers.lookup("Sex", SEXES) or identifiers.lookup("GenderCurrent", SEXES),
        ethnicity=characteristics.code("Ethnicity", c.Ethnicity),
        disabilities=disabilities,
    )


def _joined(person: events.PersonRecorded, child: Child, first_referral: date) -> Fact:
    is_unborn = person.date_of_birth is None and person.due_date is not None
    role = c.HouseholdRole.UNBORN if is_unborn else c.HouseholdRole.CHILD
    event = events.HouseholdJoined(family_id=child.family_id, person_id=child.person_id, household_role=role)
    return dated_fact("joined", first_referral, event)
