"""Makes builds for tests that are about something else."""

from streams.marts import BuildResult
from streams.marts.builder import Builder
from streams.settings import Settings

__all__ = ["quick_build"]


def quick_build(settings: Settings) -> BuildResult:
    """
    Build without data tests, which take most of the time of a small build, and whatever batches failed.

    `tests/analytics` runs all data tests.
    """
    with Builder(settings) as builder:
        return builder.build(tests=False)
