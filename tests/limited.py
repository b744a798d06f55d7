"""The rules with small limits, so that a few families make a person or an address over-shared."""

from dataclasses import replace
from pathlib import Path

from streams.rules.compiled import CompiledRules
from streams.rules.engine import Engine
from streams.rules.thresholds import with_thresholds
from tests.oracle.profile import DEFAULT, Profile

__all__ = ["limited", "limited_profile"]


def limited(compiled: CompiledRules, person: int, address: int, folder: Path) -> Engine:
    """An engine in which so many families may share a person, and so many an address."""
    changes = {"most_families_of_person": str(person), "most_families_at_address": str(address)}
    folder.mkdir(parents=True, exist_ok=True)
    return Engine(with_thresholds(compiled, "adult_returns", {name: {} for name in changes}, changes, folder))


def limited_profile(person: int, address: int) -> Profile:
    """The same limits for the oracle."""
    return replace(DEFAULT, most_families_of_person=person, most_families_at_address=address)
