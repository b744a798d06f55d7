"""Disclosure control: what may be published outside the desk, and which of its figures must be withheld."""

from streams.disclosure.begin import begin
from streams.disclosure.publish import Publication, publish

__all__ = ["Publication", "begin", "publish"]
