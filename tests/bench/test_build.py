"""The load of `./caf bench build`: a history of the wanted length, and new events about its families."""

import pyarrow as pa
import pytest

from streams.bench.build_history import BuildHistory
from streams.contracts.columns import EVENT_COLUMNS

HISTORY, HELD = 25_000, 200


@pytest.fixture(scope="module")
def made() -> BuildHistory:
    """The load made from a month of a borough."""
    return BuildHistory("E08000015", HELD, days=30)


@pytest.fixture(scope="module")
def history(made: BuildHistory) -> pa.Table:
    """A history with more events than the month has, so that it needs copies."""
    parts = list(made.copies(HISTORY))
    assert len(parts) > 1
    return pa.concat_tables(parts)


def offsets(events: pa.Table) -> set[tuple]:
    return set(zip(*(events[name].to_pylist() for name in ("topic", "kafka_partition", "kafka_offset")), strict=True))


def test_history_is_as_long_as_asked_for_and_fits_the_landing_table(history):
    assert history.num_rows == HISTORY
    assert history.column_names == list(EVENT_COLUMNS)
    assert len(offsets(history)) == HISTORY


def test_copies_share_neither_families_nor_instants(made):
    """Two copies share only places, services and workers."""
    one, other = list(made.copies(HISTORY))[:2]
    for name in ("family_id", "person_id", "root_id", "fact_at"):
        assert not set(one[name].drop_null().to_pylist()) & set(other[name].drop_null().to_pylist()), name
    assert set(one["worker_id"].to_pylist()) & set(other["worker_id"].to_pylist())


def test_new_events_come_after_the_history_and_are_about_its_families(made, history):
    new = made.new(HELD // 2, HISTORY)

    assert [part.num_rows for part in new] == [HELD // 2, HELD // 2]
    following = pa.concat_tables(new)
    assert not offsets(following) & offsets(history)
    assert min(following["kafka_offset"].to_pylist()) > max(history["kafka_offset"].to_pylist())
    families = set(following["family_id"].drop_null().to_pylist())
    assert len(families & set(history["family_id"].to_pylist())) > len(families) / 2
