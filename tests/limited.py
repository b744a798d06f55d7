"""The rules with low limits, so that a few families are enough to make a person or an address over-shared."""

from dataclasses import replace
from pathlib import Path

from streams.rules.compiled import CompiledRules
from streams.rules.engine import Engine
from streams.rules.thresholds import with_thresholds
from tests.oracle.profile import DEFAULT, Profile

__all__ = ["limited", "limited_profile"]


def limited(compiled: CompiledRules, person: int, address: int, folder: Path) -> Engine:
    """
    An engine with the given limits of families that may share a person, and of families that may share an address.
    """
    changes = {"most_families_of_person": str(person), "most_families_at_address": str(address)}
    folder.mkdir(parents=True, exist_ok=True)
    return Engine(with_thresholds(compiled, "adult_returns", {name: {} for name in changes}, changes, folder))


def limited_profile(person: int, address: int) -> Profile:
    """The profile with the same limits for the oracle."""
    return replace(DEFAULT, most_families_of_person=person, most_families_at_address=address)
