"""Rows made from single events are equal to the rows of the landing table."""

from datetime import UTC, datetime

import pytest

from streams.contracts import event_types
from streams.contracts.columns import EVENT_COLUMNS, events_table
from streams.contracts.envelope import Correction, Withdrawal
from streams.contracts.event_rows import event_rows
from tests.contracts.messages import arrived
from tests.oracle.records import decoded
from tests.oracle.strategies import case, dense, reused

COLUMNS = EVENT_COLUMNS.keys() - {"landed_at", "payload", "dropped_fields"}
IN_SUMMER_TIME = "2026-06-30T23:30:00.000001+01:00"


def of_table(events: list) -> list[dict]:
    rows = events_table(events, datetime.now(UTC)).select(sorted(COLUMNS)).to_pylist()
    rows = [{name: value for name, value in row.items() if value is not None} for row in rows]
    return sorted(rows, key=place)


def place(row: dict) -> tuple:
    return row["topic"], row["kafka_partition"], row["kafka_offset"]


@pytest.mark.parametrize("struct", [*event_types().values()], ids=lambda one: one.__name__)
def test_row_of_every_event_is_that_of_the_table(struct: type) -> None:
    event = arrived(struct, time=IN_SUMMER_TIME)

    assert event_rows([event], COLUMNS) == of_table([event])


@pytest.mark.parametrize("made", [case, dense, reused])
@pytest.mark.parametrize("seed", range(4))
def test_rows_of_a_world_are_those_of_the_table(made, seed: int) -> None:
    events, _ = decoded(made(seed).records)

    assert {type(one.amendment) for one in events} <= {type(None), Correction, Withdrawal}
    assert sorted(event_rows(events, COLUMNS), key=place) == of_table(events)


def test_row_has_only_the_requested_columns() -> None:
    (event,) = decoded(case(1).records)[0][:1]

    assert event_rows([event], {"topic", "root_at"}) == [{"topic": event.topic}]
