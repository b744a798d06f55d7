"""Run the notebook, unchanged, on the marts of a simulated year."""

import importlib.util
from dataclasses import replace

import altair as alt
import pytest
from click.testing import CliRunner

from streams.cli.main import caf
from streams.cli.notebook import NOTEBOOK
from streams.settings import Settings
from tests.analytics.conftest import SIMULATED


def test_the_notebook_goes_from_the_question_to_a_chart_and_a_ward(
    built: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every cell runs. The notebook's figures equal those of the marts, and the notebook cannot write to the lake."""
    for name, value in replace(built, authority=SIMULATED).to_env().items():
        monkeypatch.setenv(name, value)
    spec = importlib.util.spec_from_file_location("where_next", NOTEBOOK)
    notebook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(notebook)
    _, made = notebook.app.run()
    need, lake = made["need"], made["lake"]

    assert isinstance(made["chart"], alt.LayerChart)
    assert need.area_code.is_unique
    assert need.observed_to_expected.is_monotonic_decreasing
    assert (need.ratio_lower <= need.observed_to_expected).all()
    assert set(made["candidates"].area_name) <= set(need.area_name)
    assert len(made["definitions"]) == 2
    with pytest.raises(Exception, match="read-only"):
        lake.execute("create table marts.analytics.mine (n integer)")
    lake.close()


def test_help_says_that_the_address_is_worth_a_password() -> None:
    """The notebook runs whatever Python somebody with its address writes into it, as the user who opened it."""
    said = " ".join(CliRunner().invoke(caf, ["notebook", "--help"]).output.split())

    assert "whoever has it can run any Python program as you" in said
