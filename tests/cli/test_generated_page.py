"""`./caf check` compares the generated pages of the documentation with their sources."""

import pytest

from streams.cli.generated_page import compare
from streams.measures.page import PAGE


def test_page_that_is_up_to_date_passes():
    compare(PAGE, PAGE.read_text(), "./caf measures --write")


def test_page_that_is_out_of_date_fails_and_names_the_command(capsys):
    with pytest.raises(SystemExit) as ended:
        compare(PAGE, "another text", "./caf measures --write")

    assert ended.value.code == 1
    assert "docs/measures.md is out of date; run './caf measures --write'" in capsys.readouterr().err
