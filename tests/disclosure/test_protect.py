"""Which figures are withheld, and that this choice is stable."""

import pytest

from streams.disclosure.cells import Cell, System
from streams.disclosure.protect import SMALL, protect
from streams.disclosure.referrals import referrals_system
from streams.errors import DisclosureUnsafe
from tests.disclosure.worlds import pieces, released


def total_of(*values: int) -> System:
    """Make a system of parts and their total."""
    cells = {("part", n): Cell(("part", n), value, (n,)) for n, value in enumerate(values)}
    total = Cell(("total",), sum(values), tuple(range(len(values))))
    return System(len(values), {**cells, total.key: total}, [], [(total.key, list(cells))])


def test_small_part_is_withheld_with_the_smallest_other() -> None:
    assert protect(total_of(3, 20, 9)) == {("part", 0), ("part", 2)}


def test_two_small_parts_that_reveal_each_other_withhold_a_third() -> None:
    """
    If both parts are 1, their sum reveals both, because each withheld figure is at least 1. A third part must be
    withheld.
    """
    assert protect(total_of(1, 1, 30)) == {("part", 0), ("part", 1), ("part", 2)}


def test_zeros_and_large_figures_are_shown() -> None:
    assert protect(total_of(0, 12, 40)) == set()
    assert ("part", 0) not in protect(total_of(0, 3, 40))


def test_total_is_withheld_when_no_other_part_is_left() -> None:
    assert protect(total_of(4, 0, 0)) == {("part", 0), ("total",)}


def test_what_was_published_stays_published() -> None:
    """The smaller of the other parts was published before, so the larger part is withheld."""
    assert protect(total_of(3, 20, 9), published={("part", 2)}) == {("part", 0), ("part", 1)}


def test_figures_that_earlier_ones_reveal_are_not_published() -> None:
    system = total_of(3, 20)

    with pytest.raises(DisclosureUnsafe, match="1 withheld figures can be worked out"):
        protect(system, published={("part", 1), ("total",)})


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_no_small_figure_is_shown_and_earlier_choices_hold(seed: int) -> None:
    """From quarter to quarter, withheld figures stay withheld, and published figures are never withheld later."""
    withheld = [released(pieces(seed, upto))[1] for upto in (1, 2, 3)]
    found = pieces(seed)
    values, hidden = released(found)

    assert not [key for key, value in values.items() if value in SMALL and key not in hidden]
    assert not [key for key in hidden if values[key] == 0]
    for before, after in zip(withheld, [*withheld[1:], hidden], strict=True):
        assert before <= after
    assert released(list(reversed(found)))[1] == hidden


def test_year_is_published_with_its_last_quarter() -> None:
    of_year = {key for key in referrals_system("E1", pieces(0)).cells if key.period == "year"}

    assert of_year
    assert not [key for key in referrals_system("E1", pieces(0, 3)).cells if key.period == "year"]
