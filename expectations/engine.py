"""
Great Expectations is kept ready: one context in memory, and suites that are made once.

Validating a frame stores no values of the frame.
"""

import json
from collections.abc import Collection
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from streams.errors import SuiteInvalid

__all__ = ["failures", "part", "silenced", "suite"]

_GENERATED = Path(__file__).parent / "generated"
_HANDWRITTEN = Path(__file__).parent / "suites"

_IDS_ONLY = {
    "result_format": "COMPLETE",
    "exclude_unexpected_values": True,
    "unexpected_index_column_names": ["entry"],
    "return_unexpected_index_query": False,
}


def failures(name: str, frame: pd.DataFrame) -> dict[str, list[int]]:
    """
    Validate the columns of a frame with a suite. For each column, return the `entry` numbers of the lines that failed.

    If a line has no value in a column, the line is not validated in that column.

    Raises:
        SuiteInvalid: Great Expectations could not validate an expectation.
    """
    found = _warm_part(name, frozenset(frame.columns))
    failed: dict[str, list[int]] = {expectation.column: [] for expectation in found.expectations}
    batch = _batch_definition().get_batch(batch_parameters={"dataframe": frame})
    for result in batch.validate(found, result_format="BOOLEAN_ONLY").results:
        if not result.success:
            column = result.expectation_config.kwargs["column"]
            failed[column] += _failed_entries(name, batch, result.expectation_config)
    return failed


def _failed_entries(name: str, batch: Any, configuration: Any) -> list[int]:
    """Validate a failed expectation again, to get the numbers of the failed lines. Most batches never need this."""
    details = batch.validate(configuration.to_domain_obj(), result_format=_IDS_ONLY).result
    if "unexpected_index_list" not in details:
        raise SuiteInvalid(f"{configuration.type} of suite {name} cannot be validated; the type must fit its column")
    return [int(entry) for lines in details["unexpected_index_list"] for entry in lines["entry"]]


def part(name: str, columns: Collection[str]) -> Any:
    """
    Make a new suite with copies of the expectations about these columns.

    Copies are needed because an expectation can belong to only one suite.
    """
    import great_expectations as gx

    expectations = [copy(expectation) for expectation in suite(name).expectations if expectation.column in columns]
    return gx.ExpectationSuite(name=name, expectations=expectations)


@cache
def _warm_part(name: str, columns: frozenset[str]) -> Any:
    return part(name, columns)


@cache
def suite(name: str) -> Any:
    """Load a suite by its name. Suites are generated from the contract or written by hand."""
    import great_expectations as gx
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    file = next(file for folder in (_GENERATED, _HANDWRITTEN) if (file := folder / f"{name}.json").is_file())
    expectations = json.loads(file.read_text())["expectations"]
    # Great Expectations copies a configuration dozens of times in one validation. So the notes are not loaded.
    configurations = [ExpectationConfiguration(type=one["type"], kwargs=one["kwargs"]) for one in expectations]
    return gx.ExpectationSuite(name=name, expectations=[one.to_domain_obj() for one in configurations])


def silenced(context: Any) -> Any:
    """Make a context show no progress bars and send no usage reports."""
    context.variables.progress_bars = {"globally": False}
    context.variables.analytics_enabled = False
    return context


@cache
def _batch_definition() -> Any:
    import great_expectations as gx

    context = silenced(gx.get_context(mode="ephemeral"))
    asset = context.data_sources.add_pandas("landed").add_dataframe_asset("observations")
    return asset.add_batch_definition_whole_dataframe("batch")
