"""Compare each performance mart with a plain recount of the same events."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import duckdb
import pytest

from streams import contracts as c
from streams.names import TIME_ZONE
from streams.settings import PROJECT
from tests.analytics.conftest import SIMULATED

FRONT_DOOR, MASH = timedelta(hours=24), timedelta(hours=72)
"""Limits of the default practice profile, which applies to the simulated authority."""

Told = list[tuple[datetime, c.Event]]


@pytest.fixture(scope="module")
def told(facts: list[tuple[datetime, str, object]]) -> Told:
    """Facts in force of the simulated authority with their times, in time order."""
    return [(at, fact) for at, authority, fact in facts if authority == SIMULATED]


@pytest.fixture(scope="module")
def as_of(marts) -> datetime:
    (moment,) = marts.execute("SELECT max(as_of) FROM marts.run.as_of").fetchone()
    return moment.replace(tzinfo=UTC)


def month(at: datetime) -> str:
    return f"{at.astimezone(ZoneInfo(TIME_ZONE)):%Y-%m-01}"


def state(start: datetime, stop: datetime | None, limit: timedelta, as_of: datetime) -> str:
    if stop is not None:
        return "met" if stop <= start + limit else "missed"
    return "breached" if as_of > start + limit else "running"


def front_door_clocks(told: Told) -> list[tuple[datetime, datetime | None]]:
    """
    Return the time of each referral's submission, and the time of its first decision, even if the decision came first.

    Decisions of the emergency duty team do not count.
    """
    submitted: dict[tuple[str, str], datetime] = {}
    decided: dict[tuple[str, str], datetime] = {}
    for at, fact in told:
        if isinstance(fact, c.ReferralSubmitted):
            submitted.setdefault((fact.family_id, fact.referral_id), at)
        elif isinstance(fact, c.ReferralDecided) and fact.decision != "edt":
            decided.setdefault((fact.family_id, fact.referral_id), at)
    return [(at, decided.get(referral)) for referral, at in submitted.items()]


def mash_clocks(told: Told) -> list[tuple[datetime, datetime | None]]:
    """
    Return the start and end of each wait at the MASH: from the decision for MASH to the next allocation.

    An allocation at the same time as the decision counts.
    """
    turns: dict[tuple[str, str], list[tuple[datetime, bool]]] = defaultdict(list)
    for at, fact in told:
        if isinstance(fact, c.ReferralAllocated) or (isinstance(fact, c.ReferralDecided) and fact.decision == "mash"):
            turns[fact.family_id, fact.referral_id].append((at, isinstance(fact, c.ReferralAllocated)))
    clocks = []
    for history in turns.values():
        waiting = None
        for at, is_allocated in sorted(history):
            if not is_allocated:
                waiting = waiting or at
            elif waiting:
                clocks.append((waiting, at))
                waiting = None
        if waiting:
            clocks.append((waiting, None))
    return clocks


@pytest.mark.parametrize(
    ("clock", "found", "limit"), [("front_door", front_door_clocks, FRONT_DOOR), ("mash", mash_clocks, MASH)]
)
def test_clocks_agree_with_a_plain_recount(marts, told, as_of, clock, found, limit):
    """The mart and the recount agree in every month and for every breakdown."""
    expected = Counter((month(start), state(start, stop, limit, as_of)) for start, stop in found(told))
    rows = marts.execute(
        "SELECT breakdown, month_starts_on::VARCHAR, sum(met), sum(missed), sum(breached), sum(open + due) "
        "FROM marts.analytics.mart_front_door WHERE clock = ? AND authority_code = ? GROUP BY ALL",
        [clock, SIMULATED],
    ).fetchall()
    counted: dict[str, Counter] = defaultdict(Counter)
    for breakdown, starts_on, *counts in rows:
        states = zip(("met", "missed", "breached", "running"), counts, strict=True)
        counted[breakdown] += Counter({(starts_on, name): int(count) for name, count in states})

    assert set(counted) == {"all", "gateway", "source", "severity", "hour", "weekday", "hours"}
    assert all(counts == expected for counts in counted.values())


@pytest.mark.parametrize(
    ("clock", "found", "limit"), [("front_door", front_door_clocks, FRONT_DOOR), ("mash", mash_clocks, MASH)]
)
def test_shares_of_need_count_each_clock_once_when_it_stopped_or_ran_out(marts, told, as_of, clock, found, limit):
    """The mart and the recount agree in every month."""
    expected: dict[str, Counter] = defaultdict(Counter)
    for start, stop in found(told):
        is_kept = stop is not None and stop <= start + limit
        if is_kept or start + limit < as_of:
            expected[month(stop if is_kept else start + limit)] += Counter(kept=is_kept, over=1)
    rows = marts.execute(
        "SELECT period_start::VARCHAR, numerator, denominator::BIGINT FROM marts.analytics.mart_locality_need "
        "WHERE measure = ? AND authority_code = ? AND area_level = 'authority' AND period_kind = 'month'",
        [f"{clock}_in_time_percent", SIMULATED],
    ).fetchall()

    assert {starts_on: Counter(kept=kept, over=over) for starts_on, kept, over in rows} == expected


def test_front_door_has_every_referral_once(marts):
    """For each authority and month, the mart has as many front door clocks as the fact table has referrals."""
    of_mart = marts.execute(
        "SELECT authority_code, month_starts_on, started::BIGINT FROM marts.analytics.mart_front_door "
        "WHERE clock = 'front_door' AND breakdown = 'all' ORDER BY ALL"
    ).fetchall()
    of_facts = marts.execute(
        "SELECT authority_code, referred_month, count(DISTINCT (family_id, referral_id)) "
        "FROM marts.analytics.fct_referrals GROUP BY ALL ORDER BY ALL"
    ).fetchall()

    assert of_mart == of_facts


def test_partners_waits_are_those_of_a_plain_recount(marts, told, as_of):
    """
    Requests are compared by service and month. The test compares their first answer, and whether it met the
    target.
    """
    with (PROJECT / "dbt_project" / "seeds" / "practice_profiles.csv").open() as file:
        profile = next(row for row in csv.DictReader(file) if row["authority_code"] == "*")
    answers = {c.ServiceStarted: "started", c.ServiceDeclined: "declined", c.ServiceCancelled: "cancelled"}
    requests, answered = {}, {}
    for at, fact in told:
        if isinstance(fact, c.ServiceRequested):
            requests.setdefault((fact.family_id, fact.service_request_id), (at, fact))
        elif type(fact) in answers:
            answered.setdefault((fact.family_id, fact.service_request_id), (at, answers[type(fact)]))
    expected: Counter = Counter()
    for request, (asked_at, fact) in requests.items():
        at, answer = answered.get(request, (as_of, "waiting"))
        days = timedelta(days=int(profile[f"waiting_days_{fact.service_kind}"]))
        measure = {"started": "started_within_target", "waiting": "waiting_beyond_target"}.get(answer)
        expected[fact.service_id, month(asked_at), answer] += 1
        expected[fact.service_id, month(asked_at), "due"] += answer != "waiting" or as_of > asked_at + days
        if measure and (answer == "started") == (at <= asked_at + days):
            expected[fact.service_id, month(asked_at), measure] += 1
    measures = ["started", "declined", "cancelled", "waiting", "started_within_target", "waiting_beyond_target", "due"]
    counted: Counter = Counter()
    for service, starts_on, *counts in marts.execute(
        f"SELECT service_id, month_starts_on::VARCHAR, {', '.join(f'sum({name})' for name in measures)} "
        "FROM marts.analytics.mart_partner WHERE authority_code = ? GROUP BY ALL",
        [SIMULATED],
    ).fetchall():
        counted += Counter({(service, starts_on, name): int(n) for name, n in zip(measures, counts, strict=True)})

    assert expected
    assert counted == expected


def months_later(at: datetime, months: int) -> datetime:
    """Return the same London time so many calendar months later. If that month is too short, its last day counts."""
    local = at.astimezone(ZoneInfo(TIME_ZONE)).replace(tzinfo=None)
    number = local.year * 12 + local.month - 1 + months
    for day in range(local.day, 0, -1):
        try:
            later = local.replace(year=number // 12, month=number % 12 + 1, day=day)
        except ValueError:
            continue
        return later.replace(tzinfo=ZoneInfo(TIME_ZONE)).astimezone(UTC)
    raise AssertionError


def test_step_down_cohorts_are_those_of_a_plain_recount(marts, told):
    """
    A family counts once in each month in which its level was lowered, from the last step-down in that month.

    The family has come back if a step-up or a referral follows.
    """
    levels: dict[str, int] = {}
    last_down: dict[tuple[str, str], tuple[int, datetime]] = {}
    returns: dict[str, list[tuple[int, datetime]]] = defaultdict(list)
    referred = set()
    for order, (at, fact) in enumerate(told):
        if isinstance(fact, c.LevelChanged):
            before, levels[fact.family_id] = levels.get(fact.family_id), fact.level
            if before and fact.level < before:
                last_down[fact.family_id, month(at)] = (order, at)
            elif before and fact.level > before:
                returns[fact.family_id].append((order, at))
        elif isinstance(fact, c.ReferralSubmitted) and (fact.family_id, fact.referral_id) not in referred:
            referred.add((fact.family_id, fact.referral_id))
            returns[fact.family_id].append((order, at))
    expected: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0])
    for (family, starts_on), (order, at) in last_down.items():
        for months in (3, 6, 12):
            ends = months_later(at, months)
            expected[starts_on, months][0] += 1
            expected[starts_on, months][1] += any(o > order and back <= ends for o, back in returns[family])
    rows = marts.execute(
        "SELECT cohort_month::VARCHAR, within_months, sum(families), sum(back) FROM marts.analytics.mart_flow "
        "WHERE cohort = 'stepped_down' AND authority_code = ? GROUP BY ALL",
        [SIMULATED],
    ).fetchall()

    assert expected
    assert {(starts_on, months): [int(n), int(back)] for starts_on, months, n, back in rows} == expected


def test_steps_between_levels_are_those_of_each_family_in_turn(told: Told, marts: duckdb.DuckDBPyConnection) -> None:
    levels = defaultdict(list)
    for at, fact in told:
        if isinstance(fact, c.LevelChanged):
            levels[fact.family_id].append((at, fact.level))
    steps: Counter[tuple[int, int]] = Counter()
    for changes in levels.values():
        ordered = [level for _, level in sorted(changes, key=lambda one: one[0])]
        steps.update((a, b) for a, b in pairwise(ordered) if a != b)
    found = marts.execute(
        "SELECT from_level, to_level, sum(moves)::BIGINT FROM marts.analytics.mart_level_moves "
        "WHERE authority_code = ? GROUP BY ALL",
        [SIMULATED],
    ).fetchall()

    assert {(a, b): n for a, b, n in found} == steps


def test_every_meeting_has_one_row_for_each_adult_role(told: Told, marts: duckdb.DuckDBPyConnection) -> None:
    """
    An adult role counts as having taken part if the meeting names the role and such an adult lived in the
    household.
    """
    meetings = {
        fact.meeting_id: set(map(str, fact.participants)) for _, fact in told if isinstance(fact, c.TafMeetingHeld)
    }
    rows = marts.execute(
        "SELECT meeting_id, adult_role, took_part FROM marts.analytics.fct_meeting_attendance "
        "WHERE meeting_kind = 'taf_meeting' AND authority_code = ?",
        [SIMULATED],
    ).fetchall()

    assert len({row[:2] for row in rows}) == len(rows)
    assert {row[0] for row in rows} <= set(meetings)
    assert all(took_part == (role in meetings[meeting]) for meeting, role, took_part in rows)


def test_the_scorecard_is_that_of_a_plain_recount(told: Told, marts: duckdb.DuckDBPyConnection) -> None:
    """
    For each framework and outcome, the test compares the first baseline score with the last later score, and the score
    at closure with the score half a year later.
    """
    scores: dict[tuple, dict[str, int]] = defaultdict(dict)
    for _, fact in told:
        if isinstance(fact, c.OutcomeRecorded):
            subject = (fact.family_id, fact.person_id or fact.family_id)
            outcome = scores[(str(fact.outcome_framework), fact.outcome_number, *subject)]
            if fact.outcome_stage == "baseline":
                outcome.setdefault("baseline", fact.score)
            else:
                outcome["latest"] = outcome[str(fact.outcome_stage)] = fact.score
    expected: dict[tuple[str, int], Counter] = defaultdict(Counter)
    for (framework, number, *_), outcome in scores.items():
        first, last = outcome.get("baseline"), outcome.get("latest")
        closure, after = outcome.get("closure"), outcome.get("sustained")
        expected[framework, number] += Counter(
            followed=1,
            better=first is not None and last is not None and last > first,
            worse=first is not None and last is not None and last < first,
            measured_after_closure=closure is not None and after is not None,
            sustained=closure is not None and after is not None and after >= closure,
        )
    names = ["followed", "better", "worse", "measured_after_closure", "sustained"]
    found = marts.execute(
        f"SELECT outcome_framework, outcome_number, {', '.join(f'sum({name})::BIGINT' for name in names)} "
        "FROM marts.analytics.mart_outcomes WHERE authority_code = ? GROUP BY ALL",
        [SIMULATED],
    ).fetchall()

    assert {(framework, number) for framework, number, *_ in found} >= {("school_readiness", n) for n in range(1, 8)}
    assert sum(row[-1] for row in found) > 0
    assert {row[:2]: +Counter(dict(zip(names, row[2:], strict=True))) for row in found} == expected


def at_home(told: Told) -> Iterator[tuple[datetime, c.Event, set[str]]]:
    """Yield each fact with its time, and the roles of the people in the family's household after the fact."""
    households: dict[str | None, dict[str, str]] = defaultdict(dict)
    for at, fact in told:
        household = households[getattr(fact, "family_id", None)]
        if isinstance(fact, c.HouseholdJoined):
            household.setdefault(fact.person_id, str(fact.household_role))
        elif isinstance(fact, c.HouseholdLeft):
            household.pop(fact.person_id, None)
        yield at, fact, set(household.values())


def test_families_whose_adults_were_never_reached_are_those_of_a_plain_recount(
    told: Told, marts: duckdb.DuckDBPyConnection
) -> None:
    """
    A family counts from the opening of a case until all its cases are closed, with the adults who lived there in that
    time.
    """
    cases: dict[str, set[str]] = defaultdict(set)
    openings: dict[str, list[tuple[str, set[str], set[str]]]] = defaultdict(list)
    for at, fact, roles in at_home(told):
        family = getattr(fact, "family_id", None)
        if isinstance(fact, c.CaseOpened):
            if not cases[family]:
                openings[family].append((month(at), set(), set()))
            cases[family].add(fact.case_id)
        elif isinstance(fact, c.CaseClosed):
            cases[family].discard(fact.case_id)
        if cases[family]:
            _, lived, took_part = openings[family][-1]
            lived |= roles - {"child", "unborn"}
            took_part |= {str(role) for role in getattr(fact, "participants", ())} & roles
    expected = Counter(
        (role, starts_on, role in took_part)
        for ones in openings.values()
        for starts_on, lived, took_part in ones
        for role in lived
    )
    found: Counter = Counter()
    for role, starts_on, reached, never in marts.execute(
        "SELECT adult_role, month_starts_on::VARCHAR, sum(took_part), sum(never_took_part) "
        "FROM marts.analytics.mart_adults_reached WHERE authority_code = ? GROUP BY ALL",
        [SIMULATED],
    ).fetchall():
        found += Counter({(role, starts_on, True): int(reached), (role, starts_on, False): int(never)})

    assert expected
    assert found == expected


def working_days_after(start: date, end: date, holidays: set[date]) -> int:
    days = (start + timedelta(days=number) for number in range(1, (end - start).days + 1))
    return sum(day.weekday() < 5 and day not in holidays for day in days)


def test_assessments_in_time_are_those_of_a_plain_recount(told: Told, marts: duckdb.DuckDBPyConnection) -> None:
    """For each completed child and family assessment, working days are counted from the day after the referral."""
    with (PROJECT / "dbt_project" / "seeds" / "working_calendar.csv").open() as file:
        holidays = {date.fromisoformat(row["holiday_on"]) for row in csv.DictReader(file)}
    zone = ZoneInfo(TIME_ZONE)
    referred, started, expected = {}, {}, {}
    for at, fact in told:
        day = at.astimezone(zone).date()
        if isinstance(fact, c.ReferralSubmitted):
            referred.setdefault(fact.referral_id, day)
        elif isinstance(fact, c.AssessmentStarted) and fact.assessment_kind == "child_and_family":
            started.setdefault(fact.assessment_id, referred.get(fact.referral_id, day))
        elif isinstance(fact, c.AssessmentCompleted) and fact.assessment_id in started:
            days = working_days_after(started[fact.assessment_id], day, holidays)
            expected.setdefault(fact.assessment_id, days <= 45)
    found = marts.execute(
        "SELECT assessment_id, is_in_time FROM marts.analytics.fct_assessments "
        "WHERE authority_code = ? AND assessment_kind = 'child_and_family' AND completed_at IS NOT NULL",
        [SIMULATED],
    ).fetchall()

    assert set(expected.values()) == {True, False}
    assert dict(found) == expected
