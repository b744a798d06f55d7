"""Compare the simulated year with the published figures."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from streams.contracts.codesets import Decision, ServiceKind
from streams.contracts.referral import ReferralDecided, ReferralSubmitted
from streams.errors import SettingInvalid
from streams.simulate import World
from streams.simulate.agencies import GROUPS
from streams.simulate.calibration import AUTHORITIES, calibrate
from streams.simulate.demand import allot
from streams.simulate.hours import day_of
from streams.simulate.measure import compare
from streams.simulate.places import places_of


def rows(world: World) -> list:
    """
    List each referral of a child to social care as (time, child, source, referral), in time order, as published counts
    do.
    """
    return [
        (fact.at, child, fact.data.source_code, fact.data.referral_id)
        for fact in world.facts
        if isinstance(fact.data, ReferralSubmitted)
        and fact.data.service_kind is ServiceKind.SOCIAL_CARE
        and world.start <= fact.at < world.end
        for child in fact.data.person_ids
    ]


@pytest.fixture(scope="session", params=[code for code in AUTHORITIES if code != "E08000015"])
def other_year(request) -> World:
    return World(1, [request.param], datetime(2025, 4, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))


def shares(world: World) -> tuple[float, float]:
    """
    Return the share of referrals within 12 months of the same child's last referral, and the share without further
    action.
    """
    closed = {
        fact.data.referral_id
        for fact in world.facts
        if isinstance(fact.data, ReferralDecided) and fact.data.decision is Decision.NO_FURTHER_ACTION
    }
    last: dict[str, datetime] = {}
    again = 0
    for at, child, _, _ in rows(world):
        again += child in last and at - last[child] <= timedelta(days=365)
        last[child] = at
    total = len(rows(world))
    return again / total, sum(referral in closed for *_, referral in rows(world)) / total


def test_wirral_has_the_published_figures_of_2024(year):
    by_month = Counter(day_of(at).month for at, *_ in rows(year))
    by_source = Counter(source for _, _, source, _ in rows(year))

    assert len(rows(year)) == 4_152
    assert [by_month[month] for month in (4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2, 3)] == [
        325, 351, 363, 329, 286, 372, 336, 361, 286, 404, 372, 367,
    ]  # fmt: skip
    assert by_source["6"] == 1_325
    assert by_source["2A"] == 730
    assert sum(by_source[code] for code in ("1A", "1B", "1C", "1D")) == 349
    # The figures for education and housing are suppressed. Together they make up the rest of the total.
    assert by_source["2B"] + by_source["4"] == 43


def test_wirral_has_the_published_re_referral_and_nfa_shares(year):
    again, nothing = shares(year)

    assert again == pytest.approx(0.231, abs=0.003)
    assert nothing == pytest.approx(0.075, abs=0.003)


def test_other_authorities_have_their_totals_and_shares(other_year):
    """Herefordshire's totals are withheld, so its region's rate times Herefordshire's own population is used."""
    figures = calibrate(other_year.authorities[0])
    again, nothing = shares(other_year)

    assert len(rows(other_year)) == round(figures.referrals)
    assert again == pytest.approx(figures.re_referral_share, abs=0.005)
    assert nothing == pytest.approx(figures.nfa_share, abs=0.005)
    for month, count in Counter(day_of(at).month for at, *_ in rows(other_year)).items():
        assert abs(count - figures.by_month[month]) <= 1


def test_herefordshire_is_filled_from_its_region():
    figures = calibrate("E06000019")

    assert figures.filled_from_region
    assert figures.referrals == round(484.5 * 34_052 / 10_000)
    assert sum(figures.by_source.values()) == pytest.approx(figures.referrals)
    assert not calibrate("E08000015").filled_from_region


@pytest.mark.parametrize("authority", AUTHORITIES)
def test_filled_tables_sum_to_their_total(authority):
    figures = calibrate(authority)

    assert set(figures.by_source) == set(GROUPS)
    assert sum(figures.by_source.values()) == pytest.approx(figures.referrals)
    assert sum(figures.by_month.values()) == pytest.approx(figures.referrals)
    assert all(0 <= share <= 1 for share in figures.factors.values())


def test_authority_without_figures_is_refused():
    with pytest.raises(SettingInvalid, match="E09000001"):
        calibrate("E09000001")


def test_allotted_counts_keep_the_total():
    assert allot({"a": 1.0, "b": 1.0, "c": 1.0}, 10) == {"a": 4, "b": 3, "c": 3}
    assert sum(allot({number: number / 7 for number in range(1, 30)}, 1_000).values()) == 1_000


def test_referrals_lie_in_real_areas_and_more_in_deprived_ones(year):
    places = {place.lsoa_code: place for place in places_of("E08000015").all}
    used = Counter(
        fact.data.lsoa_code for fact in year.facts if isinstance(fact.data, ReferralSubmitted) and fact.data.lsoa_code
    )
    heaviest = sorted(places.values(), key=lambda place: -place.weight)

    assert used.keys() <= places.keys()
    assert sum(used[place.lsoa_code] for place in heaviest[:50]) > 3 * sum(
        used[place.lsoa_code] for place in heaviest[-50:]
    )


def test_measured_figures_are_near_the_published_ones(year):
    """
    Counts differ by at most one child. Figures that are drawn at random from shares differ by at most three
    points.
    """
    figures = compare(year)
    counted = [figure for figure in figures if "%" not in figure.name]
    drawn = [
        figure for figure in figures if figure.name.startswith(("factor", "primary", "re-referrals", "no further"))
    ]

    assert len(counted) == 1 + 12 + 11
    assert [figure for figure in counted if abs(figure.published - figure.simulated) > 1] == []
    assert len(drawn) > 45
    assert [figure for figure in drawn if abs(figure.published - figure.simulated) > 3] == []
