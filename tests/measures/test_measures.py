"""
Every measure of a mart has a complete definition, and every page or command that shows a measure uses that definition.
"""

import json
import re

import pytest
from click.testing import CliRunner

from streams.cli.measures import command
from streams.errors import UnknownMeasure
from streams.measures import Measure, measure, measures, missing
from streams.measures.page import PAGE, page
from streams.rules.compiled import project_manifest
from streams.settings import Settings


@pytest.fixture(scope="module")
def manifest(settings: Settings) -> dict:
    return project_manifest(settings)


@pytest.fixture(scope="module")
def found(manifest: dict) -> list[Measure]:
    return measures(manifest)


def test_every_definition_is_whole(found):
    assert found
    assert [(one.key, missing(one)) for one in found if missing(one)] == []


def test_definition_of_a_column_is_found_where_the_column_is():
    """A part of the definition that is missing is named."""
    node = {
        "name": "mart_toy",
        "resource_type": "model",
        "config": {"meta": {}},
        "columns": {
            "waited": {"config": {"meta": {"measure": {"title": "Waited", "unit": "days"}}}},
            "service": {"config": {"meta": {}}},
        },
    }
    [one] = measures({"nodes": {"model.caf.mart_toy": node}})

    assert (one.key, one.model, one.column, one.title) == ("waited", "mart_toy", "waited", "Waited")
    assert missing(one) == ["formula", "numerator", "denominator", "period", "source", "caveat"]


def test_unknown_measure_is_refused_with_what_there_is(found):
    with pytest.raises(UnknownMeasure, match=r"no measure is called 'need'; allowed: .*nfa_percent"):
        measure(found, "need")


def test_checked_in_page_is_what_the_models_define(found):
    """`./caf measures --write` writes this page."""
    assert PAGE.read_text() == page(found)


def test_command_lists_shows_and_prints_json(found, settings, monkeypatch):
    monkeypatch.setenv("CAF_HOME", str(settings.home))
    listed = CliRunner().invoke(command, []).output
    shown = CliRunner().invoke(command, ["nfa_percent"]).output
    [as_json] = json.loads(CliRunner().invoke(command, ["nfa_percent", "--json"]).output)

    assert all(re.search(rf"^ ?{one.key} ", listed, re.MULTILINE) for one in found)
    assert "marts.analytics.mart_locality_need, value where measure = 'nfa_percent'" in re.sub(r"\s+", " ", shown)
    assert as_json["denominator"] == "number of DfE referrals of the period (see dfe_referrals)"
