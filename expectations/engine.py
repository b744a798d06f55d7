"""
Keep Great Expectations ready for the next batch: one context in memory, and suites that are made only once.

Great Expectations stores no values from the frames that it validates.
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
    Validate the columns of a frame with a suite. Return, for each column, the `entry` numbers of the lines that failed.

    If a line has no value in a column, it cannot fail there.

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
    """Validate a failed expectation again to find out which lines failed. Most batches pass and do not need this."""
    details = batch.validate(configuration.to_domain_obj(), result_format=_IDS_ONLY).result
    if "unexpected_index_list" not in details:
        raise SuiteInvalid(f"{configuration.type} of suite {name} cannot be validated; the type must fit its column")
    return [int(entry) for lines in details["unexpected_index_list"] for entry in lines["entry"]]


def part(name: str, columns: Collection[str]) -> Any:
    """
    Make a new suite with those expectations of a suite that are about the given columns.

    The expectations are copied, because an expectation can belong to only one suite.
    """
    import great_expectations as gx

    expectations = [copy(expectation) for expectation in suite(name).expectations if expectation.column in columns]
    return gx.ExpectationSuite(name=name, expectations=expectations)


@cache
def _warm_part(name: str, columns: frozenset[str]) -> Any:
    return part(name, columns)


@cache
def suite(name: str) -> Any:
    """Load a suite by its name. Suites are either generated from the contract or written by hand."""
    import great_expectations as gx
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    file = next(file for folder in (_GENERATED, _HANDWRITTEN) if (file := folder / f"{name}.json").is_file())
    expectations = json.loads(file.read_text())["expectations"]
    # Leave out the notes in the file, because Great Expectations copies a configuration dozens of times in one
    # validation.
    configurations = [ExpectationConfiguration(type=one["type"], kwargs=one["kwargs"]) for one in expectations]
    return gx.ExpectationSuite(name=name, expectations=[one.to_domain_obj() for one in configurations])


def silenced(context: Any) -> Any:
    """Make a context of Great Expectations show no progress bars and send no usage reports."""
    context.variables.progress_bars = {"globally": False}
    context.variables.analytics_enabled = False
    return context


@cache
def _batch_definition() -> Any:
    import great_expectations as gx

    context = silenced(gx.get_context(mode="ephemeral"))
    asset = context.data_sources.add_pandas("landed").add_dataframe_asset("observations")
    return asset.add_batch_definition_whole_dataframe("batch")
