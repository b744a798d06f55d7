"""The seeds of the marts agree with their sources."""

import csv
import re
from pathlib import Path

from streams.contracts.codesets import Gateway, ReferralSource
from streams.reference import REFERENCE
from streams.settings import PROJECT

DBT = PROJECT / "dbt_project"
SEEDS = DBT / "seeds"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_geography_is_the_reference_data():
    """dbt must use the same map as all other parts."""
    assert (SEEDS / "geography.csv").read_bytes() == (REFERENCE / "geography.csv").read_bytes()


def test_areas_of_2021_are_the_reference_data_and_lie_on_the_map():
    known = {row["lsoa_code"] for row in rows(SEEDS / "geography.csv")}
    parts = rows(SEEDS / "lsoa_2021.csv")

    assert (SEEDS / "lsoa_2021.csv").read_bytes() == (REFERENCE / "lsoa_2021.csv").read_bytes()
    assert {row["lsoa_2011_code"] for row in parts} <= known
    assert not {row["lsoa_code"] for row in parts} & known


def test_published_figures_are_the_reference_data():
    assert (SEEDS / "published_cin.csv").read_bytes() == (REFERENCE / "published_cin.csv").read_bytes()


def test_populations_are_the_published_ones():
    published = {
        (row["area_code"], row["year"]): row["value"]
        for row in rows(REFERENCE / "published_cin.csv")
        if row["table"] == "population_0_17" and row["measure"] == "population_estimate" and row["area_code"][1] == "0"
    }
    seeded = {(row["authority_code"], row["mid_year"]): row["children"] for row in rows(SEEDS / "la_population.csv")}

    assert seeded == {key: value for key, value in published.items() if key[0][:3] in ("E06", "E08")}


def test_every_source_has_its_published_group():
    """Every source code of the contract belongs to one of the groups in the publication."""
    seeded = {row["source_code"]: row["source_group"] for row in rows(SEEDS / "referral_sources.csv")}
    published = {
        row["measure"] for row in rows(REFERENCE / "published_cin.csv") if row["table"] == "referrals_by_source"
    }

    assert seeded.keys() == {code.value for code in ReferralSource}
    assert set(seeded.values()) <= published


def test_gateways_are_those_of_the_contract():
    assert {row["gateway"] for row in rows(SEEDS / "gateways.csv")} == {g.value for g in Gateway} - {"single"}


def test_fact_of_alerts_unites_every_rule():
    """If the fact table lacked a rule's alerts, analysts would not see them."""
    sql = (DBT / "models" / "analytics" / "fct_alerts.sql").read_text()
    united = set(re.findall(r"'(\w+)'", sql.partition("] %}")[0]))

    assert united == {row["rule"] for row in rows(SEEDS / "rules.csv")}
