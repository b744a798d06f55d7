"""
Closed lists of codes that events may carry.

DfE lists are those of the children-in-need census (collection year 2025-26, Open Government Licence v3). Each code
comes with its meaning, which schemas and documents show. Local lists cover facts that no national list covers.
"""

from enum import StrEnum
from typing import Self

__all__ = [
    "CODE_SETS_VERSION",
    "AgencyKind",
    "AlertClosure",
    "AlertStatus",
    "AssessmentFactor",
    "AssessmentKind",
    "AuditAction",
    "AuditActor",
    "AuditOutcome",
    "ClearingReason",
    "ClosureReason",
    "Code",
    "ConcernKind",
    "Consent",
    "ConsentReason",
    "ConsentScope",
    "Decision",
    "Disability",
    "EmergencyReason",
    "EndReason",
    "EscalationKind",
    "Ethnicity",
    "FeedbackChannel",
    "FeedbackKind",
    "Gateway",
    "HouseholdRole",
    "InformationKind",
    "LeavingReason",
    "LevelReason",
    "LinkBasis",
    "MarkerBasis",
    "MarkerKind",
    "MarkerRole",
    "OutcomeFramework",
    "OutcomeStage",
    "PrimaryNeed",
    "RecipientRole",
    "ReferralSource",
    "ServiceKind",
    "Severity",
    "Sex",
    "SharingBasis",
    "SharingPurpose",
    "SharingVerdict",
    "UpnUnknown",
    "WithdrawalReason",
]

CODE_SETS_VERSION = "2026"
"""Collection year of the DfE lists below."""


class Code(StrEnum):
    """A code with its meaning: `Member = "code", "meaning"`."""

    meaning: str

    def __new__(cls, code: str, meaning: str = "") -> Self:
        """Make a member that equals its code and carries its meaning."""
        # Every member has a meaning. It has a default only so that type checkers accept a look-up such as
        # `Severity("red")`.
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    @classmethod
    def documented(cls) -> str:
        """Return the list of codes in Markdown, each code with its meaning."""
        return "; ".join(f"`{member.value}` {member.meaning}" for member in cls)


class ReferralSource(Code):
    """Who referred (DfE CIN census, ReferralSource)."""

    RELATIVE = "1A", "individual: family member, relative or carer"
    ACQUAINTANCE = "1B", "individual: acquaintance, neighbours and child minders included"
    SELF = "1C", "individual: self"
    OTHER_INDIVIDUAL = "1D", "individual: other, strangers included"
    SCHOOL = "2A", "schools"
    EDUCATION_SERVICE = "2B", "education services"
    GP = "3A", "health: general practitioner"
    HEALTH_VISITOR = "3B", "health: health visitor"
    SCHOOL_NURSE = "3C", "health: school nurse"
    PRIMARY_HEALTH = "3D", "health: other primary health services"
    EMERGENCY_DEPARTMENT = "3E", "health: accident and emergency department"
    OTHER_HEALTH = "3F", "health: other, for example a hospice"
    HOUSING = "4", "housing: local authority or housing association"
    SOCIAL_CARE = "5A", "local authority: social care, adults' included"
    OTHER_AUTHORITY_INTERNAL = "5B", "local authority: other department, for example youth offending"
    OTHER_AUTHORITY_EXTERNAL = "5C", "local authority: another authority"
    EARLY_HELP = "5D", "local authority: early help"
    POLICE = "6", "police"
    LEGAL = "7", "other legal agency: courts, probation, immigration, CAFCASS, prison"
    OTHER = "8", "other: children's centres, independent and voluntary organisations"
    ANONYMOUS = "9", "anonymous"
    UNKNOWN = "10", "unknown"


class PrimaryNeed(Code):
    """Main reason a child needs services (DfE CIN census, PrimaryNeedCode)."""

    ABUSE_OR_NEGLECT = "N1", "abuse, neglect and exploitation"
    CHILD_DISABILITY = "N2", "child's disability"
    PARENT_DISABILITY = "N3", "parental disability or illness"
    ACUTE_STRESS = "N4", "family in acute stress"
    DYSFUNCTION = "N5", "family dysfunction"
    UNACCEPTABLE_BEHAVIOUR = "N6", "socially unacceptable behaviour"
    LOW_INCOME = "N7", "low income"
    ABSENT_PARENTING = "N8", "absent parenting"
    NOT_IN_NEED = "N9", "cases other than children in need"
    NOT_STATED = "N0", "not stated"


class ClosureReason(Code):
    """Why a case closed (DfE CIN census, ReasonForClosure)."""

    ADOPTED = "RC1", "adopted"
    DIED = "RC2", "died"
    CHILD_ARRANGEMENTS = "RC3", "child arrangements order"
    SPECIAL_GUARDIANSHIP = "RC4", "special guardianship order"
    OTHER_AUTHORITY = "RC5", "transferred to another authority"
    ADULT_SOCIAL_CARE = "RC6", "transferred to adult social care"
    NO_LONGER_IN_NEED = "RC7", "services ceased for any other reason, no longer in need included"
    ASSESSED_NO_ACTION = "RC8", "closed after assessment, no further action"
    ASSESSED_EARLY_HELP = "RC9", "closed after assessment, referred to early help"


class AssessmentFactor(Code):
    """
    Factor found at the end of an assessment (DfE CIN census, AssessmentFactors).

    In groups 1 to 6, the letter says who the factor is about: A the child, B a parent or carer, C somebody else in the
    household. `18A` and `19A` are no longer used, but still accepted.
    """

    ALCOHOL_CHILD = "1A", "alcohol misuse: child"
    ALCOHOL_PARENT = "1B", "alcohol misuse: parent or carer"
    ALCOHOL_OTHER = "1C", "alcohol misuse: another in the household"
    DRUGS_CHILD = "2A", "drug misuse: child"
    DRUGS_PARENT = "2B", "drug misuse: parent or carer"
    DRUGS_OTHER = "2C", "drug misuse: another in the household"
    DOMESTIC_ABUSE_CHILD = "3A", "domestic abuse: child is the subject"
    DOMESTIC_ABUSE_PARENT = "3B", "domestic abuse: parent or carer is the subject"
    DOMESTIC_ABUSE_OTHER = "3C", "domestic abuse: another in the household is the subject"
    MENTAL_HEALTH_CHILD = "4A", "mental health: child"
    MENTAL_HEALTH_PARENT = "4B", "mental health: parent or carer"
    MENTAL_HEALTH_OTHER = "4C", "mental health: another in the household"
    LEARNING_DISABILITY_CHILD = "5A", "learning disability: child"
    LEARNING_DISABILITY_PARENT = "5B", "learning disability: parent or carer"
    LEARNING_DISABILITY_OTHER = "5C", "learning disability: another in the household"
    PHYSICAL_DISABILITY_CHILD = "6A", "physical disability or illness: child"
    PHYSICAL_DISABILITY_PARENT = "6B", "physical disability or illness: parent or carer"
    PHYSICAL_DISABILITY_OTHER = "6C", "physical disability or illness: another in the household"
    YOUNG_CARER = "7A", "young carer"
    FOSTERED_RETURNING = "8B", "privately fostered: overseas child who intends to return"
    FOSTERED_STAYING = "8C", "privately fostered: overseas child who intends to stay"
    FOSTERED_EDUCATION = "8D", "privately fostered: in a UK educational placement"
    FOSTERED_ARRANGEMENT = "8E", "privately fostered: UK child in alternative family arrangements"
    FOSTERED_OTHER = "8F", "privately fostered: other"
    UNACCOMPANIED = "9A", "unaccompanied asylum-seeking child"
    MISSING = "10A", "going or being missing"
    SEXUAL_EXPLOITATION = "11A", "child sexual exploitation"
    TRAFFICKING = "12A", "trafficking"
    GANGS = "13A", "gangs"
    UNACCEPTABLE_BEHAVIOUR = "14A", "socially unacceptable behaviour"
    SELF_HARM = "15A", "self-harm"
    NEGLECT = "16A", "abuse or neglect: neglect"
    EMOTIONAL_ABUSE = "17A", "abuse or neglect: emotional abuse"
    PHYSICAL_ABUSE = "18A", "abuse or neglect: physical abuse (retired)"
    PHYSICAL_ABUSE_CHILD = "18B", "abuse or neglect: physical abuse, child on child"
    PHYSICAL_ABUSE_ADULT = "18C", "abuse or neglect: physical abuse, adult on child"
    SEXUAL_ABUSE = "19A", "abuse or neglect: sexual abuse (retired)"
    SEXUAL_ABUSE_CHILD = "19B", "abuse or neglect: sexual abuse, child on child"
    SEXUAL_ABUSE_ADULT = "19C", "abuse or neglect: sexual abuse, adult on child"
    OTHER = "20", "other"
    NONE = "21", "no factors identified; with no other factor"
    FGM = "22A", "female genital mutilation"
    FAITH_OR_BELIEF = "23A", "abuse linked to faith or belief"
    CRIMINAL_EXPLOITATION = "24A", "child criminal exploitation"


class Sex(Code):
    """Sex as recorded (DfE CIN census, Sex, from 2025)."""

    MALE = "M", "male"
    FEMALE = "F", "female"
    UNKNOWN = "U", "unknown, unborn included"


class Ethnicity(Code):
    """Ethnic group (DfE CIN census, Ethnicity). For statistics only; no rule may read it."""

    WBRI = "WBRI", "White British"
    WIRI = "WIRI", "White Irish"
    WIRT = "WIRT", "Traveller of Irish heritage"
    WOTH = "WOTH", "any other White background"
    WROM = "WROM", "Gypsy or Roma"
    MWBC = "MWBC", "White and Black Caribbean"
    MWBA = "MWBA", "White and Black African"
    MWAS = "MWAS", "White and Asian"
    MOTH = "MOTH", "any other mixed background"
    AIND = "AIND", "Indian"
    APKN = "APKN", "Pakistani"
    ABAN = "ABAN", "Bangladeshi"
    AOTH = "AOTH", "any other Asian background"
    BCRB = "BCRB", "Black Caribbean"
    BAFR = "BAFR", "Black African"
    BOTH = "BOTH", "any other Black background"
    CHNE = "CHNE", "Chinese"
    OOTH = "OOTH", "any other ethnic group"
    REFU = "REFU", "refused"
    NOBT = "NOBT", "not yet obtained"


class Disability(Code):
    """Disability (DfE CIN census, Disability). For statistics only; no rule may read it."""

    NONE = "NONE", "none; with no other code"
    MOB = "MOB", "mobility"
    HAND = "HAND", "hand function"
    PC = "PC", "personal care"
    INC = "INC", "incontinence"
    COMM = "COMM", "communication"
    LD = "LD", "learning"
    HEAR = "HEAR", "hearing"
    VIS = "VIS", "vision"
    BEH = "BEH", "behaviour"
    CON = "CON", "consciousness"
    AUT = "AUT", "autism"
    DDA = "DDA", "disabled in a way not listed"


class UpnUnknown(Code):
    """Why a child has no unique pupil number (DfE CIN census, UPNunknown)."""

    TOO_YOUNG = "UN1", "not of school age, none assigned yet"
    NOT_MAINTAINED = "UN2", "never attended a maintained school in England"
    ABROAD = "UN3", "educated outside England"
    NEWLY_LOOKED_AFTER = "UN4", "newly looked after, not known at the return"
    NO_MATCH = "UN5", "sources disagree, no reliable match"
    UN6 = "UN6", "other, in schemas of 2024 to 2026"
    NO_FURTHER_ACTION = "UN7", "referral with no further action"


class Gateway(Code):
    """Referral gateway (Wirral Targeted Services Review: three gateways)."""

    BIRKENHEAD = "birkenhead", "Birkenhead"
    WALLASEY = "wallasey", "Wallasey"
    WIRRAL_SOUTH_AND_WEST = "wirral_south_and_west", "Wirral South and Wirral West"
    SINGLE = "single", "the only gateway of an authority that has one"


class Severity(Code):
    """How soon somebody must act."""

    RED = "red", "now: a person on duty acts"
    AMBER = "amber", "today: the gateway or the lead professional acts"
    GREEN = "green", "for information: a manager's report"


class Consent(Code):
    """Answer to the consent question."""

    GIVEN = "given", "the family agreed"
    REFUSED = "refused", "the family refused"
    NOT_SOUGHT = "not_sought", "not asked, for a stated reason"
    NOT_RECORDED = "not_recorded", "the event arrived without an answer"


class ConsentReason(Code):
    """Why consent was not sought (Working Together; DfE information-sharing advice 2024, golden rule 3)."""

    RISK_OF_HARM = "risk_of_harm", "asking would put a child or adult at risk"
    WOULD_PREJUDICE_INQUIRY = "would_prejudice_inquiry", "asking would prejudice the prevention or detection of a crime"
    CANNOT_BE_REACHED = "cannot_be_reached", "the family could not be reached in time"
    LACKS_CAPACITY = "lacks_capacity", "nobody able to consent was available"
    STATUTORY_DUTY = "statutory_duty", "the law requires the report"


class ConsentScope(Code):
    """What a consent covers."""

    RECEIVE_HELP = "receive_help", "to receive early help"
    SHARE_INFORMATION = "share_information", "to have information shared"


class Decision(Code):
    """What the front door decided on a referral."""

    SIGNPOSTED = "signposted", "told where help is"
    EARLY_HELP = "early_help", "early help assessment or service"
    MASH = "mash", "multi-agency safeguarding hub"
    ROUTED_TO_OPEN_SERVICE = "routed_to_open_service", "to the service that is already open"
    EDT = "edt", "emergency duty team; does not stop the front-door clock"
    NO_FURTHER_ACTION = "no_further_action", "nothing more is done"


class AgencyKind(Code):
    """Kind of an organisation."""

    SCHOOL = "school", "school or education service"
    HEALTH = "health", "health service"
    POLICE = "police", "police"
    HOUSING = "housing", "housing provider"
    SOCIAL_CARE = "social_care", "children's or adults' social care"
    EARLY_HELP = "early_help", "early help and targeted services"
    PROBATION = "probation", "probation, courts, prison"
    VOLUNTARY = "voluntary", "voluntary and community organisation"
    OTHER = "other", "other"


class ConcernKind(Code):
    """What a contact is about."""

    NEGLECT = "neglect", "neglect"
    PHYSICAL_HARM = "physical_harm", "physical harm"
    EMOTIONAL_HARM = "emotional_harm", "emotional harm"
    SEXUAL_HARM = "sexual_harm", "sexual harm"
    DOMESTIC_ABUSE = "domestic_abuse", "domestic abuse in the household"
    PARENTAL_MENTAL_HEALTH = "parental_mental_health", "mental health of a parent or carer"
    CHILD_MENTAL_HEALTH = "child_mental_health", "mental health of a child"
    SUBSTANCE_MISUSE = "substance_misuse", "alcohol or drugs"
    SCHOOL_ATTENDANCE = "school_attendance", "attendance, exclusion or behaviour at school"
    HOUSING_OR_MONEY = "housing_or_money", "housing, debt or food"
    EXPLOITATION = "exploitation", "exploitation, gangs, trafficking"
    DISABILITY_SUPPORT = "disability_support", "support with a disability"
    ADVICE = "advice", "advice or information"
    OTHER = "other", "other"


class EscalationKind(Code):
    """What a partner reports as an escalation."""

    ABUSIVE_ADULT_RETURNED = "abusive_adult_returned", "an abusive adult is back in the household"
    DOMESTIC_ABUSE_INCIDENT = "domestic_abuse_incident", "domestic abuse incident attended"
    CHILD_MISSING = "child_missing", "child missing"
    EXCLUSION = "exclusion", "exclusion from school"
    SELF_HARM = "self_harm", "self-harm"
    HOMELESSNESS = "homelessness", "homelessness"
    CUSTODY_RELEASE = "custody_release", "release from custody"
    EMERGENCY_ATTENDANCE = "emergency_attendance", "attendance at an emergency department"
    CHILD_INJURED = "child_injured", "injury of a child"
    OTHER = "other", "other"


class HouseholdRole(Code):
    """Role of a person in a household."""

    CHILD = "child", "child or young person"
    UNBORN = "unborn", "expected child"
    MOTHER = "mother", "mother"
    FATHER = "father", "father"
    STEP_PARENT = "step_parent", "step-parent"
    PARTNER = "partner", "partner of a parent"
    GRANDPARENT = "grandparent", "grandparent"
    CARER = "carer", "other carer"
    LONE_MALE = "lone_male", "lone male carer or lodger"
    OTHER_ADULT = "other_adult", "other adult"


class LeavingReason(Code):
    """Why somebody left a household."""

    MOVED_OUT = "moved_out", "moved out"
    SEPARATED = "separated", "separated"
    EXCLUDED_BY_ORDER = "excluded_by_order", "excluded by an order or bail condition"
    CUSTODY = "custody", "taken into custody"
    LOOKED_AFTER = "looked_after", "became looked after"
    DIED = "died", "died"
    OTHER = "other", "other"


class MarkerKind(Code):
    """Kind of a risk marker. It may be criminal-offence data, so it is shown only as the sharing policy permits."""

    DOMESTIC_ABUSE = "domestic_abuse", "domestic abuse"
    PERSON_POSING_RISK = "person_posing_risk", "person posing a risk to children"
    MARAC = "marac", "case at a multi-agency risk assessment conference"
    MAPPA = "mappa", "multi-agency public protection arrangements"
    BAIL_CONDITION = "bail_condition", "bail condition"
    LICENCE_CONDITION = "licence_condition", "licence condition"
    COURT_ORDER = "court_order", "court-order condition"


class MarkerRole(Code):
    """Whether the marked person is the source of the risk or its victim."""

    SOURCE_OF_RISK = "source_of_risk", "the person is a source of risk; rules read only this role"
    VICTIM = "victim", "the person is a victim"


class MarkerBasis(Code):
    """What a risk marker is based on."""

    ALLEGED = "alleged", "alleged"
    CHARGED = "charged", "charged"
    CONVICTED = "convicted", "convicted"
    ORDER = "order", "court or police order"


class ClearingReason(Code):
    """Why a risk marker was cleared."""

    NO_LONGER_A_RISK = "no_longer_a_risk", "reviewed: no longer a risk"
    ORDER_ENDED = "order_ended", "the order or condition ended"
    RECORDED_IN_ERROR = "recorded_in_error", "recorded in error"
    DIED = "died", "the person died"


class LinkBasis(Code):
    """Why two identifiers are taken to be the same person (Safeguarding Standard PUB03 match grades)."""

    SAME_NUMBER = "same_number", "same official number"
    SAME_NAME_BIRTH_ADDRESS = "same_name_birth_address", "same name, date of birth and address"
    CONFIRMED_BY_WORKER = "confirmed_by_worker", "confirmed by a worker"


class LevelReason(Code):
    """Why the level of need changed."""

    ASSESSMENT = "assessment", "found by an assessment"
    NEW_CONCERN = "new_concern", "a new concern"
    INCIDENT = "incident", "an incident"
    PROGRESS = "progress", "the family has made progress"
    PLAN_COMPLETED = "plan_completed", "the plan is completed"
    TO_ACCESS_PROVISION = "to_access_provision", "only so that the family can get a provision"
    COURT_ORDER = "court_order", "a court order"
    OTHER = "other", "other"


class ServiceKind(Code):
    """Kind of a service."""

    EARLY_HELP = "early_help", "early help"
    FAMILY_SUPPORT = "family_support", "family support"
    PARENTING = "parenting", "parenting programme"
    YOUTH = "youth", "youth service"
    CHILDRENS_CENTRE = "childrens_centre", "children's centre"
    HEALTH_VISITING = "health_visiting", "health visiting"
    CAMHS = "camhs", "child and adolescent mental health"
    SUBSTANCE_MISUSE = "substance_misuse", "alcohol and drugs"
    DOMESTIC_ABUSE = "domestic_abuse", "domestic abuse support"
    SPEECH_AND_LANGUAGE = "speech_and_language", "speech and language"
    HOUSING_SUPPORT = "housing_support", "housing support"
    SOCIAL_CARE = "social_care", "children's social care"
    OTHER = "other", "other"


class AssessmentKind(Code):
    """Kind of an assessment."""

    CAF = "caf", "Common Assessment Framework"
    EARLY_HELP = "early_help", "early help assessment"
    CHILD_AND_FAMILY = "child_and_family", "statutory child and family assessment"
    SECTION_47 = "section_47", "enquiry under section 47 of the Children Act 1989"


class EndReason(Code):
    """Why a service did not start, or ended."""

    COMPLETED = "completed", "completed"
    STEPPED_UP = "stepped_up", "stepped up"
    FAMILY_DECLINED = "family_declined", "the family declined"
    NO_CONTACT = "no_contact", "no contact could be made"
    CRITERIA_NOT_MET = "criteria_not_met", "below or outside the service's criteria"
    NO_CAPACITY = "no_capacity", "the service has no capacity"
    MOVED_AWAY = "moved_away", "moved away"
    OTHER = "other", "other"


class FeedbackChannel(Code):
    """How feedback reached a referrer."""

    LETTER = "letter", "letter"
    EMAIL = "email", "e-mail"
    PORTAL = "portal", "partner portal"
    PHONE = "phone", "telephone"


class FeedbackKind(Code):
    """What the feedback to a referrer is about."""

    ACKNOWLEDGEMENT = "acknowledgement", "the referral was received"
    OUTCOME = "outcome", "what was decided"


class InformationKind(Code):
    """Kind of information shared."""

    CONTACT_DETAILS = "contact_details", "contact details"
    HOUSEHOLD = "household", "household members"
    LEVEL_OF_NEED = "level_of_need", "level of need and plan"
    ASSESSMENT = "assessment", "assessment"
    RISK = "risk", "risk"
    HEALTH = "health", "health"
    EDUCATION = "education", "education"
    OFFENDING = "offending", "offending"
    OUTCOME = "outcome", "outcome"


class SharingPurpose(Code):
    """Why information was shared."""

    SAFEGUARDING = "safeguarding", "safeguarding a child"
    EARLY_HELP = "early_help", "early help"
    SERVICE_DELIVERY = "service_delivery", "delivering a service"
    PLANNING = "planning", "planning services"


class SharingBasis(Code):
    """Lawful basis on which information was shared."""

    CONSENT = "consent", "consent of the family"
    PUBLIC_TASK = "public_task", "public task"
    LEGAL_OBLIGATION = "legal_obligation", "legal obligation"
    VITAL_INTERESTS = "vital_interests", "vital interests"
    NONE = "none", "none was recorded"


class SharingVerdict(Code):
    """Verdict of the sharing policy on an alert and a partner."""

    PERMIT = "permit", "a notice goes out"
    DENY = "deny", "nothing goes out"
    REVIEW = "review", "nothing goes out until a person decides"


class OutcomeFramework(Code):
    """Framework that an outcome belongs to."""

    SCHOOL_READINESS = "school_readiness", "seven shared outcomes of school readiness"
    SUPPORTING_FAMILIES = "supporting_families", "ten headline outcomes of Supporting Families"


class OutcomeStage(Code):
    """When an outcome was measured."""

    BASELINE = "baseline", "at the start"
    REVIEW = "review", "at a review"
    CLOSURE = "closure", "at closure"
    SUSTAINED = "sustained", "six months after closure"


class WithdrawalReason(Code):
    """Why an event was corrected or withdrawn."""

    RECORDED_IN_ERROR = "recorded_in_error", "recorded in error"
    WRONG_FAMILY = "wrong_family", "recorded on the wrong family"
    DUPLICATE = "duplicate", "recorded twice"
    MORE_ACCURATE = "more_accurate", "more accurate facts are known"


class AlertClosure(Code):
    """Result that a person gave when closing an alert."""

    ACTED_ON = "acted_on", "acted on"
    ALREADY_KNOWN = "already_known", "already known"
    NOT_USEFUL = "not_useful", "not useful"
    WRONG_FAMILY = "wrong_family", "about the wrong family"


class EmergencyReason(Code):
    """Why somebody opened a family in an emergency, although it is not one of their areas."""

    IMMEDIATE_DANGER = "immediate_danger", "a child is in immediate danger"
    COVERING_DESK = "covering_desk", "covering the desk of another area"
    FAMILY_MOVED = "family_moved", "the family has moved here"
    ASKED_BY_MANAGER = "asked_by_manager", "asked by a manager"


class RecipientRole(Code):
    """Who an alert is for."""

    FRONT_DOOR = "front_door", "the desk of a gateway, or the front door's own"
    DUTY = "duty", "the duty social worker of an area"
    AREA_TEAM = "area_team", "the early-help team of an area"
    EDT = "edt", "the emergency duty team, outside working hours"
    LEAD_PROFESSIONAL = "lead_professional", "the family's lead professional"
    SERVICE = "service", "the service that the family is open to"
    MANAGER = "manager", "the manager of an area or gateway"
    INFORMATION_GOVERNANCE = "information_governance", "the people responsible for sharing information"
    DATA_OWNER = "data_owner", "the people responsible for an authority's source systems"
    ENGINEER = "engineer", "the people who run the pipeline"


class AlertStatus(Code):
    """State of an alert."""

    OPEN = "open", "somebody must act on it"
    CLOSED = "closed", "somebody dealt with it and said so"
    CLEARED = "cleared", "what it warned of is over"
    WITHDRAWN = "withdrawn", "the facts were corrected or withdrawn, or late evidence changed them"


class AuditAction(Code):
    """What somebody did, as the audit records it."""

    ALERTS_SEEN = "alerts_seen", "saw alerts, on a page or in a terminal"
    PAGE_OPENED = "page_opened", "opened a page with an account"
    TABLE_DOWNLOADED = "table_downloaded", "downloaded a table of a page with an account"
    LAKE_QUERIED = "lake_queried", "ran a query on the lake"
    LAKE_OPENED = "lake_opened", "got a way into the lake on which single queries are not recorded"
    QUARANTINE_SEEN = "quarantine_seen", "saw the content of rejected records"
    ALERT_ACKNOWLEDGED = "alert_acknowledged", "acknowledged an alert"
    ALERT_CLOSED = "alert_closed", "closed an alert"
    ALERT_ACTION_UNDONE = "alert_action_undone", "took back an acknowledgement or a closing"
    FAMILY_OPENED = "family_opened", "opened a family in an emergency, without a right to see it"
    RECORDS_REPLAYED = "records_replayed", "sent rejected records again"
    HOLD_RELEASED = "hold_released", "released a hold on the marts"
    RULES_CHANGED = "rules_changed", "started the watcher with other rules or thresholds than before"
    FIGURES_PUBLISHED = "figures_published", "published figures"
    PUBLICATION_BEGUN = "publication_begun", "confirmed with which quarter publication begins"
    ACCESS_ANSWERED = "access_answered", "made the answer to a request of access"
    ERASURE_ASKED = "erasure_asked", "asked for an erasure"
    ERASURE_APPROVED = "erasure_approved", "approved an erasure, and carried it out"
    ERASURE_WITHDRAWN = "erasure_withdrawn", "took back an erasure that had erased nothing yet"
    LEGAL_HOLD_SET = "legal_hold_set", "set or ended a legal hold"
    BACKUP_MADE = "backup_made", "made a backup"
    SECRET_REPLACED = "secret_replaced", "replaced a password or key"
    LOGGED_IN = "logged_in", "logged in to the pages"
    LOGIN_FAILED = "login_failed", "gave a wrong name or password"
    LOGGED_OUT = "logged_out", "logged out of the pages"
    ACCOUNT_SET = "account_set", "added an account, or changed its password or role"
    ACCOUNT_REMOVED = "account_removed", "removed an account"
    AUDIT_READ = "audit_read", "read the audit, or checked it"
    SPOOL_CHANGED = "spool_changed", "somebody changed entries while they waited to be sent"


class AuditActor(Code):
    """Who did something that the audit records."""

    ACCOUNT = "account", "an account of the pages"
    USER = "user", "a user of the machine, on the command line"
    PART = "part", "a part of the pipeline, such as a DAG"
    NOBODY = "nobody", "somebody who is not logged in"


class AuditOutcome(Code):
    """Whether somebody was allowed to do what the audit records."""

    ALLOWED = "allowed", "it was allowed; it was recorded before it was done"
    REFUSED = "refused", "it was refused"
