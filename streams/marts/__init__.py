"""Build the marts. Each build has one snapshot, dbt stays loaded between builds, and only one build runs at a time."""

from streams.marts.as_of import build_as_of
from streams.marts.build_log import BuildResult
from streams.marts.builder import build
from streams.marts.follow import follow

__all__ = ["BuildResult", "build", "build_as_of", "follow"]
