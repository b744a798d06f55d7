"""Rebuild the marts: one `dbt build` at one cut, warm, one at a time."""

from streams.build.as_of import build_as_of
from streams.build.builder import BuildResult, build
from streams.build.following import follow

__all__ = ["BuildResult", "build", "build_as_of", "follow"]
