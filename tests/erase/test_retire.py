"""The retention schedule asks for what is due, and keeps what tells something about a family of today."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams import names
from streams.cli.main import caf
from streams.contracts.codesets import ClosureReason
from streams.erase import retire
from streams.erase.find import Found, Place, find
from streams.erase.groups import Group
from streams.erase.reach import Reach
from streams.erase.records import Erasure, Records
from streams.erase.retire import BY, Due, find_due, refuse_early, refuse_others, request_due
from streams.erase.schedule import FILE, Period, schedule
from streams.errors import ErasureInvalid, RetentionInvalid
from streams.lake.connect import connect
from streams.settings import Settings
from tests.erase.conftest import Home
from tests.erase.test_restored import land

YEAR = 365.25 * 24
Tell = Callable[..., Due]
SCHEDULE = """highest_level,until_age,years_after_last,source
0,0,2,the council's board
1,0,2,the council's board
2,20,6,the council's board
3,20,6,the council's board
4,75,6,the council's board
"""


@pytest.fixture
def scheduled(fresh_settings: Settings, tmp_path: Path) -> Settings:
    """A lake without records, and a schedule whose periods differ by level."""
    file = tmp_path / "retention.csv"
    file.write_text(SCHEDULE)
    return replace(fresh_settings, retention=str(file))


@pytest.fixture
def told(scheduled: Settings) -> Callable[..., Due]:
    """Lands events, and returns what is due today. Each event is given by fact, years ago, and data."""
    home, offsets = Home(scheduled), count()

    def tell(*facts: tuple[str, float, dict[str, object]]) -> Due:
        for fact in facts:
            land(scheduled, [of_history(home, *fact)], next(offsets))
        return find_due(scheduled)

    return tell


def of_history(home: Home, fact: str, years: float, data: dict[str, object]) -> tuple[str, str, bytes]:
    topic, key, value = home.event(fact, hours=years * YEAR, topic=names.CASE_CHANGE, **data)
    return topic, key, json.dumps(json.loads(value) | {"backfill": True}).encode()


def joined(family: str, person: str, years: float, role: str = "child") -> tuple[str, float, dict[str, object]]:
    return "household-joined", years, {"family_id": family, "person_id": person, "household_role": role}


def born(person: str, years: float, *, ago: float) -> tuple[str, float, dict[str, object]]:
    """A record of some years ago about a person who was born `ago` years before today."""
    day = datetime.now(UTC).date() - timedelta(days=365.25 * ago)
    return "person-recorded", years, {"person_id": person, "date_of_birth": f"{day}"}


def level(family: str, number: int, years: float) -> tuple[str, float, dict[str, object]]:
    return "level-changed", years, {"family_id": family, "level": number, "level_reason": "other"}


def opened(family: str, years: float) -> tuple[str, float, dict[str, object]]:
    return "case-opened", years, {"family_id": family, "case_id": f"K-{family}", "service_id": "early-help"}


def closed(family: str, years: float) -> tuple[str, float, dict[str, object]]:
    reason = ClosureReason.NO_LONGER_IN_NEED
    return "case-closed", years, {"family_id": family, "case_id": f"K-{family}", "closure_reason": reason}


def families(due: Due) -> list[list[str]]:
    return [group.families for group in due.groups]


@pytest.mark.slow
def test_a_family_is_due_when_its_period_is_over_and_not_before(told: Tell) -> None:
    due = told(joined("F-old", "P-old", 3), joined("F-new", "P-new", 1))

    assert families(due) == [["F-old"]]
    assert due.groups[0].persons == ["P-old"]
    assert due.kept == {"period": 2}


@pytest.mark.slow
def test_the_highest_level_that_a_family_ever_had_decides(told: Tell) -> None:
    """20 years after the birth of the youngest child, if help was ever needed; 75 years if it was statutory."""
    left = {"family_id": "F-after", "person_id": "P-after", "leaving_reason": "looked_after"}
    due = told(
        *(born("P-grown", 8, ago=25), joined("F-grown", "P-grown", 8), level("F-grown", 2, 8)),
        *(born("P-young", 8, ago=12), joined("F-young", "P-young", 8), level("F-young", 2, 8)),
        *(born("P-four", 8, ago=25), joined("F-four", "P-four", 8), level("F-four", 4, 9), level("F-four", 1, 8)),
        *(born("P-after", 8, ago=25), joined("F-after", "P-after", 8), ("household-left", 8, left)),
    )

    assert families(due) == [["F-grown"]]


@pytest.mark.slow
@pytest.mark.parametrize(("years", "is_due"), [(19, False), (21, True)])
def test_an_uncertain_age_counts_as_if_born_at_the_last_record(told: Tell, years: float, is_due: bool) -> None:
    """No date of birth, a date that cannot be true, or adults only: their children may not have been recorded."""
    due = told(
        *(joined("F-none", "P-none", 40), level("F-none", 2, years)),
        *(born("P-1900", 40, ago=120), joined("F-1900", "P-1900", 40), level("F-1900", 2, years)),
        *(born("P-adult", 40, ago=70), joined("F-adult", "P-adult", 40, role="mother"), level("F-adult", 2, years)),
    )

    assert families(due) == ([["F-1900"], ["F-adult"], ["F-none"]] if is_due else [])


@pytest.mark.slow
def test_an_adult_of_a_family_of_today_keeps_the_old_family(told: Tell) -> None:
    """What happened there may be the reason for an alert about the new family. Linked ids are one adult."""
    linked = ("persons-linked", 5, {"person_id": "P-a", "linked_person_id": "P-b", "link_basis": "same_number"})

    assert families(told(joined("F-old", "P-a", 5), joined("F-today", "P-b", 0.5), linked)) == []


@pytest.mark.slow
def test_connected_families_are_due_together(told: Tell) -> None:
    due = told(joined("F-1", "P-1", 5), joined("F-2", "P-1", 3), joined("F-3", "P-3", 4))

    assert families(due) == [["F-3"], ["F-1", "F-2"]]


@pytest.mark.slow
def test_an_open_case_a_marker_in_force_and_a_legal_hold_keep_a_group(told: Tell, scheduled: Settings) -> None:
    Records(scheduled).hold("P-held", "court case 12", "dora")
    marker = {"marker_kind": "mappa", "marker_basis": "convicted", "marker_role": "source_of_risk"}
    until = datetime.now(UTC)
    due = told(
        *(opened("F-open", 3), opened("F-again", 5), closed("F-again", 4), opened("F-again", 3)),
        *(opened("F-closed", 4), closed("F-closed", 3)),
        ("risk-marker-set", 3, marker | {"person_id": "P-in-force", "marker_id": "M-1"}),
        ("risk-marker-set", 3, marker | {"person_id": "P-ended", "marker_id": "M-2", "expires_at": f"{until:%FT%TZ}"}),
        *(joined("F-held", "P-held", 3), joined("same", "P-1", 3), joined("F-2", "same", 3)),
    )

    assert [group.ids for group in due.groups] == [["F-closed"], ["P-ended"]]
    assert due.kept == {"open": 3, "legal_hold": 2, "two_kinds": 4}


@pytest.mark.slow
def test_the_schedule_asks_once_and_for_no_more_than_it_may(told: Tell, scheduled: Settings) -> None:
    due = told(joined("F-1", "P-1", 4), joined("F-2", "P-2", 3))

    made = request_due(scheduled, due, 1, "anna")

    assert made is not None
    assert (made.state, made.families, made.persons) == ("requested", ["F-1"], ["P-1"])
    assert request_due(scheduled, due, 1, "anna") is None
    Records(scheduled).withdraw(made.id)
    assert request_due(scheduled, due, 1, "anna") is not None


@pytest.mark.slow
def test_a_family_that_is_reported_again_is_not_erased(told: Tell, scheduled: Settings) -> None:
    """
    Weeks can pass between the request and the approval. The report may be about something long ago.

    It may also have arrived before the request, and have waited on its topic. So only what has landed counts.
    """
    made = request_due(scheduled, told(joined("F-1", "P-1", 4), joined("F-2", "P-2", 3)), 9, BY)
    assert made is not None

    def refuse() -> None:
        refuse_early(scheduled, made)
        with connect(scheduled, marts=None) as lake:
            refuse_others(lake, made, find(lake, made.subject, Reach(made.seen, {})))

    refuse()
    told(level("F-2", 1, 9))

    with pytest.raises(ErasureInvalid, match="1 records about it have landed since the request") as refused:
        refuse()
    assert "F-2" not in str(refused.value)


@pytest.mark.slow
def test_a_family_that_is_connected_with_another_one_meanwhile_is_not_erased(told: Tell, scheduled: Settings) -> None:
    made = request_due(scheduled, told(joined("F-1", "P-1", 4)), 9, BY)
    assert made is not None
    told(joined("F-2", "P-1", 1))

    with pytest.raises(ErasureInvalid, match="2 of 2 families and persons are no longer due"):
        refuse_early(scheduled, made)


@pytest.mark.slow
def test_a_request_with_another_schedule_is_refused(told: Tell, scheduled: Settings) -> None:
    made = request_due(scheduled, told(joined("F-1", "P-1", 4)), 9, BY)

    with pytest.raises(ErasureInvalid, match="is another one"):
        refuse_early(replace(scheduled, retention=""), made)


@pytest.mark.slow
def test_what_two_people_agreed_to_does_not_wait(told: Tell, scheduled: Settings) -> None:
    told(joined("F-1", "P-1", 0.5))

    refuse_early(scheduled, Records(scheduled).request(["F-1"], ["P-1"], "court order", "anna"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("found", "says"),
    [
        (Found(erased={"quarantine": [Place(names.REFERRAL, 0, 1)]}), "1 rejected records"),
        (Found(also_named=["F-2"]), "1 other families and persons"),
    ],
)
def test_the_schedule_touches_no_records_of_others(scheduled: Settings, found: Found, says: str) -> None:
    """A person may decide this for an erasure that people ask for."""
    records = Records(scheduled)
    by_schedule = records.request(["F-1"], [], "retention schedule", BY, schedule="1")
    by_people = records.request(["F-1"], [], "court order", "anna")
    with connect(scheduled, marts=None) as lake:
        refuse_others(lake, by_people, found)
        with pytest.raises(ErasureInvalid, match=says):
            refuse_others(lake, by_schedule, found)


def test_a_refused_approval_waits_for_an_approval_again(tmp_path: Path) -> None:
    records = Records(Settings(home=tmp_path))
    made = records.approve(records.request(["F-1"], [], "retention schedule", "anna").id, "ben")

    records.reopen(made.id)

    assert (records.get(made.id).state, records.get(made.id).approved_by) == ("requested", None)
    with pytest.raises(ErasureInvalid, match="somebody else"):
        records.approve(made.id, "anna")


@pytest.mark.parametrize("state", ["withdrawn", "done"])
def test_an_erasure_that_somebody_ended_meanwhile_is_not_brought_back(tmp_path: Path, state: str) -> None:
    """The command that was refused still holds the ids, which the record no longer has."""
    records = Records(Settings(home=tmp_path))
    made = records.approve(records.request(["F-1"], [], "court order", "anna").id, "ben")
    ended = records.get(made.id)
    ended.state = state
    records.forget_ids(ended)

    records.reopen(made.id)

    assert (records.get(made.id).state, records.get(made.id).families) == (state, [])


def test_periods_end_years_later_also_on_leap_days() -> None:
    period = Period(highest_level=2, until_age=25, years_after_last=6, source="the board")

    assert period.ends_on(date(2024, 2, 29), date(2026, 1, 1)) == date(2049, 3, 1)
    assert period.ends_on(date(1990, 1, 1), date(2026, 5, 4)) == date(2032, 5, 4)
    assert period.ends_on(date(9990, 1, 1), date(2026, 5, 4)) == date.max


def test_the_schedule_of_the_project_keeps_children_at_least_until_they_are_25() -> None:
    """A council that has decided nothing must not lose what a grown-up child may still need."""
    assert all(period.until_age >= 25 for period in schedule(Settings()).values())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("level,years\n2,5\n", "the first line must be"),
        (FILE.read_text().replace("0,30,6", "0,thirty,6"), "line 2"),
        (FILE.read_text().replace("0,30,6", "0,-1,6"), "between 0 and 120"),
        (SCHEDULE.replace("0,0,2,the council's board", "0,0,2, "), "no source is given"),
        (
            SCHEDULE.replace("0,0,2,the council's board", "0,0,2,board, council"),
            "a value for each of highest_level",
        ),
        (SCHEDULE.replace("0,0,2,the council's board", "0,0,2"), "a value for each of highest_level"),
        ("".join(FILE.read_text().splitlines(keepends=True)[:-1]), "exactly one line for each"),
        ("\udce4", "cannot be read"),
        (SCHEDULE + '5,0,2,"the board\n', "line 6: this is not CSV"),
    ],
)
def test_a_schedule_with_a_mistake_is_refused(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "retention.csv"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))

    with pytest.raises(RetentionInvalid, match=says):
        schedule(Settings(retention=str(file)))


def test_a_schedule_that_excel_has_saved_is_read(tmp_path: Path) -> None:
    file = tmp_path / "retention.csv"
    file.write_bytes(b"\xef\xbb\xbf" + SCHEDULE.replace("\n", "\r\n").encode())

    assert len(schedule(Settings(retention=str(file)))) == 5


def test_a_missing_schedule_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RetentionInvalid, match=r"cannot be read .* see CAF_RETENTION"):
        schedule(Settings(retention=str(tmp_path / "none.csv")))


@pytest.mark.parametrize("after", [timedelta(0), timedelta(days=1)])
def test_the_last_day_of_the_period_is_kept(after: timedelta) -> None:
    ends_on = date(2030, 5, 1)
    group = Group(
        families=["F-1"],
        persons=[],
        highest_level=0,
        ends_on=ends_on,
        is_open=False,
    )

    assert group.is_due(ends_on + after)
    assert not group.is_due(ends_on - timedelta(days=1))


@pytest.mark.slow
def test_what_another_person_approves_goes_and_families_are_looked_for_once(
    council: Home, tmp_path: Path, patience: Callable[[Callable[[], object]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A family that is due, and a rejected record that nobody can attribute."""
    file, looked, find_all = tmp_path / "retention.csv", [], retire.find_groups
    file.write_text(SCHEDULE.replace("0,0,2,", "0,0,0,"))
    settings = replace(council.settings, retention=str(file))
    council.send(
        of_history(council, *joined("F-old", "P-old", 3)),
        of_history(council, *opened("F-open", 3)),
        (names.REFERRAL, "x", b"zqx unreadable"),
    )

    def noted(*args: object) -> Iterator[Group]:
        looked.append(args)
        return find_all(*args)

    def asked() -> Erasure | None:
        due = find_due(settings)
        return request_due(settings, due, 9, BY) if due.groups and due.rejected else None

    with council.running():
        patience(asked)
        (made,) = Records(settings).all()
        monkeypatch.setattr(retire, "find_groups", noted)
        done = CliRunner().invoke(caf, ["erase", "approve", made.id, "--by", "ben"], env=settings.to_env())

    assert done.exit_code == 0, done.output
    assert "erased: 1 events, 1 quarantine" in done.output
    assert len(looked) == 1
    assert Records(settings).get(made.id).state == "done"
    with connect(settings, marts=None) as lake:
        assert lake.execute("SELECT family_id FROM landing.main.events").fetchall() == [("F-open",)]
    assert [value for _, value in council.topic(names.REFERRAL) if value and b"zqx" in value] == []
