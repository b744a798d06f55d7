"""The performance marts of a simulated year against a plain count of its events."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from itertools import pairwise

import duckdb
import pytest

from streams.contracts.case_change import (
    LevelChanged,
    ServiceDeclined,
    ServiceRequested,
    ServiceStarted,
    TafMeetingHeld,
)
from streams.contracts.referral import ReferralDecided, ReferralSubmitted

InForce = list[tuple[datetime, object]]


def test_every_referral_has_one_clock_of_the_front_door_and_it_is_judged_by_its_hours(
    in_force: InForce, marts: duckdb.DuckDBPyConnection
) -> None:
    """The limit is 24 hours of elapsed time for each severity; a decision of the emergency duty team stops nothing."""
    submitted, decided = {}, defaultdict(list)
    for at, fact in in_force:
        if isinstance(fact, ReferralSubmitted):
            key = fact.family_id, fact.referral_id
            submitted[key] = min(at, submitted.get(key, at))
        elif isinstance(fact, ReferralDecided) and fact.decision != "edt":
            decided[fact.family_id, fact.referral_id].append(at)
    counted = Counter(
        "late" if key not in decided or min(decided[key]) > at + timedelta(hours=24) else "met"
        for key, at in submitted.items()
    )
    found = dict(
        marts.execute(
            "SELECT if(state = 'met', 'met', 'late'), count(*) FROM marts.analytics.fct_clocks "
            "WHERE clock = 'front_door' GROUP BY 1"
        ).fetchall()
    )
    in_all = marts.execute(
        "SELECT sum(started)::BIGINT, sum(met)::BIGINT FROM marts.analytics.mart_front_door "
        "WHERE clock = 'front_door' AND breakdown = 'all'"
    ).fetchone()

    assert found == counted
    assert in_all == (len(submitted), counted["met"])


@pytest.mark.parametrize("breakdown", ["gateway", "source", "severity", "hour", "weekday", "hours"])
def test_every_breakdown_of_the_front_door_adds_up_to_all(breakdown: str, marts: duckdb.DuckDBPyConnection) -> None:
    columns = "clock, sum(started), sum(met), sum(missed), sum(breached), sum(told)"
    sums = f"SELECT {columns} FROM marts.analytics.mart_front_door"
    by = marts.execute(f"{sums} WHERE breakdown = ? GROUP BY 1 ORDER BY 1", [breakdown]).fetchall()

    assert by == marts.execute(f"{sums} WHERE breakdown = 'all' GROUP BY 1 ORDER BY 1").fetchall()


def test_partners_are_asked_what_the_events_ask_them(in_force: InForce, marts: duckdb.DuckDBPyConnection) -> None:
    requested = {
        (fact.family_id, fact.service_request_id): str(fact.service_kind)
        for _, fact in sorted(in_force, key=lambda one: one[0], reverse=True)
        if isinstance(fact, ServiceRequested)
    }
    answered = {
        kind: {(fact.family_id, fact.service_request_id) for _, fact in in_force if isinstance(fact, kind)}
        for kind in (ServiceStarted, ServiceDeclined)
    }
    expected = Counter(requested.values())
    found = marts.execute(
        "SELECT service_kind, sum(requested)::BIGINT, sum(started)::BIGINT FROM marts.analytics.mart_partner GROUP BY 1"
    ).fetchall()

    assert {kind: asked for kind, asked, _ in found} == expected
    started = Counter(kind for key, kind in requested.items() if key in answered[ServiceStarted])
    assert {kind: began for kind, _, began in found if began} == started


def test_steps_between_levels_are_those_of_each_family_in_turn(
    in_force: InForce, marts: duckdb.DuckDBPyConnection
) -> None:
    levels = defaultdict(list)
    for at, fact in in_force:
        if isinstance(fact, LevelChanged):
            levels[fact.family_id].append((at, fact.level))
    steps: Counter[tuple[int, int]] = Counter()
    for told in levels.values():
        ordered = [level for _, level in sorted(told, key=lambda one: one[0])]
        steps.update((a, b) for a, b in pairwise(ordered) if a != b)
    found = marts.execute(
        "SELECT from_level, to_level, sum(moves)::BIGINT FROM marts.analytics.mart_level_moves GROUP BY ALL"
    ).fetchall()

    assert {(a, b): n for a, b, n in found} == steps


def test_every_meeting_of_a_family_with_an_adult_is_asked_about_each_part_once(
    in_force: InForce, marts: duckdb.DuckDBPyConnection
) -> None:
    """Whoever is told to have taken part, and lived there, is counted as such."""
    meetings = {
        fact.meeting_id: set(map(str, fact.participants)) for _, fact in in_force if isinstance(fact, TafMeetingHeld)
    }
    rows = marts.execute(
        "SELECT meeting_id, adult_role, took_part FROM marts.analytics.fct_meeting_attendance "
        "WHERE meeting_kind = 'taf_meeting'"
    ).fetchall()

    assert len({row[:2] for row in rows}) == len(rows)
    assert {row[0] for row in rows} <= set(meetings)
    assert all(took_part == (role in meetings[meeting]) for meeting, role, took_part in rows)
