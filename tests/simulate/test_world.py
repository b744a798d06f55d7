"""The world as a stream of records: the same bytes for the same seed, valid records, and every event type."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace

import pytest

from streams.contracts import Accepted, decode, event_types
from streams.errors import SettingInvalid
from streams.simulate import Noise, World
from streams.simulate.facts import Record
from streams.simulate.malformed import REASONS

WIRRAL = "E08000015"
WEEK = (datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC))


def judged(record: Record) -> object:
    return decode(
        SimpleNamespace(
            topic=record.topic, partition=0, offset=0, timestamp=0, key=record.key, value=record.value, headers=()
        )
    )


def test_same_seed_gives_the_same_bytes():
    first, second = (World(7, [WIRRAL], *WEEK) for _ in range(2))

    assert list(first.records()) == list(second.records())
    assert first.claims == second.claims


def test_other_seed_or_window_shares_no_identity():
    """Two worlds on one broker must never look like corrections or copies of each other."""
    worlds = [World(7, [WIRRAL], *WEEK), World(8, [WIRRAL], *WEEK), World(7, [WIRRAL], WEEK[0], WEEK[1] + timedelta(1))]
    ids = [{fact.id for fact in world.facts} for world in worlds]

    assert not ids[0] & ids[1]
    assert not ids[0] & ids[2]


def test_every_event_type_appears(year):
    assert {fact.type for fact in year.facts} >= set(event_types())


def test_a_year_of_wirral_is_of_realistic_size(year):
    assert 60_000 <= sum(1 for _ in year.records()) <= 130_000


def test_every_record_that_is_not_spoilt_is_accepted(fortnight):
    refused = [
        one for record in fortnight.records() if not record.story_id and not isinstance(one := judged(record), Accepted)
    ]

    assert refused == []


def test_spoilt_records_are_rejected_for_every_reason():
    world = World(3, [WIRRAL], *WEEK, noise=Noise(malformed=0.02))
    spoilt = [record for record in world.records() if record.story_id]
    reasons = Counter(one.reason for record in spoilt if not isinstance(one := judged(record), Accepted))

    assert set(reasons) == set(REASONS)
    assert len(spoilt) == sum(reasons.values())


def test_silent_world_sends_each_fact_once_in_time_order():
    world = World(7, [WIRRAL], *WEEK, noise=Noise.silent())
    sent = [record.at for record in world.records()]

    assert sent == sorted(sent)
    assert len(sent) == sum(fact.at < world.end for fact in world.facts)


def test_noise_sends_late_and_twice():
    world = World(7, [WIRRAL], *WEEK, noise=Noise(duplicates=0.2, late=0.2))
    values = Counter(record.value for record in world.records())
    times = [judged(record).envelope.time for record in world.records() if not record.story_id]

    assert 0.1 < sum(count > 1 for count in values.values()) / len(values) < 0.3
    assert any(later < earlier - timedelta(hours=1) for earlier, later in pairwise(times))


def test_nothing_of_the_history_is_after_its_end(year):
    assert all(judged(record).envelope.time < year.end for record in list(year.records())[-500:] if not record.story_id)


def test_several_authorities_share_one_stream():
    world = World(1, ["E06000006", "E06000019"], *WEEK)

    assert {fact.authority for fact in world.facts} == {"E06000006", "E06000019"}


@pytest.mark.parametrize("bad", [{"end": WEEK[0]}, {"authorities": ["E09000001"]}])
def test_impossible_world_is_refused(bad):
    arguments = {"seed": 1, "authorities": [WIRRAL], "start": WEEK[0], "end": WEEK[1]} | bad

    with pytest.raises(SettingInvalid):
        World(**arguments)


def test_rate_outside_its_range_is_refused():
    with pytest.raises(SettingInvalid, match="late"):
        Noise(late=1.5)
