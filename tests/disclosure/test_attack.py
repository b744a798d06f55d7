"""
All published figures together do not reveal withheld figures. Without secondary suppression, published figures reveal
withheld figures.
"""

import pytest

from streams.disclosure.cafs import cafs_system
from streams.disclosure.protect import SMALL
from tests.disclosure.attack import attack, unsafe
from tests.disclosure.worlds import caf_pieces, pieces, published, released

SEEDS = range(6)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_attack_recovers_nothing(seed: int) -> None:
    """The greatest possible value of every withheld figure is at least five more than its least possible value."""
    ranges = attack(published(seed))

    assert ranges
    assert unsafe(ranges) == []


def test_cafs_are_attacked_as_well() -> None:
    """The test takes all worlds together, because a single world may have no CAF figures to withhold."""
    withheld = [key for seed in SEEDS for key in released(caf_pieces(seed), cafs_system)[1]]

    assert withheld


@pytest.mark.parametrize("seed", SEEDS)
def test_attack_recovers_small_figures_where_only_they_are_withheld(seed: int) -> None:
    """The same attack on the same world without secondary suppression reveals small figures."""
    values = {
        **released(pieces(seed), is_protected=False)[0],
        **released(caf_pieces(seed), cafs_system, is_protected=False)[0],
    }
    ranges = attack(published(seed, is_protected=False))
    known = [one for one in ranges if one.least == one.greatest]

    assert known
    assert all(one.least == next(v for key, v in values.items() if tuple(key) == one.row) for one in known)
    assert any(one.least in SMALL for one in known)
