"""Many builds in one process, while events of a borough arrive late, twice, corrected and withdrawn."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random
from types import SimpleNamespace

import duckdb
import psutil
import pytest

from streams.contracts import Accepted, decode
from streams.contracts.columns import events_table
from streams.coverage import EVERY_SOURCE, KINDS, state, statement
from streams.marts.builder import Builder
from streams.marts.delta import Delta
from streams.marts.warehouse_file import warehouse
from streams.names import INPUT_TOPICS
from streams.simulate import Noise, World
from tests.published import FRESH, published

END = datetime(2026, 6, 1, tzinfo=UTC)
SLICES = 12
FIRST = 0.7
"""Share of the events in the first build. Each later build adds only a few events."""
STATED = {
    0: (KINDS, date(2026, 5, 1), True),
    4: (["levels", "referrals"], date(2026, 5, 20), False),
    8: (["referrals"], date(2026, 5, 25), True),
}
"""
Coverage statements that arrive with some slices: kinds of figures, first day, and whether the records are complete.
"""

IN_FORCE = """
    SELECT count(*) FILTER (latest <> 'withdrawn')
    FROM (
        SELECT arg_max(change, (change <> 'recorded', event_at, event_id)) AS latest
        FROM landing.main.events GROUP BY root_source, root_id
    )
"""


@pytest.fixture(scope="module")
def slices() -> list[list[Accepted]]:
    """
    Slices of three weeks of events, from a borough with twice the usual noise.

    The first slice has most of the events, and the other slices have random lengths.
    """
    noise = Noise()
    noise = replace(noise, **{name: 2 * rate for name, rate in vars(noise).items() if isinstance(rate, float)})
    following: Counter[str] = Counter()
    accepted = []
    for record in World(7, ["E08000015"], END - timedelta(days=21), END, stories=1, noise=noise).records():
        sent = SimpleNamespace(
            topic=record.topic,
            partition=0,
            offset=following[record.topic],
            timestamp=int(record.at.timestamp() * 1000),
            key=record.key,
            value=record.value,
            headers=(),
        )
        following[record.topic] += 1
        found = decode(sent)
        if isinstance(found, Accepted):
            accepted.append(found)
    first = int(FIRST * len(accepted))
    ends = [0, first, *sorted(Random(7).sample(range(first + 1, len(accepted)), SLICES - 2)), len(accepted)]
    return [accepted[begin:end] for begin, end in pairwise(ends)]


def tables(lake) -> dict[str, Counter]:
    """The published tables, without the numbers that only define the order of events."""
    return published(lake.duckdb, without="event_order")[0]


def tables_of_file(lake) -> dict[str, Counter]:
    """The same tables, read from the DuckDB file for other tools."""
    with duckdb.connect() as session:
        session.execute(f"ATTACH '{warehouse(lake.settings)}' AS warehouse (READ_ONLY)")
        return published(session, without="event_order", catalog="warehouse")[0]


def test_warm_builds_see_every_landed_row_and_end_like_a_first_build(own_lake, slices, monkeypatch):
    """
    After each slice, the marts contain every event in force.

    After the last slice, each table equals the table of a separate builder, although coverage was stated in between.
    After the second build, memory grows by less than 200 MB.
    """
    # Tables with more rows than this are published row by row. Smaller tables are replaced as a whole.
    monkeypatch.setattr("streams.marts.catalog._FEW", 200)
    held, following, staged = [], dict.fromkeys(INPUT_TOPICS, 0), []
    stage = Delta.stage
    monkeypatch.setattr(Delta, "stage", lambda self, statement: staged.append(stage(self, statement)))
    with Builder(own_lake.settings, fresh_seconds=FRESH) as warm:
        for number, events in enumerate(slices):
            own_lake.land_table(events_table(events, datetime.now(UTC)))
            if number in STATED:
                kinds, since, is_whole = STATED[number]
                said = statement("E08000015", EVERY_SOURCE, kinds, since, None, is_whole=is_whole, why="a test")
                at = (END + timedelta(days=number)).replace(tzinfo=None)
                state(own_lake.duckdb, replace(said, stated_at=at))
            following |= {event.topic: event.offset + 1 for event in events}
            own_lake.beat(END + timedelta(days=number), {topic: [offset] for topic, offset in following.items()})
            assert warm.build(tests=False).snapshot.as_of == END + timedelta(days=number)
            assert own_lake.one("SELECT count(*) FROM marts.staging.stg_events") == own_lake.one(IN_FORCE)
            held.append(psutil.Process().memory_info().rss)
    after_many, in_file = tables(own_lake), tables_of_file(own_lake)
    with Builder(own_lake.settings, fresh_seconds=FRESH) as cold:
        cold.build(tests=False)
    at_once = tables(own_lake)

    assert len(staged) > SLICES / 2, "most builds were to add what is new to what there was"
    assert after_many.keys() == at_once.keys()
    assert [name for name in at_once if at_once[name] != after_many[name]] == []
    assert {name for name in at_once if name.startswith(("analytics.", "reference."))} == in_file.keys()
    assert [name for name in in_file if in_file[name] != at_once[name]] == []
    assert own_lake.one("SELECT count(*) FROM marts.analytics.mart_locality_need WHERE absent_because IS NOT NULL")
    assert own_lake.one("SELECT count(*) FROM marts.analytics.mart_locality_need WHERE value IS NOT NULL")
    assert held[-1] - held[1] < 200_000_000
