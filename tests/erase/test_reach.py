"""An erasure that is repeated goes no further than its approval, and leaves nothing of what was approved."""

import json
from pathlib import Path

import pytest

from streams import names
from streams.erase.find import Found, Place, find
from streams.erase.reach import Reach
from streams.erase.records import Records
from streams.erase.retire import refuse_others
from streams.erase.subject import Subject
from streams.errors import ErasureInvalid, ErasureWaits
from streams.lake.connect import connect
from streams.settings import Settings
from tests.erase.conftest import CHILD, FAMILY, GONE, Home
from tests.erase.test_restored import land

SUBJECT = Subject.of([FAMILY], [CHILD])
TOPICS = (*names.INPUT_TOPICS, names.ALERTS, names.FEEDBACK, names.SHARING_DECISION)
AGAIN = "again6120"
"""A word that is only in what is sent after the approval."""


@pytest.fixture
def lake_of_two(fresh_settings: Settings) -> Settings:
    """A lake in which the family was recorded before the approval, and was reported again afterwards."""
    home = Home(fresh_settings)
    land(fresh_settings, [*home.story(FAMILY, GONE), report(home)])
    return fresh_settings


BEFORE = 7
"""The number of records before the approval."""
REACH = Reach({f"{topic}/0": BEFORE for topic in TOPICS}, {})


def report(home: Home, number: int = 0) -> tuple[str, str, bytes]:
    about = {"family_id": FAMILY, "source_code": "6", "severity": "amber", "consent": "given", "person_ids": [CHILD]}
    return home.event(
        "referral-submitted", about=f"-{AGAIN}-{number}", **about, referral_id=f"R-{AGAIN}-{number}", agency_id="s-1"
    )


def found_in(settings: Settings, reach: Reach | None = REACH) -> Found:
    with connect(settings, marts=None) as lake:
        return find(lake, SUBJECT, reach)


def add(settings: Settings, table: str, **columns: object) -> None:
    named = ", ".join(f"{value} AS {name}" for name, value in columns.items())
    with connect(settings, landing="read_write", marts=None) as lake:
        lake.execute(f"INSERT INTO landing.main.{table} BY NAME SELECT 0 AS kafka_partition, {named}")


def add_alert(settings: Settings, alert: str, offset: int, *, on: str) -> None:
    """Land an alert about the family that rests on an event."""
    event = f"SELECT {{'time': event_at, 'source': event_source, 'id': event_id, 'type': 'x'}} FROM landing.main.events WHERE referral_id = '{on}' AND fact = 'referral-submitted'"  # noqa: E501
    about = {"topic": f"'{names.ALERTS}'", "kafka_offset": offset, "alert_id": f"'{alert}'", "family_id": f"'{FAMILY}'"}
    add(settings, "alerts", **about, entity_kind="'family'", reason="''", evidence=f"[({event})]")


@pytest.mark.slow
def test_a_report_after_the_approval_stays_and_is_counted(lake_of_two: Settings) -> None:
    found = found_in(lake_of_two)

    assert len(found.erased["events"]) == BEFORE
    assert Place(names.REFERRAL, 0, BEFORE) not in found.places
    assert found.later == 1
    assert len(found_in(lake_of_two, None).erased["events"]) == BEFORE + 1


@pytest.mark.slow
def test_a_later_alert_stays_if_it_rests_on_what_stays(lake_of_two: Settings) -> None:
    """A watcher that was interrupted with the erasure may still raise one that rests on erased events."""
    add_alert(lake_of_two, "before", 0, on=f"R-{GONE}")
    add_alert(lake_of_two, "old-tables", BEFORE, on=f"R-{GONE}")
    add_alert(lake_of_two, "new", BEFORE + 1, on=f"R-{AGAIN}-0")

    assert found_in(lake_of_two).alerts == ["before", "old-tables"]
    with connect(lake_of_two, landing="read_write", marts=None) as lake:
        lake.execute(f"DELETE FROM landing.main.events WHERE kafka_offset < {BEFORE}")
    assert found_in(lake_of_two).alerts == ["before", "old-tables"]


@pytest.mark.slow
def test_later_letters_stay_only_if_a_later_event_is_about_the_referral(lake_of_two: Settings) -> None:
    for offset, referral in enumerate([f"R-{GONE}", f"R-{GONE}-2"] * 2, start=BEFORE - 2):
        add(lake_of_two, "feedback", topic=f"'{names.FEEDBACK}'", kafka_offset=offset, referral_id=f"'{referral}'")
    with connect(lake_of_two, landing="read_write", marts=None) as lake:
        lake.execute(f"UPDATE landing.main.events SET referral_id = 'R-{GONE}' WHERE kafka_offset = {BEFORE}")

    assert [place.offset for place in found_in(lake_of_two).erased["feedback"]] == [5, 6, 8]


@pytest.mark.slow
def test_a_partition_without_records_at_the_approval_is_not_covered(lake_of_two: Settings) -> None:
    assert found_in(lake_of_two, Reach({}, {})).counts == {"changed": 0}


@pytest.mark.slow
def test_the_schedule_refuses_if_a_report_has_arrived_since_the_approval(fresh_settings: Settings) -> None:
    made = Records(fresh_settings).request([FAMILY], [], "retention schedule", "schedule", schedule="1")
    with (
        connect(fresh_settings, marts=None) as lake,
        pytest.raises(ErasureInvalid, match="1 records about it have landed"),
    ):
        refuse_others(lake, made, Found(later=1))


def test_one_erasure_is_carried_out_at_a_time_and_none_is_taken_back_meanwhile(tmp_path: Path) -> None:
    """Two at once would read each other's changed settings of topics, and would put the wrong ones back."""
    records = Records(Settings(home=tmp_path))
    one, other = (
        records.approve(records.request([family], [], "court order", "anna").id, "ben") for family in ("F-1", "F-2")
    )
    with records.carried_out(one.id):
        with pytest.raises(ErasureWaits, match="another erasure"), records.carried_out(other.id):
            pass
        with pytest.raises(ErasureInvalid, match="is being carried out"):
            records.withdraw(one.id)
    records.withdraw(one.id)
    with pytest.raises(ErasureInvalid, match="is withdrawn"), records.carried_out(one.id):
        pass


def test_what_may_have_changed_the_lake_is_neither_taken_back_nor_approved_anew(tmp_path: Path) -> None:
    """It is noted before the lake is changed, because the process may be killed after that."""
    records = Records(Settings(home=tmp_path))
    made = records.approve(records.request(["F-1"], [], "court order", "anna").id, "ben")
    made.has_begun = True
    records.save(made)
    records.reopen(made.id)

    assert records.get(made.id).state == "approved"
    with pytest.raises(ErasureInvalid, match="has begun"):
        records.withdraw(made.id)


def test_a_new_approval_reaches_further(tmp_path: Path) -> None:
    records = Records(Settings(home=tmp_path))
    made = records.approve(records.request(["F-1"], [], "court order", "anna").id, "ben")
    made.reach = REACH
    records.save(made)
    assert json.loads((tmp_path / "erasures" / f"{made.id}.json").read_text())["reach"]["landed"]
    records.reopen(made.id)

    assert records.get(made.id).reach is None
