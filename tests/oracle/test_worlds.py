"""Properties that the oracle must have in every random world, and properties of the random worlds themselves."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings

from streams.contracts import PersonRecorded
from tests.oracle.alert import merged
from tests.oracle.facts import valid
from tests.oracle.oracle import RULES, expected
from tests.oracle.profile import DEFAULT
from tests.oracle.records import decoded
from tests.oracle.strategies import case, cases
from tests.oracle.world import World

SOME = settings(max_examples=60, deadline=None)
LATER = frozenset(
    {
        "already_open",
        "case_drift",
        "custody_release_due",
        "encompass_notice",
        "front_door_breach",
        "mash_breach",
        "unreadable_report",
        "waiting_too_long",
    }
)
"""Rules whose alerts depend on events or deadlines after the anchor, or that have no evidence."""


def judged(each):
    accepted, rejected = decoded(each.records)
    return expected(accepted, rejected, each.as_of)


@pytest.fixture(scope="module")
def raised():
    """How often each rule and clause raises an alert of each severity and status in the first 250 worlds."""
    return Counter(
        (alert.rule, alert.clause, alert.severity, alert.status) for seed in range(250) for alert in judged(case(seed))
    )


@pytest.mark.parametrize("status", ["open", "cleared"])
@pytest.mark.parametrize(
    ("rule", "clause", "severity"),
    [
        ("adult_returns", "", "red"),
        ("consent_not_recorded", "", "amber"),
        ("cumulative_concern", "a", "amber"),
        ("cumulative_concern", "b", "amber"),
        ("cumulative_concern", "c", "amber"),
        ("front_door_breach", "", "amber"),
        ("front_door_breach", "", "red"),
        ("rapid_escalation", "", "red"),
        ("re_referral", "", "amber"),
        ("unreadable_report", "", "red"),
        ("marked_adult_joins_other_family", "", "red"),
        ("case_drift", "", "amber"),
        ("mash_breach", "", "amber"),
        ("mash_breach", "", "red"),
        ("waiting_too_long", "", "amber"),
        ("already_open", "", "amber"),
        ("already_open", "", "red"),
        ("custody_release_due", "", "amber"),
        ("custody_release_due", "", "red"),
        ("encompass_notice", "", "red"),
        ("out_of_hours", "", "red"),
    ],
)
def test_worlds_raise_every_alert(raised, rule, clause, severity, status):
    """The random worlds contain every kind of alert, so a comparison of rules on these worlds covers every kind."""
    assert raised[rule, clause, severity, status] >= 3


@pytest.mark.parametrize(
    ("rule", "severity"),
    [
        ("level_4_for_access", "green"),
        ("no_basis_to_share", "amber"),
        ("opened_without_right", "amber"),
        ("repeat_no_further_action", "amber"),
        ("step_down_failed", "amber"),
        ("two_agencies_one_week", "amber"),
    ],
)
def test_worlds_raise_every_alert_that_only_people_close(raised, rule, severity):
    assert raised[rule, "", severity, "open"] >= 3


def test_worlds_are_the_same_for_the_same_seed():
    assert case(7) == case(7)
    assert case(7) != case(8)


@SOME
@given(cases())
def test_worlds_are_logs_as_a_broker_writes_them(each):
    """Arrival times never decrease, and deadlines are evaluated after the last arrival."""
    times = [record.timestamp for record in each.records]

    assert all(one <= other for one, other in pairwise(times))
    assert each.as_of >= datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=times[-1])


@SOME
@given(cases())
def test_ids_are_unique(each):
    ids = [alert.alert_id for alert in judged(each)]

    assert len(ids) == len(set(ids))


@SOME
@given(cases())
def test_second_delivery_of_everything_adds_nothing(each):
    accepted, rejected = decoded(each.records)

    assert set(expected([*accepted, *accepted], rejected, each.as_of)) == set(judged(each))


@SOME
@given(cases())
def test_time_alone_takes_no_alert_away(each):
    """At a later evaluation time there may be more alerts. Every earlier alert still exists, open or cleared."""
    accepted, rejected = decoded(each.records)
    later = expected(accepted, rejected, each.as_of + timedelta(days=400))

    assert {alert.alert_id for alert in judged(each)} <= {alert.alert_id for alert in later}


@SOME
@given(cases())
def test_later_events_do_not_move_an_anchor(each):
    """
    If only the events up to the anchor have happened, an alert has the same id and evidence.

    What does not depend on the point in time stays known: the dates of birth of all persons, which identifiers belong
    to one person, and which agency a report belongs to that names none.
    """
    facts = valid(decoded(each.records)[0])
    for alert in judged(each):
        if alert.rule in LATER:
            continue
        anchor = next(fact for fact in facts if fact.root == alert.anchor)
        world = World(facts).of_facts(
            [fact for fact in facts if fact.order <= anchor.order or isinstance(fact.data, PersonRecorded)]
        )
        then = {found for found in RULES[alert.rule](world, each.as_of, DEFAULT) if found.anchor == alert.anchor}

        assert alert.evidence == frozenset().union(*(f.evidence for f in then if f.alert_id == alert.alert_id))


@SOME
@given(cases())
def test_families_evaluated_apart_give_the_same_alerts(each):
    accepted, _ = decoded(each.records)
    world = World(valid(accepted))
    together = merged(alert for rule in RULES.values() for alert in rule(world, each.as_of, DEFAULT))

    assert set(together) == set(expected(accepted, [], each.as_of, rules=RULES))
