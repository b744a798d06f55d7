"""Nobody can work out withheld figures from all published figures together. Without secondary suppression, one can."""

import pytest

from streams.disclosure.cafs import cafs_system
from streams.disclosure.protect import SMALL
from tests.disclosure.attack import attack, unsafe
from tests.disclosure.worlds import caf_pieces, pieces, published, released

SEEDS = range(6)


@pytest.mark.parametrize("seed", SEEDS)
def test_attack_recovers_nothing(seed: int) -> None:
    """Every withheld figure can be at least five more than its lowest possible value."""
    ranges = attack(published(seed))

    assert ranges
    assert unsafe(ranges) == []


def test_cafs_are_attacked_as_well() -> None:
    """This covers all worlds together, because a single world may have none to withhold."""
    withheld = [key for seed in SEEDS for key in released(caf_pieces(seed), cafs_system)[1]]

    assert withheld


@pytest.mark.parametrize("seed", SEEDS)
def test_attack_recovers_small_figures_where_only_they_are_withheld(seed: int) -> None:
    """The same attack on the same world without secondary suppression reveals the small figures."""
    values = {
        **released(pieces(seed), is_protected=False)[0],
        **released(caf_pieces(seed), cafs_system, is_protected=False)[0],
    }
    ranges = attack(published(seed, is_protected=False))
    known = [one for one in ranges if one.least == one.greatest]

    assert known
    assert all(one.least == next(v for key, v in values.items() if tuple(key) == one.row) for one in known)
    assert any(one.least in SMALL for one in known)
