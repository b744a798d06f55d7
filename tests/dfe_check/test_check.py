"""
Events that were made from published figures give the same figures when counted. An altered event changes a
figure.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest

from streams import names
from streams.dfe_check import Checked, check, read_figures
from streams.dfe_check.check import compare
from streams.dfe_check.events import records
from streams.dfe_check.lake import MemoryLake, counted
from streams.dfe_check.tables import HEADLINE, MONTHS, SOURCES, Figures
from streams.dfe_check.world import imagine
from streams.kafka.client import producer
from streams.lake.connect import connect
from streams.land import run
from streams.settings import Settings
from streams.simulate.facts import Record
from tests.built import quick_build
from tests.covered import cover

FIGURES = len(HEADLINE) + len(SOURCES) + len(MONTHS)
"""Number of figures of one authority and year."""
AFTER = datetime(2025, 4, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def year(halton: Figures) -> list[Record]:
    return records(halton.authority, imagine(halton))


def counted_of(lake: MemoryLake, figures: Figures, sent: Iterable[Record]) -> Checked:
    """Count the records with the models, and compare the results with the published figures."""
    checked = Checked()
    lake.populate(figures.authority, figures.year - 1, figures.children)
    lake.land(sent, AFTER)
    lake.build(AFTER)
    compare(figures, lake.counted(figures.authority, figures.year), checked)
    return checked


def data_of(record: Record) -> dict:
    return msgspec.json.decode(record.value)["data"]


def altered(sent: list[Record], number: int, **changes: object) -> list[Record]:
    """Return the records, with members of one event's envelope replaced."""
    event = msgspec.json.decode(sent[number].value) | changes
    return [*sent[:number], sent[number]._replace(value=msgspec.json.encode(event)), *sent[number + 1 :]]


def test_supplied_figures_are_counted_again(settings: Settings, supplied: Path) -> None:
    """
    The file has Wirral, Halton and Herefordshire. One whole authority-year and four other figures have low
    reliability.
    """
    figures = [one for one in read_figures([supplied]) if one.year >= 2023]
    checked = check(settings, figures)

    assert checked.different == []
    assert checked.left == {"low reliability": FIGURES + 4, "suppressed": 6}
    assert checked.equal == 5 * FIGURES - 10 == 165


def test_no_event_carries_what_is_derived(year: list[Record]) -> None:
    """No field of an event says that a referral is a re-referral or counts, or gives its source group or month."""
    said = {name for record in year for name in data_of(record)}

    derived = ("re_referral", "repeat", "group", "month", "dfe", "nfa")
    assert not [name for name in said if any(word in name for word in derived)]


@pytest.mark.parametrize(
    ("measures", "change"),
    [
        ({"Referrals", "Referrals_rate"}, "withdrawn from the year"),
        ({"Re_referrals", "Re_referrals_child"}, "its history moved back"),
        ({"No_Further_Action"}, "another decision"),
        ({"Police"}, "another source"),
    ],
)
def test_one_altered_event_breaks_the_equality(memory_lake, halton, year, measures, change) -> None:
    sent = _changed(year, change)
    different = counted_of(memory_lake, halton, sent).different

    assert measures <= {one.measure for one in different}
    assert counted_of(memory_lake, halton, year).different == []


def _changed(year: list[Record], change: str) -> list[Record]:
    """Change one referral of the year or of the year before it."""
    if change == "another decision":
        number = next(n for n, one in enumerate(year) if data_of(one).get("decision") == "no_further_action")
        return altered(year, number, data=data_of(year[number]) | {"decision": "signposted"})
    asked = [n for n, one in enumerate(year) if data_of(one).get("source_code") == "6" and "severity" in data_of(one)]
    in_year = [n for n in asked if datetime(2023, 4, 2, tzinfo=UTC) < year[n].at < datetime(2024, 3, 30, tzinfo=UTC)]
    if change == "another source":
        return altered(year, in_year[0], data=data_of(year[in_year[0]]) | {"source_code": "4"})
    if change == "withdrawn from the year":
        return altered(year, in_year[0], time="2021-06-01T10:00:00Z")
    again = {person for n in in_year for person in data_of(year[n])["person_ids"]}
    once = [
        n
        for n in asked
        if year[n].at < datetime(2023, 3, 30, tzinfo=UTC)
        and set(data_of(year[n])["person_ids"]) & again
        and _has_one_re_referral(year, n)
    ]
    return altered(year, once[0], time="2021-06-01T10:00:00Z")


def _has_one_re_referral(year: list[Record], number: int) -> bool:
    """Whether the referral's child is referred exactly once more, less than a year later."""
    persons = data_of(year[number])["person_ids"]
    asked = [one for one in year if data_of(one).get("person_ids") == persons and "severity" in data_of(one)]
    others = [one for one in asked if one.at != year[number].at]
    return len(others) == 1 and 0 < (others[0].at - year[number].at).days < 360


def test_suppressed_and_missing_figures_are_told_apart(settings: Settings, halton: Figures) -> None:
    """
    A figure with a symbol is not compared, and is counted under the symbol's meaning. The other figures are still
    equal.
    """
    published = halton.published | {
        ("referrals", "Re_referrals"): "c",
        ("referrals", "Re_referrals_percent"): "c",
        ("referrals", "Not_in_Need"): "x",
        ("referrals", "Not_in_Need_percent"): "x",
        ("referrals_by_source", "Housing"): "c",
        ("referrals_by_source", "Other"): "c",
        ("referrals_by_month", "May"): "z",
    }
    checked = check(settings, [replace(halton, published=published)])

    assert checked.different == []
    assert checked.left == {"suppressed": 4, "not available": 2, "not applicable": 1}


def test_rate_without_a_population_is_not_compared(settings: Settings, halton: Figures) -> None:
    """Neither the files nor the seed have a population for the authority."""
    checked = check(settings, [replace(halton, authority="E06000001", children=None)])

    assert checked.different == []
    assert checked.left == {"the files have no population for the mid-year before": 2}


def test_figures_that_contradict_each_other_differ(settings: Settings, halton: Figures) -> None:
    """
    The months add up to more referrals than the total. No events can give such figures, so the check reports a
    difference.
    """
    published = halton.published | {("referrals_by_month", "May"): "200"}
    checked = check(settings, [replace(halton, published=published)])

    assert not checked.ok
    assert "March" in {one.measure for one in checked.different}


def test_a_year_goes_through_broker_lake_and_dbt(fresh_settings: Settings, fresh_topics: str, halton, year) -> None:
    """Kafka, the lander, DuckLake and dbt's build give the same figures as the lake in memory."""
    sender = producer(fresh_settings, linger_ms=20)
    for record in year:
        sender.send(record.topic, key=record.key, value=record.value)
    sender.flush(timeout=60)
    sender.close()
    landed = run(fresh_settings, once=True)
    cover(fresh_settings, halton.authority, date(halton.year - 1, 4, 1))
    quick_build(fresh_settings)
    checked = Checked()
    with connect(fresh_settings) as lake:
        compare(halton, counted(lake, halton.authority, halton.year), checked)

    assert landed.rows == len(year)
    assert {record.topic for record in year} == {names.REFERRAL, names.CASE_CHANGE}
    assert checked.different == []
    assert checked.compared == FIGURES
