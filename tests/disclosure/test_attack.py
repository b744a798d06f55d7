"""Nobody can work out what is withheld, from all that is published together; without secondary suppression one can."""

import pytest

from streams.disclosure.protect import SMALL
from tests.disclosure.attack import attack, unsafe
from tests.disclosure.worlds import pieces, published, released

SEEDS = range(6)


@pytest.mark.parametrize("seed", SEEDS)
def test_attack_recovers_nothing(seed: int) -> None:
    """Every withheld figure can be five more than the least that it can be."""
    ranges = attack(published(pieces(seed)))

    assert ranges
    assert unsafe(ranges) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_attack_recovers_small_figures_where_only_they_are_withheld(seed: int) -> None:
    """The same attack on the same world, secondary suppression switched off: it is given away what they are."""
    found = pieces(seed)
    values, _ = released(found, is_protected=False)
    ranges = attack(published(found, is_protected=False))
    known = [one for one in ranges if one.least == one.greatest]

    assert known
    assert all(one.least == next(v for key, v in values.items() if tuple(key) == one.row) for one in known)
    assert any(one.least in SMALL for one in known)
