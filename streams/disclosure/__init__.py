"""Publish figures for people outside the desk. Figures that are small or would reveal small counts are withheld."""

from streams.disclosure.begin import begin
from streams.disclosure.publish import Publication, publish

__all__ = ["Publication", "begin", "publish"]
