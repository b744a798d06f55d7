"""The rule `encompass_notice`: schools are notified of domestic abuse before their next school day begins."""

import pytest


def _joins(world, person, role="child", family="F-1", at="2025-01-01T09:00:00", **options):
    return world.tell("household-joined", at, family_id=family, person_id=person, household_role=role, **options)


def _incident(world, at="2025-03-04T19:00:00", **options):
    facts = {"escalation_id": "X-1", "family_id": "F-1", "severity": "amber", "source_code": "6"}
    facts |= {"escalation_kind": "domestic_abuse_incident", "incident_id": "I-1"}
    return world.tell("escalation-reported", at, **facts | options)


def _notified(world, at, person="P-child", **options):
    facts = {"family_id": "F-1", "person_id": person, "incident_id": "I-1", "school_id": "school-1"}
    return world.tell("school-notified", at, **facts | options)


def _found(world, as_of="2026-01-01T00:00:00"):
    return [
        (alert["entity_id"], alert["anchor_id"], alert["status"]) for alert in world.alerts("encompass_notice", as_of)
    ]


@pytest.fixture
def home(world):
    """A family with a father and a child."""
    _joins(world, "P-child")
    _joins(world, "P-father", "father")
    return world


@pytest.mark.parametrize(
    ("at", "due"),
    [
        ("2025-03-04T19:00:00", "2025-03-05T08:45:00"),
        ("2025-03-05T08:44:59", "2025-03-05T08:45:00"),
        ("2025-03-05T08:45:00", "2025-03-06T08:45:00"),
        # Friday evening, half-term, Christmas, and the bank holiday in May, which is in summer time.
        ("2025-03-07T19:00:00", "2025-03-10T08:45:00"),
        ("2025-02-14T19:00:00", "2025-02-24T08:45:00"),
        ("2025-12-19T19:00:00", "2026-01-05T08:45:00"),
        ("2025-05-02T19:00:00", "2025-05-06T07:45:00"),
        # Outside the known terms, every working day is a school day.
        ("2023-08-04T19:00:00", "2023-08-07T07:45:00"),
    ],
)
def test_school_is_notified_before_its_next_day(world, at, due):
    _joins(world, "P-child", at="2023-01-01T09:00:00")
    told = _incident(world, at)

    (deadline,) = world.rows("select * from marts.intermediate.int_encompass_notice_deadlines", at)
    assert (deadline["family_id"], deadline["due_at"].isoformat()) == ("F-1", due)
    assert _found(world, due) == []
    assert _found(world, f"{due}.000001") == [("P-child", told.id, "open")]


def test_authority_without_terms_of_its_own_has_the_usual_ones(home):
    _incident(home, "2025-02-14T19:00:00", authority="E06000006")

    (alert,) = home.alerts("encompass_notice")
    assert alert["anchored_at"].isoformat() == "2025-02-24T08:45:00"


def test_alert_is_about_the_child(home):
    told = _incident(home)

    (alert,) = home.alerts("encompass_notice")

    assert (alert["severity"], alert["entity_kind"], alert["family_id"]) == ("red", "child", "F-1")
    assert alert["deadline"] == alert["anchored_at"]
    assert [evidence["id"] for evidence in alert["evidence"]] == [told.id]
    assert alert["reason"] == (
        "Nobody told the school of child P-child about an incident in family F-1 before the next school day began."
    )


@pytest.mark.parametrize(
    ("notified", "status"),
    [
        ("2025-03-04T18:00:00", []),
        ("2025-03-05T08:45:00", []),
        ("2025-03-05T08:45:01", ["cleared"]),
    ],
)
def test_notice_in_time_or_later(home, notified, status):
    told = _incident(home)
    notice = _notified(home, notified)

    alerts = home.alerts("encompass_notice")

    assert [alert["status"] for alert in alerts] == status
    assert all([one["id"] for one in alert["evidence"]] == [told.id, notice.id] for alert in alerts)


@pytest.mark.parametrize("other", [{"person": "P-other"}, {"incident_id": "I-2"}])
def test_notice_of_another_child_or_incident_does_not_count(home, other):
    told = _incident(home)
    _notified(home, "2025-03-04T20:00:00", **other)

    assert _found(home) == [("P-child", told.id, "open")]


@pytest.mark.parametrize(
    ("record", "alerts"),
    [
        # Children who were four by 31 August 2024 started reception in September 2024.
        ({"date_of_birth": "2020-08-31"}, 1),
        ({"date_of_birth": "2020-09-01"}, 0),
        ({"date_of_birth": "2007-03-05"}, 1),
        ({"date_of_birth": "2007-03-04"}, 0),
        ({"due_date": "2025-06-01"}, 0),
        ({"date_of_birth": "2015-01-01", "died_on": "2025-03-03"}, 0),
        ({}, 1),
    ],
)
def test_reception_age_to_17(home, record, alerts):
    home.tell("person-recorded", "2025-01-02T09:00:00", person_id="P-child", **record)
    _incident(home)

    assert len(_found(home)) == alerts


def test_year_begins_on_the_first_school_day_of_september(home):
    """Once the last day of the summer term has begun, the next school day is in September."""
    home.tell("person-recorded", "2025-01-02T09:00:00", person_id="P-child", date_of_birth="2021-08-31")
    _incident(home, "2025-07-21T07:00:00")
    summer = _incident(home, "2025-07-22T07:45:00", incident_id="I-2")

    assert _found(home) == [("P-child", summer.id, "open")]


@pytest.mark.parametrize(
    ("born", "alerts"), [("2021-08-31", 1), ("2021-09-01", 0), ("2007-08-15", 1), ("2007-08-09", 0)]
)
def test_child_who_begins_school_after_the_holidays_is_a_pupil_then(home, born, alerts):
    """
    A child who starts school after the holidays counts as a pupil on the first school day after the incident.

    A person who turns 18 in the holidays after the incident counts as well, because the person was a child at the time
    of the incident.
    """
    home.tell("person-recorded", "2025-01-02T09:00:00", person_id="P-child", date_of_birth=born)
    _incident(home, "2025-08-10T18:00:00")

    assert len(_found(home)) == alerts


def test_latest_role_in_the_household_counts(world):
    """A person recorded as a child and later as a partner is an adult, so the children of that home are concerned."""
    _joins(world, "P-child", family="F-2")
    _joins(world, "P-man", family="F-2")
    _joins(world, "P-man", "partner", "F-2", at="2025-02-01T09:00:00")
    told = _incident(world, person_ids=["P-man"])

    assert _found(world) == [("P-child", told.id, "open")]


def test_authority_is_notified_for_a_child_educated_at_home(home):
    home.tell(
        "person-recorded", "2025-01-02T09:00:00", person_id="P-child", date_of_birth="2015-01-01", is_home_educated=True
    )
    _incident(home)

    (alert,) = home.alerts("encompass_notice")
    assert alert["reason"].startswith("Nobody told the authority, for home-educated child P-child, about ")


def test_children_of_both_households_of_an_adult_are_concerned(home):
    """
    The children of the other home where the father lives are concerned.

    The children of a named child's other home are not concerned, nor are the children of a home that the father has
    left.
    """
    _joins(home, "P-father", "father", "F-2")
    _joins(home, "P-half", family="F-2")
    _joins(home, "P-child", family="F-3")
    _joins(home, "P-cousin", family="F-3")
    _joins(home, "P-father", "father", "F-4")
    _joins(home, "P-elder", family="F-4")
    home.tell("household-left", "2025-02-01T09:00:00", family_id="F-4", person_id="P-father")
    told = _incident(home, person_ids=["P-father", "P-child"])

    assert sorted(_found(home)) == [("P-child", told.id, "open"), ("P-half", told.id, "open")]
    assert {alert["family_id"] for alert in home.alerts("encompass_notice")} == {"F-1"}


def test_child_that_is_not_there_at_the_time_is_not_concerned(home):
    _joins(home, "P-later", at="2025-03-04T19:00:01")
    home.tell("household-left", "2025-03-04T18:59:59", family_id="F-1", person_id="P-child")
    _incident(home)

    assert _found(home) == []


def test_other_escalations_raise_nothing(home):
    _incident(home, escalation_kind="child_missing")

    assert _found(home) == []


def test_incident_reported_twice_is_one_and_another_is_another(home):
    first = _incident(home)
    _incident(home, "2025-03-04T20:00:00", escalation_id="X-2", source_code="3E")
    second = _incident(home, "2025-03-05T20:00:00", incident_id="I-2")
    home.repeat(second, "2025-03-05T21:00:00")

    assert _found(home) == [("P-child", first.id, "open"), ("P-child", second.id, "open")]


def test_later_report_that_names_another_adult_is_about_further_children(home):
    _joins(home, "P-man", "father", "F-2")
    _joins(home, "P-his-child", family="F-2")
    first = _incident(home)
    second = _incident(home, "2025-03-06T19:00:00", person_ids=["P-man"])

    assert sorted(_found(home)) == [("P-child", first.id, "open"), ("P-his-child", second.id, "open")]


def test_alert_on_an_incident_without_an_id_stays_open(home):
    told = _incident(home, incident_id=None)
    _notified(home, "2025-03-04T20:00:00")

    assert _found(home) == [("P-child", told.id, "open")]


def test_link_keeps_the_alert_and_finds_the_notice(home):
    told = _incident(home)
    _notified(home, "2025-03-04T20:00:00", person="P-a")
    apart = _found(home)
    link = home.tell(
        "persons-linked", "2025-04-01T09:00:00", person_id="P-a", linked_person_id="P-child", link_basis="same_number"
    )
    linked = _found(home)
    home.withdraw(link, "2025-05-01T09:00:00")

    assert (apart, linked, _found(home)) == ([("P-child", told.id, "open")], [], [("P-child", told.id, "open")])


def test_late_report_raises_it_at_once(home):
    told = _incident(home, received="2025-03-10T09:00:00")

    assert _found(home, "2025-03-10T09:00:00") == [("P-child", told.id, "open")]


@pytest.mark.parametrize("which", ["incident", "joining"])
def test_withdrawal_withdraws_the_alert(world, which):
    told = {"joining": _joins(world, "P-child"), "incident": _incident(world)}
    world.withdraw(told[which], "2025-03-10T09:00:00")

    assert _found(world) == []


def test_withdrawn_notice_raises_it(home):
    told = _incident(home)
    notice = _notified(home, "2025-03-04T20:00:00")
    home.withdraw(notice, "2025-03-10T09:00:00")

    assert _found(home) == [("P-child", told.id, "open")]


def test_incident_corrected_to_another_kind_withdraws_the_alert(home):
    told = _incident(home)
    home.correct(told, "2025-03-10T09:00:00", escalation_kind="other")

    assert _found(home) == []


def test_family_without_history_raises_nothing(world):
    _incident(world, person_ids=["P-stranger"])

    assert _found(world) == []
