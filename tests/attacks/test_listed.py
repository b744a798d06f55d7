"""The page about the attempts of attackers lists what the tests try, and no test is missing there."""

from pathlib import Path

from tests.attacks.listed import ATTACKERS, PAGE, page


def test_page_lists_the_attempts_that_are_made() -> None:
    assert PAGE.read_text() == page(), "run 'python -m tests.attacks.listed'"


def test_every_file_of_attacks_has_an_attacker() -> None:
    files = {f"tests/attacks/{file.name}" for file in Path(__file__).parent.glob("test_*.py")}

    assert files - {place for places in ATTACKERS.values() for place in places} == {"tests/attacks/test_listed.py"}
