"""Which figures are hidden, how a map is coloured, and how a table becomes a file."""

import csv
import io
import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.drawing import charts
from dashboard.drawing.boundaries import map_of
from dashboard.drawing.figures import Column, Figure, as_csv, said
from dashboard.drawing.map import draw
from dashboard.drawing.withheld import FEW, HIDDEN, LARGEST_HIDDEN, hide, hide_few, hide_parts
from dashboard.reading.public import with_gaps
from dashboard.views import partners
from dashboard.views.services import hidden

AUTHORITIES = {"E08000015": 22, "E06000006": 18, "E06000019": 53}


@given(st.integers(0, 1000), st.floats(0, 100))
def test_a_small_count_is_hidden_with_all_that_follows_from_it(count: int, rate: float) -> None:
    (row,) = hide([{"place": "x", "count": count, "rate": rate}], ["count"], ["rate"])
    is_small = 0 < count <= LARGEST_HIDDEN

    assert (row["count"] is HIDDEN) == is_small
    assert (row["rate"] is HIDDEN) == is_small
    assert row["place"] == "x"


@given(st.integers(0, 1000))
def test_where_one_alert_more_must_not_show_0_to_5_look_alike(count: int) -> None:
    (row,) = hide_few([{"rule": "x", "count": count}], ["count"])

    assert (row["count"] is FEW) == (count <= LARGEST_HIDDEN)


def test_of_several_counts_each_small_one_is_hidden_and_a_missing_one_is_none() -> None:
    assert hide([{"a": 3, "b": 7, "c": None}], ["a", "b", "c"]) == [{"a": HIDDEN, "b": 7, "c": None}]


def test_number_of_requests_is_hidden_with_each_of_its_parts() -> None:
    """Otherwise a reader could subtract the other parts from it."""
    row = dict.fromkeys(("started", "declined", "declined_no_capacity", "waiting", "waiting_beyond_target"), 20)
    row |= {"requested": 60, "longest_wait_days": 9}

    assert partners.hidden([row]) == [row]
    for part in ("started", "declined", "waiting"):
        [shown] = partners.hidden([row | {part: 3}])
        assert shown[part] is shown["requested"] is HIDDEN


def test_part_that_is_absent_hides_no_other_one() -> None:
    """A figure without coverage is missing and not hidden. A missing figure cannot be worked out from other figures."""
    assert hide_parts([{"n": None}, {"n": 40}], "n") == [{"n": None}, {"n": 40}]


def test_period_without_a_figure_is_a_gap_in_the_line() -> None:
    def line(*values: float | None) -> str:
        rows = [{"on": date(2025, month, 1), "value": value} for month, value in enumerate(values, 1)]
        drawn = charts.lines(rows, x="on", y="value", y_title="%")
        return max(re.findall(r' d="([^"]*)"[^>]*stroke-width="2"', drawn), key=len, default="")

    assert line(1, 2, 3, 4, 5).count("M") == 1
    assert line(1, 2, None, 4, 5).count("M") == 2
    assert line(None, None) == ""


def test_published_periods_between_which_one_is_missing_have_a_row_without_a_figure() -> None:
    shown = {"count": 7, "rate_per_10000": 1.0, "children": 9, "symbol": None}
    quarters = [shown | {"period_starts_on": day} for day in (date(2025, 10, 1), date(2026, 4, 1))]
    years = [shown | {"period_starts_on": day} for day in (date(2023, 4, 1), date(2025, 4, 1))]

    assert [row["count"] for row in with_gaps(quarters, "quarter")] == [7, None, 7]
    assert [row["period_starts_on"].year for row in with_gaps(years, "year")] == [2023, 2024, 2025]
    assert with_gaps([], "year") == []


@given(st.lists(st.integers(0, 30), min_size=2, max_size=12))
def test_of_parts_of_a_whole_never_a_single_one_is_hidden(counts: list[int]) -> None:
    found = hide_parts([{"n": count, "rate": count / 2} for count in counts], "n", ["rate"])
    hidden = [(before, row) for before, row in zip(counts, found, strict=True) if row["n"] is HIDDEN]

    assert len(hidden) != 1
    assert all(row["rate"] is HIDDEN for _, row in hidden)
    assert all(row["n"] is HIDDEN for before, row in zip(counts, found, strict=True) if 0 < before <= LARGEST_HIDDEN)


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(0, 12)), min_size=2, max_size=8))
def test_of_a_service_neither_a_state_nor_a_place_can_be_worked_out_by_subtraction(counts: list) -> None:
    """
    If the number of requests in a state is hidden, so is the number of all requests. No state is hidden in only one
    place.
    """
    rows = [
        {"started": started, "waiting": waiting, "declined": declined, "cancelled": 0, "waiting_beyond_target": 0}
        | {"requested": started + waiting + declined, "families_served": started}
        for started, waiting, declined in counts
    ]
    found = hidden(rows)

    for state in ("started", "waiting", "declined"):
        assert sum(row[state] is HIDDEN for row in found) != 1
        assert all(row["requested"] is HIDDEN for row in found if row[state] is HIDDEN)


def test_a_file_says_what_is_hidden_and_starts_no_formula() -> None:
    figure = Figure(
        key="k",
        title="t",
        unit="u",
        source="s",
        columns=(Column("name", "Name"), Column("n", "N", "count"), Column("on", "On", "day")),
        rows=[{"name": "=1+1", "n": HIDDEN, "on": date(2026, 1, 2)}, {"name": 'a, "b"', "n": 6, "on": None}],
    )

    assert list(csv.reader(io.StringIO(as_csv(figure)))) == [
        ["name", "n", "on"],
        ["'=1+1", "c", "2026-01-02"],
        ['a, "b"', "6", ""],
    ]


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "count", "\N{EN DASH}"),
        (1234, "count", "1,234"),
        (0.125, "share", "12.5 %"),
        (-1.5, "change", "\N{MINUS SIGN}1.5"),
    ],
)
def test_values_are_written_for_readers(value: float | None, kind: str, text: str) -> None:
    assert said(value, kind) == text


@pytest.mark.parametrize(("authority", "wards"), AUTHORITIES.items())
def test_every_ward_of_a_known_authority_is_on_its_map_in_one_area(authority: str, wards: int) -> None:
    found = map_of(authority)

    assert len(found.wards) == wards
    assert all(ward.area_code and ward.path for ward in found.wards)
    assert {spot.ward_code for spot in found.spots} <= {ward.code for ward in found.wards}
    assert map_of("E00000000") is None


@given(st.lists(st.one_of(st.none(), st.just(HIDDEN), st.floats(0, 1000)), min_size=22, max_size=22))
def test_a_higher_value_is_never_in_a_lower_class(values: list) -> None:
    map_ = map_of("E08000015")
    by_code = dict(zip((ward.code for ward in map_.wards), values, strict=True))
    drawing = draw(
        map_,
        by_code,
        chosen="",
        wards=set(by_code),
        with_spots=False,
        says=lambda code, name: name,
        href=lambda code: f"/map?place={code}",
        written=str,
    )
    classes = {ward.code: ward.css.split()[0] for ward in drawing.wards}
    coloured = sorted((value, classes[code]) for code, value in by_code.items() if isinstance(value, float))

    assert [css for _, css in coloured] == sorted(css for _, css in coloured)
    assert {classes[code] for code, value in by_code.items() if value is None} <= {"none"}
    assert {classes[code] for code, value in by_code.items() if value is HIDDEN} <= {"hidden"}
    assert {css for _, css in coloured} <= {one.css for one in drawing.legend}
