"""Publish figures outside the desk, and withhold those that are small or would reveal small counts."""

from streams.disclosure.begin import begin
from streams.disclosure.publish import Publication, publish

__all__ = ["Publication", "begin", "publish"]
