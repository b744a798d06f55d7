"""
Bad records of every kind on real servers stop no stage and lose no record. Families between them raise their
alerts.
"""

from dataclasses import replace

from streams import names
from streams.bench.bad_input import throw
from streams.bench.bad_records import LARGE_BYTES, BadRecords
from streams.settings import Settings

RECORDS = 2_000


def test_stream_of_bad_records_is_the_same_for_a_seed_and_of_many_kinds() -> None:
    """The values are not compared, because the events have times in the year before now, which differ between runs."""
    one, same, other = (list(BadRecords(seed, "E08000015").take(RECORDS)) for seed in (1, 1, 2))
    first, again, others = ([(each.topic, each.key, each.headers) for each in made] for made in (one, same, other))

    assert first == again != others
    assert {record.topic for record in one} == set(names.INPUT_TOPICS)
    assert {len(record.value or b"") for record in one} >= {0, LARGE_BYTES}
    assert {record.key for record in one} >= {None, b""}
    assert any(value is None for record in one for _, value in record.headers)
    # The bench recognises the alert of a planted family by its event id, so no bad record may contain such an id.
    assert not any(b'"planted-' in (record.value or b"") for record in one)


def test_nothing_stops_and_nothing_is_lost_among_bad_records(fresh_settings: Settings, fresh_topics: str) -> None:
    measured = throw(replace(fresh_settings, land_batch_seconds=0.2), RECORDS, 1, print)

    assert measured.holds, measured
    assert measured.records == RECORDS
    assert measured.planted > 0
    assert {"not_json", "envelope", "schema", "unknown_type", "key_mismatch", "too_large"} <= measured.rejected.keys()
