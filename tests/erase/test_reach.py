"""An erasure that is repeated goes no further than its approval, and leaves nothing of what was approved."""

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from streams import names
from streams.alerts.landed import latest_alerts
from streams.contracts.outputs import Alert
from streams.erase import run
from streams.erase.find import Found, Place, find
from streams.erase.reach import Reach
from streams.erase.records import Records
from streams.erase.retire import refuse_others
from streams.erase.run import erase
from streams.erase.subject import Subject
from streams.errors import ErasureInvalid, ErasureUnfinished, ErasureWaits
from streams.lake.connect import connect
from streams.land.verify import verify_offsets
from streams.settings import Settings
from tests.built import quick_build
from tests.erase.conftest import CHILD, FAMILY, GONE, STAYING, Home
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


@pytest.mark.long
def test_what_arrives_while_an_erasure_is_interrupted_stays(
    council: Home, patience: Callable[[Callable[[], object]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is interrupted after the topics were rewritten, and again before the marts were built."""
    settings, numbers = council.settings, count()

    def interrupted(*_: object) -> None:
        raise ErasureUnfinished("the machine lost its power")

    def referrals() -> list[str]:
        with connect(settings, marts=None) as lake:
            query = f"SELECT referral_id FROM landing.main.events WHERE family_id = '{FAMILY}' ORDER BY ALL"
            return [one for (one,) in lake.execute(query).fetchall()]

    def alerts() -> list[Alert]:
        # In the lake, because an erasure cuts the topic of alerts when everything on it has landed.
        with connect(settings, marts=None) as lake:
            query = f"SELECT DISTINCT alert_id FROM landing.main.alerts WHERE family_id = '{FAMILY}'"
            ids = [one for (one,) in lake.execute(query).fetchall()]
            return latest_alerts(lake, ids) if ids else []

    def report_again() -> None:
        council.send(report(council, next(numbers)))
        patience(lambda: any(one and AGAIN in one for one in referrals()))

    with council.running():
        council.send(*council.story(FAMILY, GONE), *council.story(STAYING, "stay5086"))
        patience(lambda: {FAMILY, STAYING} <= {alert.family_id for alert in council.alerts()})
        patience(lambda: not verify_offsets(settings).differences)
        records = Records(settings)
        erasure = records.approve(records.request([FAMILY], [CHILD], "asked for by the family", "anna").id, "ben")
        with monkeypatch.context() as patch:
            patch.setattr(run, "erase_landed", interrupted)
            with pytest.raises(ErasureUnfinished, match="lost its power"):
                erase(settings, erasure)
        report_again()
        with pytest.raises(ErasureUnfinished, match="too few rows"):
            erase(settings, erasure, holds=lambda _: ["too few rows"])
        report_again()
        left = erase(settings, erasure)
        patience(lambda: not verify_offsets(settings).differences)
        patience(lambda: quick_build(settings).snapshot.is_watched)
        patience(alerts)
    with connect(settings, marts=None) as lake:
        payloads = [text for (text,) in lake.execute("SELECT payload FROM landing.main.events").fetchall()]

    assert referrals() == [f"R-{AGAIN}-0", f"R-{AGAIN}-1"]
    assert left == ["2 records about these ids arrived after the approval, and stay. Ask again if they must go"]
    assert [text for text in payloads if f"remark of {GONE}" in text or f"R-{GONE}" in text] == []
    assert [item.id for alert in alerts() for item in alert.evidence if AGAIN not in item.id] == []


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
