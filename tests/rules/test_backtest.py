"""A backtest of a changed threshold on a real lake with a simulated borough, compared with a separate count."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from streams.cli.backtest import command
from streams.contracts import Accepted, decode
from streams.contracts.columns import events_table
from streams.errors import LakeUnavailable, ThresholdInvalid, UnknownRule
from streams.lake.connect import connect
from streams.lake.postgres import Postgres
from streams.rules.backtest import backtest
from streams.rules.compiled import DBT_PROJECT
from streams.settings import Settings
from streams.simulate import Noise, World
from tests.oracle.records import Record

END = datetime(2026, 4, 1, tzinfo=UTC)
INDIVIDUALS = {"1A", "1B", "1C", "1D", "9"}
RULE, HOURS = "two_agencies_one_week", "two_agencies_hours"


@pytest.fixture(scope="module")
def landed(settings: Settings, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A lake with three weeks of a simulated Wirral, and the simulator's planted stories of the year before."""
    own = replace(settings, database="backtest", lake_data=str(tmp_path_factory.mktemp("lake")))
    world = World(7, ["E08000015"], END - timedelta(days=20), END, stories=1, noise=Noise.silent())
    arrived = round(END.timestamp() * 1000)
    records = enumerate(world.records())
    events = [decode(Record(one.topic, 0, offset, arrived, one.key, one.value)) for offset, one in records]
    with connect(own, landing="read_write", marts=None) as lake:
        lake.register("batch", events_table([one for one in events if isinstance(one, Accepted)], END))
        lake.execute("INSERT INTO landing.main.events BY NAME FROM batch")
    yield own
    postgres.drop(own.database)


def by_hand(lake: duckdb.DuckDBPyConnection, hours: int) -> set[tuple[str, datetime]]:
    """
    Count without the rule: each family, with the time at which concerns of two agencies lay within the given hours.
    """
    rows = lake.execute(
        "SELECT family_id, fact_at, root_source, root_id, agency_id, source_code, incident_id FROM landing.main.events "
        "WHERE fact IN ('contact-recorded', 'referral-submitted', 'escalation-reported') ORDER BY 2, 3, 4"
    ).fetchall()
    concerns, known = defaultdict(list), set()
    for family, at, source, id_, agency, code, incident in rows:
        reporter = "individuals" if code in INDIVIDUALS else agency or code
        report = (family, reporter, incident or (source, id_))
        if report not in known:
            known.add(report)
            concerns[family].append((at, reporter))
    found = set()
    for family, told in concerns.items():
        for number, (at, _) in enumerate(told):
            near = [reporter for earlier, reporter in told[: number + 1] if earlier >= at - timedelta(hours=hours)]
            if len(set(near)) >= 2 and len(set(near[:-1])) < 2:
                found.add((family, at.replace(tzinfo=UTC)))
    return found


def places(alerts: list) -> set[tuple[str, datetime]]:
    return {(one.entity_id, one.anchored_at) for one in alerts}


def test_a_wider_window_changes_exactly_what_a_separate_count_says(landed: Settings) -> None:
    """The alerts before and after the change equal the separate count, and each difference is listed once."""
    with connect(landed, marts=None) as lake:
        narrow, wide = by_hand(lake, 168), by_hand(lake, 336)
    tried = backtest(landed, RULE, {HOURS: "336"})

    assert places(tried.before) == narrow
    assert places(tried.after) == wide
    assert len(tried.before) == len(narrow)
    assert narrow - wide
    assert wide - narrow
    gone = places(tried.lost) | places([old for old, _ in tried.moved])
    come = places(tried.gained) | places([new for _, new in tried.moved])
    assert gone == narrow - wide
    assert come == wide - narrow
    assert len(tried.gained) + len(tried.moved) == len(come)
    assert all(old.entity_id == new.entity_id for old, new in tried.moved)
    assert len({one.area for one in tried.after} - {"unknown"}) > 1


def test_later_deadlines_move_alerts_and_lower_their_severity(landed: Settings) -> None:
    """
    If the clock's warning comes later, the same alert is raised at another time.

    If the clock's limit comes later, the alert is no longer red.
    """
    later = backtest(landed, "front_door_breach", {f"front_door_warn_hours_{name}": "20" for name in ("red", "amber")})
    longer = backtest(
        landed, "front_door_breach", {f"front_door_limit_hours_{name}": "4000" for name in ("red", "amber", "green")}
    )

    assert [(new.anchored_at - old.anchored_at) for old, new in later.moved] == [timedelta(hours=2)] * len(later.moved)
    assert later.moved
    assert len(longer.after) == len(longer.before)
    assert {(old.severity, new.severity) for old, new in longer.rerated} == {("red", "amber")}


def test_another_text_of_a_rule_is_tried(landed: Settings, tmp_path: Path) -> None:
    """If the changed SQL never raises an alert, every alert from the requested day on is listed as lost."""
    text = (DBT_PROJECT / "models" / "alerts" / f"alert_{RULE}.sql").read_text()
    silent = tmp_path / "silent.sql"
    silent.write_text(text.replace("where judged.counted >=", "where false and judged.counted >="))
    tried = backtest(landed, RULE, {}, sql=silent, since=(END - timedelta(days=10)).date())

    assert tried.after == []
    assert tried.lost == sorted(tried.before, key=lambda one: (one.anchored_at, one.alert_id))
    assert min(one.anchored_at for one in tried.lost) >= END - timedelta(days=10)


def test_figures_add_up_by_month_and_by_area(landed: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in landed.to_env().items():
        monkeypatch.setenv(name, value)
    printed = CliRunner().invoke(command, [RULE, "--change", f"{HOURS}=336", "--json"])
    shown = CliRunner().invoke(command, [RULE, "--change", f"{HOURS}=336"])
    figures = json.loads(printed.stdout)

    for groups in (figures["months"], figures["areas"]):
        for kind in ("before", "after"):
            assert sum(one[kind] for one in groups) == figures[kind]
        for kind in ("gained", "lost", "moved", "rerated"):
            assert sum(one[kind] for one in groups) == len(figures[kind])
    assert f"{figures['after']:,} after" in " ".join(shown.stdout.split())


@pytest.mark.parametrize(
    ("rule", "changes", "error", "says"),
    [
        ("adult_return", {"a": "1"}, UnknownRule, "allowed: adult_returns, "),
        ("unreadable_report", {"a": "1"}, UnknownRule, "no rule 'unreadable_report' can be tried"),
        (RULE, {"re_referral_months": "6"}, ThresholdInvalid, "allowed: two_agencies_count, two_agencies_hours"),
        (RULE, {HOURS: "two weeks"}, ThresholdInvalid, "allowed: a whole number"),
        (RULE, {HOURS: "-1"}, ThresholdInvalid, "allowed: a whole number"),
        ("front_door_breach", {"front_door_clock": "lunar"}, ThresholdInvalid, "allowed: elapsed, working"),
        ("consent_not_recorded", {"a": "1"}, ThresholdInvalid, "allowed: none"),
        (RULE, {}, ThresholdInvalid, "nothing is changed"),
    ],
)
def test_change_that_cannot_be_tried_is_refused_with_what_can(landed, rule, changes, error, says) -> None:
    with pytest.raises(error, match=says):
        backtest(landed, rule, changes)


def test_without_a_history_there_is_nothing_to_try(fresh_settings: Settings) -> None:
    with pytest.raises(LakeUnavailable, match="nothing has landed"):
        backtest(fresh_settings, RULE, {HOURS: "336"})
