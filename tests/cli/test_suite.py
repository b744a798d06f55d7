"""`./caf test` runs the whole suite on up to four cores, and runs a part of the suite in one process."""

import pytest

from streams.cli.test import side_by_side

TWO = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]


@pytest.mark.parametrize("arguments", [[], ["--color=no"], ["-q", "--durations=20"], ["-m", "not slow"]])
def test_whole_suite_runs_on_every_core(arguments: list[str]) -> None:
    assert side_by_side(arguments, cores=2) == TWO


@pytest.mark.parametrize(
    "arguments",
    [
        ["tests/cli"],
        ["-q", "tests/cli/test_suite.py::test_whole_suite_runs_on_every_core"],
        *(["-n", "3"], ["-n0"], ["--numprocesses=1"], ["--dist", "load"]),
        *(["-x"], ["-qx"], ["--maxfail=2"], ["--lf"], ["--pdb"], ["-s"], ["--capture=no"]),
        *(["-k", "broker"], ["-kbroker"], ["--collect-only"], ["--co"], ["--help"], ["--version"]),
    ],
)
def test_part_of_it_runs_in_one_process(arguments: list[str]) -> None:
    assert side_by_side(arguments, cores=2) == []


def test_one_core_runs_one_process_and_many_cores_run_four() -> None:
    assert side_by_side([], cores=1) == []
    assert side_by_side([], cores=64)[:2] == ["-n", "4"]
