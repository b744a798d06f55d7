"""Great Expectations in the way this project runs it: in memory, and without data from records in its results."""

import great_expectations as gx
import pandas as pd
import pytest

from expectations.engine import failures, part, suite
from streams.settings import PROJECT

SUITES = sorted(file.stem for file in (PROJECT / "expectations").glob("*/*.json"))


@pytest.mark.parametrize("name", SUITES)
def test_suite_can_be_evaluated_in_every_column(name):
    """A suite with an unknown expectation or a wrong argument must fail in this test, and not during a night of use."""
    columns = [expectation.column for expectation in suite(name).expectations]

    assert failures(name, pd.DataFrame({"entry": [0], **{column: [None] for column in columns}})) == {
        column: [] for column in columns
    }


def test_part_of_a_suite_in_the_pages_leaves_the_suite_as_it_was():
    """A suite that was added to a context owns its expectations, so no other suite could use them again."""
    for _ in range(2):
        gx.get_context(mode="ephemeral").suites.add(part("record", ["births"]))

    assert len(part("record", ["births", "factors"]).expectations) == 2


def test_only_the_columns_of_a_frame_are_checked():
    assert failures("referral", pd.DataFrame({"entry": [0], "code": ["severity=red"]})) == {"code": []}


def test_lines_that_fail_are_named_by_their_entry():
    frame = pd.DataFrame({"entry": [7, 8, 9], "code": ["severity=red", "severity=purple", None]})

    assert failures("referral", frame) == {"code": [8]}
