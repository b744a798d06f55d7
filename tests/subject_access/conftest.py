"""A lake with a family in which one adult endangers another, and people who are none of their business."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from streams import names
from streams.contracts import Accepted, decode
from streams.contracts.columns import events_table, quarantine_table
from streams.contracts.outputs import Alert, Evidence, Feedback, Recipient, SharingDecision
from streams.lake.connect import connect
from streams.lake.postgres import Postgres
from streams.land.tables import output_table
from streams.settings import Settings
from streams.subject_access.answer import document, json_text
from streams.subject_access.holdings import open_holdings
from streams.subject_access.policy import Policy, read_policy
from streams.tell.referrers.letter import letter_id

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
TOPICS = {"referral": names.REFERRAL, "case-change": names.CASE_CHANGE, "escalation": names.ESCALATION}


class Lake:
    """Makes records, and puts them into the lake as `land` does."""

    def __init__(self) -> None:
        self.records: list[Any] = []
        self._offsets: Counter[str] = Counter()

    def event(self, fact: str, data: dict[str, Any], *, key: str | None = None, **envelope: Any) -> str:
        """Add an event, and return its id. `fact` is written as `topic.fact`."""
        group, _, name = fact.partition(".")
        id_ = envelope.pop("id", None) or f"secret-event-{len(self.records)}"
        value = {
            "specversion": "1.0",
            "id": id_,
            "source": "/secret-reporter/system",
            "type": f"uk.caf.{group}.{name}.v1",
            "time": f"2026-03-{1 + len(self.records) % 19:02}T03:17:43Z",
            "authority": "E08000015",
            "data": data,
        } | envelope
        self.raw(TOPICS[group], key or data.get("family_id") or data["person_id"], json.dumps(value).encode())
        return id_

    def raw(self, topic: str, key: str, value: bytes) -> None:
        offset, self._offsets[topic] = self._offsets[topic], self._offsets[topic] + 1
        record = SimpleNamespace(
            topic=topic,
            partition=0,
            offset=offset,
            timestamp=int(NOW.timestamp() * 1000),
            key=key.encode(),
            value=value,
            headers=[],
        )
        self.records.append(decode(record))

    def write(self, settings: Settings, outputs: dict[str, list[Any]]) -> None:
        accepted = [one for one in self.records if isinstance(one, Accepted)]
        rejected = [one for one in self.records if not isinstance(one, Accepted)]
        with connect(settings, landing="read_write") as lake:
            tables = {"events": events_table(accepted, NOW), "quarantine": quarantine_table(rejected, NOW)}
            for table, data in outputs.items():
                wrapped = [
                    SimpleNamespace(topic=table, partition=0, offset=number, received_ms=0, data=one)
                    for number, one in enumerate(data)
                ]
                tables[table] = output_table(table, wrapped, NOW)
            for table, rows in tables.items():
                lake.register("batch", rows)
                lake.execute(f"INSERT INTO landing.main.{table} BY NAME FROM batch")


FAMILY, OTHER_FAMILY = "F-own", "F-secret-other"
FEARED, VICTIM, CHILD = "P-feared", "P-secret-victim", "P-child"
SECRETS = ("secret", "1A", "N1", "E01007110", "domestic", "marac", "03:17:43", "victim", "separated", "refuge", "E0800")
"""Values that nobody who asks as a subject may find: all planted texts contain one of them."""


@pytest.fixture(scope="module")
def home_of_fear(
    settings: Settings, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """Settings of the lake."""
    own = replace(settings, database=f"t_{uuid4().hex[:12]}", lake_data=str(tmp_path_factory.mktemp("lake")))
    lake = Lake()
    evidence = _family(lake)
    _others(lake)
    lake.write(own, _outputs(evidence))
    yield own
    postgres.drop(own.database)


def _family(lake: Lake) -> str:
    event = lake.event
    person = {"sex": "M", "ethnicity": "WBRI", "school_id": "secret-school"}
    event("case-change.person-recorded", {"person_id": FEARED, "date_of_birth": "1985-02-03"} | person)
    event("case-change.person-recorded", {"person_id": VICTIM, "date_of_birth": "1987-07-29"})
    child = {"person_id": CHILD, "date_of_birth": "2017-05-21", "school_id": "secret-school", "disabilities": ["LD"]}
    wrong = event("case-change.person-recorded", child | {"date_of_birth": "2016-11-30"})
    _amend(lake, wrong, "person-recorded", child)
    event("case-change.household-joined", {"family_id": FAMILY, "person_id": FEARED, "household_role": "partner"})
    event("case-change.household-joined", {"family_id": FAMILY, "person_id": CHILD, "household_role": "child"})
    event("case-change.household-joined", {"family_id": FAMILY, "person_id": VICTIM, "household_role": "mother"})
    left = {"family_id": FAMILY, "person_id": VICTIM, "leaving_reason": "separated"}
    event("case-change.household-left", left)
    address = {"address_id": "secret-refuge", "lsoa_code": "E01007110", "is_address_protected": True}
    event("case-change.address-changed", {"family_id": FAMILY} | address)
    event("case-change.address-changed", {"person_id": CHILD} | address)
    marker = {"marker_kind": "marac", "marker_basis": "alleged", "marker_families": [FAMILY]}
    for name, role in ((FEARED, "source_of_risk"), (VICTIM, "victim")):
        event(
            "case-change.risk-marker-set",
            {"person_id": name, "marker_id": f"secret-{role}", "marker_role": role} | marker,
        )
    release = {"release_on": "2026-04-02", "address_id": "secret-address", "release_family_id": OTHER_FAMILY}
    event("case-change.custody-release-planned", {"person_id": FEARED} | release)
    told = {"family_id": FAMILY, "source_code": "1A", "agency_id": "secret-agency", "incident_id": "secret-incident"}
    evidence = event("referral.contact-recorded", told | {"contact_id": "secret-contact"})
    referral = {"referral_id": "secret-referral", "severity": "red", "primary_need": "N1", "consent": "refused"}
    event("referral.referral-submitted", told | referral | {"person_ids": [CHILD], "remarks": "secret remark"})
    event("referral.referral-decided", {"family_id": FAMILY, "referral_id": "secret-referral", "decision": "mash"})
    shared = {"sharing_id": "secret-sharing", "sharing_purpose": "safeguarding", "sharing_basis": "vital_interests"}
    shared |= {"agency_id": "secret-refuge-agency", "information_kinds": ["risk_marker"], "person_id": FEARED}
    event("referral.information-shared", {"family_id": FAMILY} | shared)
    reported = {"escalation_id": "secret-escalation", "escalation_kind": "domestic_abuse_incident", "severity": "red"}
    event("escalation.escalation-reported", told | reported | {"person_ids": [FEARED, VICTIM]})
    seen = {"family_id": FAMILY, "worker_id": "secret-worker"}
    event("case-change.family-seen", seen | {"person_ids": [CHILD]})
    service = {"service_id": "secret-refuge-service", "service_kind": "domestic_abuse"}
    event("case-change.case-opened", {"family_id": FAMILY, "case_id": "secret-case"} | service)
    outcome = {"outcome_framework": "supporting_families", "outcome_stage": "baseline"}
    event("case-change.outcome-recorded", {"family_id": FAMILY, "outcome_number": 8, "score": 3} | outcome)
    child_outcome = {"family_id": FAMILY, "person_id": CHILD, "outcome_number": 2, "score": 7}
    event("case-change.outcome-recorded", child_outcome | outcome)
    notified = {"person_id": CHILD, "incident_id": "secret-incident", "school_id": "secret-school"}
    event("case-change.school-notified", {"family_id": FAMILY} | notified)
    acknowledged = {"alert_id": "secret-alert", "worker_id": "secret-worker", "note": "secret note about the mother"}
    event("escalation.alert-acknowledged", acknowledged, key="secret-alert")
    # Somebody reports the same again, and somebody else had reported something else before.
    again = {"source": "/secret-school/system"}
    event("case-change.outcome-recorded", child_outcome | outcome, **again)
    event("case-change.person-recorded", {"person_id": FEARED, "date_of_birth": "1985-02-03"} | person, **again)
    before = {"time": "2026-02-01T03:17:43Z"} | again
    event("case-change.person-recorded", {"person_id": FEARED, "date_of_birth": "1985-12-13"}, **before)
    event("case-change.custody-release-planned", {"person_id": FEARED, "release_on": "2026-12-24"}, **before)
    lake.raw(names.REFERRAL, FAMILY, b'{"rejected": "secret text about P-child"}')
    lake.raw(names.REFERRAL, "F-nobody", rb'{"rejected": "secret \u0050-child, spelt with an escape"}')
    return evidence


def _others(lake: Lake) -> None:
    """People and families whose ids look alike, and an old id of the child."""
    event = lake.event
    event("case-change.person-recorded", {"person_id": "P-child-10", "date_of_birth": "2011-01-01"})
    event("case-change.person-recorded", {"person_id": "P-old", "date_of_birth": "2017-05-21", "sex": "F"})
    event("case-change.persons-linked", {"person_id": CHILD, "linked_person_id": "P-old", "link_basis": "same_number"})
    event("case-change.person-recorded", {"person_id": "P-secret-namesake", "date_of_birth": "1999-09-09"})
    weak = {"person_id": CHILD, "linked_person_id": "P-secret-namesake", "link_basis": "same_name_birth_address"}
    event("case-change.persons-linked", weak)
    event("case-change.person-recorded", {"person_id": "P-secret-mistake", "date_of_birth": "1998-08-08"})
    mistake = event(
        "case-change.persons-linked",
        {"person_id": CHILD, "linked_person_id": "P-secret-mistake", "link_basis": "confirmed_by_worker"},
    )
    _amend(lake, mistake, None, {"person_id": CHILD})
    lake.raw(names.REFERRAL, "F-far", b'{"rejected": "about xP-child only"}')


def _amend(lake: Lake, root: str, fact: str | None, data: dict[str, Any]) -> None:
    amendment = {"root_source": "/secret-reporter/system", "root_id": root, "withdrawal_reason": "recorded_in_error"}
    if fact is None:
        lake.event("case-change.withdrawn", amendment | data, time="2026-03-20T03:17:43Z")
        return
    amendment |= {"replaced_type": f"uk.caf.case-change.{fact}.v1", "replaced_time": "2026-03-04T03:17:43Z"}
    key = data["person_id"]
    lake.event("case-change.corrected", amendment | {"replacement": data}, key=key, time="2026-03-20T03:17:43Z")


def _outputs(evidence: str) -> dict[str, list[Any]]:
    first = Evidence(NOW, "/secret-reporter/system", evidence, "uk.caf.referral.contact-recorded.v1")
    facts: dict[str, Any] = {
        "rule": "two_agencies_one_week",
        "rule_version": 1,
        "profile_version": "1",
        "severity": "amber",
        "status": "open",
        "reason": "secret reason",
        "evidence": [first],
        "anchor_source": first.source,
        "anchor_id": first.id,
        "anchored_at": NOW,
        "clears_when": "secret clears",
        "occurred_at": NOW,
        "received_at": NOW,
        "raised_at": NOW,
        "recipients": [Recipient("duty", "secret-desk")],
    }
    about = {"alert_id": "secret-alert", "entity_kind": "family", "entity_id": FAMILY, "family_id": FAMILY}
    others = {"alert_id": "alert-of-others", "entity_kind": "family", "entity_id": "F-far", "family_id": "F-far"}
    decided = {"alert_id": "secret-alert", "version": 1, "rule": "two_agencies_one_week", "family_id": FAMILY}
    decided |= {"partner": "police", "verdict": "permit", "verdict_reason": "policy", "sharing_purpose": "safeguarding"}
    letter = {"referral_id": "secret-referral", "letter_id": letter_id(FAMILY, "secret-referral"), "version": 1}
    return {
        "alerts": [Alert(**facts, **about, version=version) for version in (1, 2)]
        + [Alert(**facts | {"evidence": []}, **others, version=1)],
        "sharing_decisions": [
            SharingDecision(**decided, sharing_basis="public_task", policy_version="1", decided_at=NOW)
        ],
        "feedback": [
            Feedback(**letter, feedback_kind="outcome", source_code="1A", decided_at=NOW, sentences=["secret letter"])
        ],
    }


@pytest.fixture(scope="module")
def ask(home_of_fear: Settings) -> Callable[..., Any]:
    """Asks about an id, and returns the answer as JSON. An answer with the project's policy is made only once."""

    @cache
    def asked(id_: str, reader: str = "subject", kind: Any = None, policy: Policy | None = None) -> Any:
        with open_holdings(home_of_fear, id_, kind) as holdings:
            return json.loads("".join(json_text(holdings, policy or read_policy(), reader)))

    return asked


@pytest.fixture(scope="module")
def page(home_of_fear: Settings) -> Callable[[str, str], str]:
    """Asks about an id, and returns the answer as a document."""

    @cache
    def asked(id_: str, reader: str) -> str:
        with open_holdings(home_of_fear, id_) as holdings:
            return "".join(document(holdings, read_policy(), reader))

    return asked
