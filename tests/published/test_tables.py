"""Both layouts are read alike, and what is no figure is refused."""

import csv
from pathlib import Path

import pytest

from streams.errors import PublishedFileInvalid
from streams.published.tables import HEADLINE, Figures, read_figures

PLACE = {
    "time_period": "2024",
    "time_identifier": "Reporting year",
    "geographic_level": "Local authority",
    "country_code": "E92000001",
    "new_la_code": "E06000006",
    "la_name": "Halton",
}


def written(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_both_layouts_say_the_same(halton: Figures, tmp_path: Path) -> None:
    """The DfE's own layout has a line an authority and year, with a column a measure, and regions beside them."""
    headline = {measure: halton.published["referrals", measure] for measure in HEADLINE}
    region = PLACE | {"geographic_level": "Regional", "new_la_code": ""} | dict.fromkeys(headline, "10")
    c1 = written(tmp_path / "c1.csv", [region, PLACE | headline])
    people = PLACE | {"time_period": "2023", "population_estimate": str(halton.children)}
    ons = written(tmp_path / "ons.csv", [people])
    [found] = read_figures([c1, ons])

    assert found.children == halton.children
    assert found.published == {("referrals", measure): text for measure, text in headline.items()}


def test_the_release_of_2025_says_the_same_under_other_names(halton: Figures, tmp_path: Path) -> None:
    names = {
        "referral_count": "Referrals",
        "rereferral_count": "Re_referrals",
        "rereferral_percent": "Re_referrals_percent",
        "no_further_action_count": "No_Further_Action",
        "no_further_action_percent": "No_Further_Action_percent",
        "not_in_need_count": "Not_in_Need",
        "not_in_need_percent": "Not_in_Need_percent",
        "referral_child_count": "Referrals_child",
        "rereferral_child_count": "Re_referrals_child",
        "rereferral_child_percent": "Re_referrals_child_percent",
    }
    headline = {new: halton.published["referrals", old] for new, old in names.items()}
    [found] = read_figures([written(tmp_path / "c1.csv", [PLACE | headline])])

    assert found.published == {("referrals", old): headline[new] for new, old in names.items()}


def test_a_file_with_none_of_the_tables_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "c2.csv", [PLACE | {"At31_episodes": "1654"}])

    with pytest.raises(PublishedFileInvalid, match="at least one of Referrals, Individual, April, population_estimate"):
        read_figures([path])


def test_symbols_are_no_numbers(halton: Figures) -> None:
    hidden = Figures(halton.authority, 2024, {("referrals", "Referrals"): "u", ("referrals", "Re_referrals"): "c"})

    assert hidden.count("referrals", "Referrals") is None
    assert hidden.count("referrals", "Re_referrals") is None


@pytest.mark.parametrize("text", ["n/a", "12%", "<5"])
def test_what_is_no_figure_is_refused(text: str, tmp_path: Path) -> None:
    path = written(tmp_path / "c1.csv", [PLACE | dict.fromkeys(HEADLINE, "7") | {"Re_referrals": text}])

    with pytest.raises(PublishedFileInvalid, match=rf"c1.csv line 2: Re_referrals is '{text}'; allowed: a number, c"):
        read_figures([path])


def test_another_layout_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "other.csv", [{"council": "Halton", "referrals": "1654"}])

    with pytest.raises(PublishedFileInvalid, match=r"other.csv has neither layout; allowed: the columns area_code"):
        read_figures([path])
