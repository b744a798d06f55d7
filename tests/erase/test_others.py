"""What an erasure takes away is about the subject, and nothing of others is lost or held against their will."""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from streams import names
from streams.cli.erase import command
from streams.erase.find import Found, Place, find
from streams.erase.held import refuse_held
from streams.erase.landing import erase_landed
from streams.erase.records import Records
from streams.erase.restored import apply_erasures
from streams.erase.subject import Subject
from streams.errors import ErasureInvalid
from streams.lake.connect import connect
from streams.settings import Settings
from tests.erase.conftest import Home
from tests.erase.test_restored import in_files, land

pytestmark = pytest.mark.long

Add = Callable[..., None]
OTHERS = ("F-1-B", "F-1/2", "LCS:F-1", "F-1-")
CASE = {"topic": names.CASE_CHANGE}
ALERT = {"entity_kind": "family", "reason": "", "evidence": []}


@pytest.fixture
def add(fresh_settings: Settings) -> Add:
    """Puts a row into a landing table."""

    def add(table: str, offset: int, topic: str = names.REFERRAL, **columns: object) -> None:
        given = {"topic": topic, "kafka_partition": 0, "kafka_offset": offset, **columns}
        named = ", ".join(f"${name} AS {name}" for name in given)
        with connect(fresh_settings, landing="read_write", marts=None) as lake:
            lake.execute(f"INSERT INTO landing.main.{table} BY NAME SELECT {named}", given)

    return add


def joined(home: Home, family: str, person: str, **data: object) -> tuple[str, str, bytes]:
    return home.event("household-joined", **CASE, family_id=family, person_id=person, household_role="child", **data)


def found_in(settings: Settings, families: Iterable[str], persons: Iterable[str] = ()) -> Found:
    with connect(settings, marts=None) as lake:
        return find(lake, Subject.of(families, persons))


def payloads(settings: Settings) -> list[dict]:
    with connect(settings, marts=None) as lake:
        rows = lake.execute("SELECT payload FROM landing.main.events ORDER BY kafka_offset").fetchall()
    return [json.loads(text) for (text,) in rows]


def test_families_whose_ids_contain_the_erased_one_lose_nothing(fresh_settings: Settings, add: Add) -> None:
    home = Home(fresh_settings)
    others = [joined(home, one, f"P-{one}", remark=f"about {one}, and {OTHERS[0]}") for one in OTHERS[:3]]
    land(fresh_settings, [*others, joined(home, OTHERS[3], "P-9"), joined(home, "F-1", "P-1")])
    before = payloads(fresh_settings)
    for offset, one in enumerate((*OTHERS[:3], "F-1-C"), 10):
        add("quarantine", offset, record_value=f'{{"family_id": "{one}", "broken": '.encode())
        add("dead_letters", offset, topic=names.DEAD_LETTER, record_key=one.encode())
        add("alerts", offset, topic=names.ALERTS, alert_id=f"{offset}", family_id=one, **ALERT)
        add("sharing_decisions", offset, topic=names.SHARING_DECISION, alert_id=f"{offset}", family_id=one)
    add("quarantine", 20, record_value=b"seen with F-1, not with F-1-B")
    found = found_in(fresh_settings, ["F-1"])
    erase_landed(fresh_settings, found, "e-1")

    assert found.counts == {"events": 1, "quarantine": 1, "changed": 0}
    assert found.also_named == ["P-1"]
    assert payloads(fresh_settings) == before[:4]


def test_numbers_in_times_and_codes_of_others_are_no_ids(fresh_settings: Settings, add: Add) -> None:
    """A family may have a number as its id, as in many case systems."""
    home = Home(fresh_settings)
    land(fresh_settings, [joined(home, "123", "P-1"), joined(home, "F-2", "P-2")])
    with connect(fresh_settings, landing="read_write", marts=None) as lake:
        lake.execute(
            'UPDATE landing.main.events SET payload = regexp_replace(payload, \'"time": "[^"]*"\', '
            "'\"time\": \"2026-03-02T09:15:00.123+00:00\"') WHERE family_id = 'F-2'"
        )
    add("quarantine", 10, record_value=b'{"time": "2026-03-02T09:15:00.123+00:00", "id": "2024-123"')

    assert found_in(fresh_settings, ["123"]).counts == {"events": 1, "changed": 0}


def test_an_event_of_others_that_the_contract_no_longer_accepts_is_changed_and_not_lost(
    fresh_settings: Settings,
) -> None:
    """It is older than the contract. So its columns are changed as they are."""
    home = Home(fresh_settings)
    about = {"source_code": "6", "severity": "amber", "consent": "given", "person_ids": ["P-1", "P-2"]}
    land(
        fresh_settings,
        [
            home.event(
                "referral-submitted", family_id="F-2", referral_id="R-P-1", agency_id="s-1", remark="P-1", **about
            )
        ],
    )
    with connect(fresh_settings, landing="read_write", marts=None) as lake:
        lake.execute("UPDATE landing.main.events SET record_key = 'unknown', family_id = 'unknown'")
        lake.execute("UPDATE landing.main.events SET payload = replace(payload, 'F-2', 'unknown')")
    found = found_in(fresh_settings, [], ["P-1"])
    erase_landed(fresh_settings, found, "e-1")
    with connect(fresh_settings, marts=None) as lake:
        (row,) = lake.execute("SELECT record_key, referral_id, person_ids FROM landing.main.events").fetchall()
    marker = found.subject.markers["P-1"]

    assert row == ("unknown", f"R-{marker}", [marker, "P-2"])
    assert not in_files(fresh_settings, "P-1")


def test_an_escaped_id_in_an_event_of_others_goes(fresh_settings: Settings) -> None:
    topic, key, value = joined(Home(fresh_settings), "F-2", "P-2", remark="with LCS|12")
    land(fresh_settings, [(topic, key, value.replace(b"LCS|12", rb"LCS\/12"))])
    found = found_in(fresh_settings, ["LCS/12"])
    erase_landed(fresh_settings, found, "e-1")

    assert found.counts == {"changed": 1}
    assert "remark" not in payloads(fresh_settings)[0]["data"]


def test_a_rejected_record_of_the_audit_stays(fresh_settings: Settings, add: Add) -> None:
    """Nobody may delete from its topic, so an erasure would never end."""
    for offset, topic in enumerate((names.AUDIT, names.REFERRAL)):
        add("quarantine", offset, topic, record_value=b'{"family_ids": ["F-1"]')

    assert found_in(fresh_settings, ["F-1"]).erased["quarantine"] == [Place(names.REFERRAL, 0, 1)]


def test_an_id_of_a_family_and_of_a_person_is_refused_unless_both_are_meant(fresh_settings: Settings) -> None:
    home = Home(fresh_settings)
    land(fresh_settings, [joined(home, "123", "P-1"), joined(home, "F-2", "123")])
    asked = ["request", "--because", "court order", "--by", "anna"]
    refused = CliRunner().invoke(command, [*asked, "--family", "123"], env=fresh_settings.to_env())

    assert isinstance(refused.exception, ErasureInvalid)
    assert "1 of these ids belong to a family and to a person" in str(refused.exception)
    assert Records(fresh_settings).all() == []
    assert found_in(fresh_settings, ["123"]).counts == {"events": 1, "changed": 0}
    assert found_in(fresh_settings, ["123"], ["123"]).two_kinds == 0


def hold(settings: Settings, held: str, found: Found) -> None:
    records = Records(settings)
    records.hold(held, "court case 12", "dora")
    with connect(settings, marts=None) as lake:
        refuse_held(lake, records, found)


@pytest.mark.parametrize("table", ["quarantine", "dead_letters"])
def test_a_legal_hold_keeps_a_rejected_record_that_names_its_id(fresh_settings: Settings, add: Add, table: str) -> None:
    add(table, 0, record_value=b'{"persons": "F-1/F-2", "broken')
    found = found_in(fresh_settings, ["F-1"])
    hold(fresh_settings, "F-3", found)

    assert found.counts == {table: 1, "changed": 0}
    with pytest.raises(ErasureInvalid, match="court case 12"):
        hold(fresh_settings, "F-2", found)


@pytest.mark.parametrize("named", ["family_id", "entity_id", "reason"])
def test_a_legal_hold_keeps_an_alert_that_names_its_id(fresh_settings: Settings, add: Add, named: str) -> None:
    """The alert rests on an event that would be erased."""
    land(fresh_settings, [joined(Home(fresh_settings), "F-1", "P-1")])
    with connect(fresh_settings, marts=None) as lake:
        ((at, source, id_),) = lake.execute(
            "SELECT event_at, event_source, event_id FROM landing.main.events"
        ).fetchall()
    evidence = [{"time": at, "source": source, "id": id_, "type": "x"}]
    add("alerts", 0, names.ALERTS, alert_id="a", **ALERT | {"evidence": evidence, named: "F-2"})
    found = found_in(fresh_settings, ["F-1"])

    assert found.alerts == ["a"]
    with pytest.raises(ErasureInvalid, match="court case 12"):
        hold(fresh_settings, "F-2", found)


def test_a_legal_hold_keeps_an_event_whose_text_names_its_id(fresh_settings: Settings) -> None:
    land(fresh_settings, [joined(Home(fresh_settings), "F-1-B", "P-1", remark="with F-2")])
    found = found_in(fresh_settings, ["F-1-B"])
    hold(fresh_settings, "F-1", found)

    with pytest.raises(ErasureInvalid, match="court case 12"):
        hold(fresh_settings, "F-2", found)


@pytest.mark.parametrize("table", ["quarantine", "dead_letters", "events", "alerts"])
def test_a_restore_erases_an_id_that_only_a_text_has(fresh_settings: Settings, add: Add, table: str) -> None:
    """The backup has the id in no column of an event, and the record of the erasure has only a keyed hash."""
    backup_made_at, records = datetime.now(UTC), Records(fresh_settings)
    erasure = records.request(["F-9zq"], ["P-9zq"], "asked for by the family", "anna")
    erasure.state, erasure.done_at = "done", backup_made_at + timedelta(hours=1)
    records.forget_ids(erasure)
    home = Home(fresh_settings)
    land(fresh_settings, [joined(home, "F-2", "P-2", **({"remark": "with F-9zq."} if table == "events" else {}))])
    if table == "alerts":
        about = {"entity_kind": "child", "entity_id": "P-9zq"}
        add(table, 10, names.ALERTS, alert_id="a", **ALERT | about)
    elif table != "events":
        add(table, 10, record_value=b'{"text": "seen with F-9zq, ')

    assert in_files(fresh_settings, "9zq")
    assert apply_erasures(fresh_settings, backup_made_at) == 1
    assert not in_files(fresh_settings, "9zq")
    assert in_files(fresh_settings, "F-2")
