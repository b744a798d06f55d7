"""Letters to referrers on their topic, with a real broker and a real lake."""

import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from streams import names
from streams.errors import PlaceLost
from streams.kafka.client import admin, consumer, producer
from streams.lake.connect import connect
from streams.land import run as land
from streams.land.verify import verify_offsets
from streams.settings import Settings
from streams.tell.referrers.post import Posted, post


class Desk:
    """A school's referrals of families, the decisions on them, and the letters that the school gets."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def send(self, fact: str, id_: str, number: int, *, backfill: bool = False, **data: object) -> None:
        event = {
            "specversion": "1.0",
            "id": id_,
            "source": "/test",
            "type": f"uk.caf.referral.{fact}.v1",
            "time": datetime.now(UTC).isoformat(),
            "authority": "E08000015",
            "backfill": backfill,
            "data": {"family_id": f"F-{number}", **data},
        }
        client = producer(self.settings)
        client.send(names.REFERRAL, key=f"F-{number}".encode(), value=json.dumps(event).encode())
        client.close()

    def refer(self, number: int, *, source: str = "2A", backfill: bool = False) -> None:
        data = {"source_code": source, "severity": "amber", "consent": "given"}
        if source == "2A":
            data["agency_id"] = "school-7"
        self.send("referral-submitted", f"r-{number}", number, backfill=backfill, referral_id=f"R-{number}", **data)

    def decide(self, number: int, decision: str = "mash", *, backfill: bool = False, **more: object) -> None:
        data = {"referral_id": f"R-{number}", "decision": decision, **more}
        self.send("referral-decided", f"d-{number}", number, backfill=backfill, **data)

    def correct(self, number: int, decision: str) -> None:
        replacement = {"referral_id": f"R-{number}", "family_id": f"F-{number}", "decision": decision}
        self.send(
            "corrected",
            f"c-{number}",
            number,
            root_source="/test",
            root_id=f"d-{number}",
            withdrawal_reason="more_accurate",
            replaced_type="uk.caf.referral.referral-decided.v1",
            replaced_time=datetime.now(UTC).isoformat(),
            replacement=replacement,
        )

    def withdraw(self, number: int) -> None:
        about = {"root_source": "/test", "root_id": f"r-{number}", "withdrawal_reason": "recorded_in_error"}
        self.send("withdrawn", f"w-{number}", number, **about)

    def post(self) -> int:
        """Land all records, then write letters; returns the number of letters."""
        land(self.settings, once=True)
        return post(self.settings, once=True).letters

    def letters(self) -> list[tuple[str, int, str | None]]:
        reader = consumer(self.settings, [names.FEEDBACK])
        try:
            found, ends = [], reader.end_offsets(reader.assignment())
            while any(reader.position(partition) < end for partition, end in ends.items()):
                batches = reader.poll(200).values()
                found += [json.loads(record.value)["data"] for batch in batches for record in batch]
            return sorted((one["referral_id"], one["version"], one["decision"]) for one in found)
        finally:
            reader.close()


@pytest.fixture
def desk(fresh_settings: Settings, fresh_topics: str) -> Desk:
    return Desk(replace(fresh_settings, land_batch_seconds=0.05))


def test_referrers_are_told_once_and_corrected(desk):
    """
    Some decisions cause no letter: those from before the first start, from history, and on anonymous or withdrawn
    referrals.

    After a restart, nothing is written twice. A corrected decision causes one more letter. All letters land, each with
    its own offset.
    """
    desk.refer(1)
    desk.decide(1)
    assert desk.post() == 0

    for number, source in ((2, "2A"), (3, "9"), (4, "1A"), (5, "2A"), (6, "2A")):
        desk.refer(number, source=source, backfill=number == 6)
    assert desk.post() == 0
    desk.withdraw(5)
    for number in range(2, 7):
        desk.decide(number, backfill=number == 6)
    assert desk.post() == 2
    assert desk.letters() == [("R-2", 1, "mash"), ("R-4", 1, None)]

    assert desk.post() == 0
    desk.correct(2, "no_further_action")
    desk.correct(4, "no_further_action")
    assert desk.post() == 1
    assert desk.letters() == [("R-2", 1, "mash"), ("R-2", 2, "no_further_action"), ("R-4", 1, None)]

    desk.post()
    with connect(desk.settings, marts=None) as lake:
        assert lake.execute("SELECT count(*) FROM landing.main.feedback").fetchone() == (3,)
    assert verify_offsets(desk.settings).differences == []


def test_post_that_lost_its_place_stops(desk):
    """If it began at the end of the topic again, the decisions of the meantime would never be answered."""
    desk.post()
    desk.refer(1)
    desk.decide(1)
    assert desk.post() == 1
    with closing(admin(desk.settings)) as client:
        client.delete_groups([names.FEEDBACK_GROUP])
    desk.decide(1, "no_further_action")

    with pytest.raises(PlaceLost, match=r"group caf-feedback has read caf\.referral\.v1 before"):
        desk.post()


def test_letter_waits_for_the_lake(desk):
    """A decision that has not landed yet gets its letter later, even after a restart."""
    desk.post()
    desk.refer(1)
    desk.decide(1)
    asked = []

    def stop() -> bool:
        asked.append(True)
        return len(asked) > 1

    assert post(desk.settings, until=stop, patience_seconds=0) == Posted(2, 0)
    assert desk.post() == 1


def test_referrer_is_told_of_a_large_decision(desk):
    """The setting decides how large a decision may be. `post` has no smaller limit of its own."""
    desk.settings = replace(desk.settings, max_record_bytes=900_000)
    assert desk.post() == 0
    desk.refer(1)
    desk.decide(1, remarks="x" * 600_000)

    assert desk.post() == 1


def test_number_used_for_two_families_gives_two_letters(desk):
    """
    Two schools use the same referral numbers.

    Each school gets a letter about its own referral, and neither letter corrects the other.
    """
    desk.post()
    for number, school in ((1, "school-7"), (2, "school-8")):
        data = {"source_code": "2A", "agency_id": school, "severity": "amber", "consent": "given"}
        desk.send("referral-submitted", "1001", number, referral_id="1001", **data)
    for number, decision in ((1, "mash"), (2, "early_help")):
        desk.send("referral-decided", "2001", number, referral_id="1001", decision=decision)

    assert desk.post() == 2
    assert desk.letters() == [("1001", 1, "early_help"), ("1001", 1, "mash")]
    assert desk.post() == 0
