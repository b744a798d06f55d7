"""
Hand-made families in areas of Wirral, with alerts in the last complete quarter. The figures about these families are
counted by hand.

| families | area | a child each | one alert each |
|---|---|---|---|
| A1 … A8 | Birkenhead | girl, WBRI, disability not recorded | acknowledged after 5, 10 … 40 minutes; A5's is replaced |
| B1 … B7 | Wallasey | boy, WBRI, not disabled | acknowledged after 90 minutes; B1's withdrawn |
| C1 | Wirral West | boy, WROM, autistic | never acknowledged |
| D1 … D6 | protected | nothing recorded | none |
"""

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pyarrow as pa

from streams.contracts import Accepted, decode
from streams.contracts.event import event_types, fact_name
from streams.names import TIME_ZONE

__all__ = ["AUTHORITY", "Families", "quarter_start"]

AUTHORITY = "E08000015"
LSOAS = {"birkenhead": "E01007119", "wallasey": "E01007203", "wirral_west": "E01007183"}
FAMILIES = (
    [(f"A{n}", "birkenhead", {"sex": "F", "ethnicity": "WBRI"}) for n in range(1, 9)]
    + [(f"B{n}", "wallasey", {"sex": "M", "ethnicity": "WBRI", "disabilities": ["NONE"]}) for n in range(1, 8)]
    + [("C1", "wirral_west", {"sex": "M", "ethnicity": "WROM", "disabilities": ["AUT"]})]
    + [(f"D{n}", None, {}) for n in range(1, 7)]
)
CLOSINGS = {"A1": "acted_on", "A2": "not_useful", "A3": "already_known", "A4": "wrong_family"}


def quarter_start(today: datetime) -> datetime:
    """Return the start of the last complete quarter: midnight in London."""
    local = today.astimezone(ZoneInfo(TIME_ZONE))
    month = local.month - (local.month - 1) % 3 - 3
    year, month = (local.year, month) if month > 0 else (local.year - 1, month + 12)
    return datetime(year, month, 1, tzinfo=ZoneInfo(TIME_ZONE)).astimezone(UTC)


class Families:
    """The families' events: `events` as the contract accepts them, and `alerts` as rows of the landing table."""

    def __init__(self, today: datetime) -> None:
        self.events: list[Accepted] = []
        self.alerts: list[dict] = []
        self.raised = quarter_start(today) + timedelta(days=20, hours=9)
        """The time at which every alert of the quarter is raised."""
        self._offsets = count()
        self._told = quarter_start(today) - timedelta(days=10)
        for family, area, characteristics in FAMILIES:
            self._household(family, area, characteristics)
        self._people_who_do_not_count()
        for family, minutes in [(f"A{n}", 5 * n) for n in range(1, 9)] + [(f"B{n}", 90) for n in range(2, 8)]:
            self._alerted(family, minutes)
        self._more_is_said_of_a_closed_one()
        self._one_is_replaced()
        self._an_acknowledgement_is_withdrawn()
        self._alert("C1")
        self._alerts_that_do_not_count(today)

    def alerts_table(self) -> pa.Table:
        """Return the alerts as a table. The times in the table are in UTC and have no time zone, as in the lake."""
        rows = [
            {name: value.replace(tzinfo=None) if isinstance(value, datetime) else value for name, value in row.items()}
            for row in self.alerts
        ]
        columns = {name: None for row in rows for name in row}
        return pa.Table.from_pylist([columns | row for row in rows])

    def _household(self, family: str, area: str | None, characteristics: dict) -> None:
        child = f"P-{family}"
        place = {"lsoa_code": LSOAS[area]} if area else {"is_address_protected": True}
        self._tell("person-recorded", self._told, person_id=child, date_of_birth="2019-05-01", **characteristics)
        self._tell("address-changed", self._told, family_id=family, **place)
        self._tell(
            "household-joined",
            self._told,
            id_=f"joined-{family}",
            family_id=family,
            person_id=child,
            household_role="child",
        )

    def _people_who_do_not_count(self) -> None:
        """Add an adult, a child who had left by the time of the alert, and a second person id of a child."""
        for person, born in (("P-adult", "1985-05-01"), ("P-left", "2019-05-01"), ("P-twice", "2019-05-01")):
            self._tell("person-recorded", self._told - timedelta(days=1), person_id=person, date_of_birth=born)
            self._tell(
                "household-joined",
                self._told,
                family_id="A1",
                person_id=person,
                household_role="mother" if person == "P-adult" else "child",
            )
        self._tell("household-left", self.raised, family_id="A1", person_id="P-left")
        self._tell("persons-linked", self._told, person_id="P-twice", linked_person_id="P-A1", link_basis="same_number")

    def _alerted(self, family: str, minutes: int) -> None:
        """Raise the family's alert, and let a worker act on it `minutes` later."""
        self._alert(family)
        moment, closure = self.raised + timedelta(minutes=minutes), CLOSINGS.get(family)
        if family != "A1":
            self._tell("alert-acknowledged", moment, alert_id=f"alert-{family}", worker_id="W1", family_id=family)
            self._alert(family, 2, acknowledged_at=moment, acknowledged_by="W1")
        if closure:
            closed = moment + timedelta(minutes=0 if family == "A1" else 30)
            self._tell(
                "alert-closed",
                closed,
                alert_id=f"alert-{family}",
                worker_id="W2",
                family_id=family,
                alert_closure=closure,
            )
            did = {"closed_at": closed, "closed_by": "W2", "alert_closure": closure}
            first = (closed, "W2") if family == "A1" else (moment, "W1")
            self._alert(family, 3, status="closed", acknowledged_at=first[0], acknowledged_by=first[1], **did)

    def _more_is_said_of_a_closed_one(self) -> None:
        self._alert("A4", 4, severity="red")

    def _one_is_replaced(self) -> None:
        """Replace an alert by a successor. The successor was acknowledged before it was raised."""
        acknowledged = {"acknowledged_at": self.raised + timedelta(minutes=25), "acknowledged_by": "W1"}
        later = self.raised + timedelta(hours=3)
        self._alert("A5", 3, status="withdrawn", status_reason="superseded", raised_at=later, **acknowledged)
        self._alert("A5", alert_id="successor", supersedes="alert-A5", raised_at=later, **acknowledged)

    def _an_acknowledgement_is_withdrawn(self) -> None:
        """
        Acknowledge an alert by mistake, and withdraw the acknowledgement. When the acknowledgement is withdrawn, the
        family's address is protected.
        """
        moment = self.raised + timedelta(minutes=5)
        acknowledged = {"alert_id": "alert-B1", "worker_id": "W3", "family_id": "B1"}
        self._alert("B1")
        self._tell("alert-acknowledged", moment, id_="mistake", **acknowledged)
        self._alert("B1", 2, acknowledged_at=moment, acknowledged_by="W3")
        self._send(
            "uk.caf.escalation.withdrawn.v1",
            moment + timedelta(minutes=1),
            "withdrawal",
            {"root_source": "/test", "root_id": "mistake", "withdrawal_reason": "recorded_in_error", "family_id": "B1"},
        )
        self._alert("B1", 3, area=None)

    def _alerts_that_do_not_count(self, today: datetime) -> None:
        """
        Add an alert from history, a test alert, an alert from just before the quarter, and a reminder about another
        alert.
        """
        self._alert("B2", alert_id="history", backfill=True)
        self._alert("B3", alert_id="test", test=True)
        reminder = {"rule": "alert_unacknowledged", "entity_kind": "alert", "entity_id": "alert-B2", "severity": "red"}
        self._alert("B2", alert_id="reminder", **reminder)
        before = quarter_start(today) - timedelta(microseconds=1)
        self._alert("A1", alert_id="earlier", status="cleared", raised_at=before)

    def _alert(self, family: str, version: int = 1, **own: object) -> None:
        """Add a version of a family's alert, a minute after the version before."""
        self.alerts.append(
            {
                "topic": "caf.escalation.alerts.v1",
                "kafka_partition": 0,
                "kafka_offset": len(self.alerts),
                "alert_id": f"alert-{family}",
                "version": version,
                "rule": "adult_returns",
                "rule_version": 1,
                "severity": "amber",
                "status": "open",
                "entity_kind": "family",
                "entity_id": family,
                "family_id": family,
                "reason": "told by hand",
                "anchor_source": "/test",
                "anchor_id": f"joined-{family}",
                "anchored_at": self._told,
                "cause_received_at": self.raised,
                "raised_at": self.raised + timedelta(minutes=version - 1),
                "backfill": False,
                "test": False,
                "area": {name: area for name, area, _ in FAMILIES}[family],
            }
            | own
        )

    def _tell(self, fact: str, at: datetime, *, id_: str | None = None, **data: object) -> None:
        type_ = next(type_ for type_ in event_types() if fact_name(type_) == fact)
        self._send(type_, at, id_ or f"told-{next(self._offsets)}", data)

    def _send(self, type_: str, at: datetime, id_: str, data: dict) -> None:
        envelope = {"specversion": "1.0", "id": id_, "source": "/test", "type": type_, "authority": AUTHORITY}
        topic = f"caf.{type_.split('.')[2]}.v1"
        record = SimpleNamespace(
            topic=topic,
            partition=1,
            offset=next(self._offsets),
            timestamp=int(at.timestamp() * 1000),
            key=str(data.get("family_id") or data["person_id"]).encode(),
            value=json.dumps(envelope | {"time": at.isoformat(), "data": data}).encode(),
            headers=[],
        )
        found = decode(record)
        assert isinstance(found, Accepted), found
        self.events.append(found)
