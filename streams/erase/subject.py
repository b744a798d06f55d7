"""
The ids to erase, how to find them in text, and the markers that replace them.

Ids may contain `._:/-`, so an id may be a part of another one: `F-1-B` is another family than `F-1`. In a text, nobody
can tell from the characters whether `F-1/F-2` is one id or two. So an id counts as found where no letter or digit
touches it, with two exceptions:

- where it is a part of a longer id that is known to be somebody else's (`Subject.beside`);
- for an id without letters, where it is a part of a longer number: `.`, `_` or `-` joins it to a letter or digit, or
  `:` to a digit. Otherwise times, dates and other numbers would be taken for it.

What can be the id, and is nobody else's as far as is known, goes. What is known to be somebody else's stays.
"""

import hmac
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from secrets import token_hex
from typing import Self

import msgspec

from streams.erase.words import spans_of_words, texts_of

__all__ = ["KINDS", "Subject", "hashed", "with_kind"]

KINDS = ("family", "person")

_FREE = r"(?<![A-Za-z0-9])(?=({either})(?![A-Za-z0-9]))"
_FREE_NUMBER = (
    r"(?<![A-Za-z0-9])(?<![A-Za-z0-9][._-])(?<![0-9]:)(?=({either})(?![A-Za-z0-9])(?![._-][A-Za-z0-9])(?!:[0-9]))"
)


class Subject(msgspec.Struct, dict=True):
    """
    The families and persons to erase.

    Attributes:
        markers: a random marker for each id. The marker takes the place of the id in records that also tell something
            about others, so that these records keep their form.
        others: ids of others that contain one of the ids.
    """

    families: list[str]
    persons: list[str]
    markers: dict[str, str]
    others: list[str] = []

    @classmethod
    def of(cls, families: Iterable[str], persons: Iterable[str]) -> Self:
        """Return a subject with a new marker for each id."""
        families, persons = sorted(set(families)), sorted(set(persons))
        return cls(families, persons, {one: f"erased-{token_hex(6)}" for one in (*families, *persons)})

    def beside(self, known: Iterable[str]) -> Self:
        """
        Return the same subject, beside the ids of others that are known.

        An id that only adds punctuation to an erased one is left out. In a text, it is the erased id in a sentence.
        """
        others = {one for one in known if any(re.search("[A-Za-z0-9]", rest) for rest in self._rests(one))}
        return type(self)(self.families, self.persons, self.markers, sorted(others.difference(self.ids)))

    @property
    def ids(self) -> list[str]:
        """All ids to erase."""
        return [*self.families, *self.persons]

    @property
    def with_kinds(self) -> list[str]:
        """All ids to erase, each with its kind."""
        given = zip(KINDS, (self.families, self.persons), strict=True)
        return [with_kind(kind, one) for kind, ids in given for one in ids]

    def is_in(self, content: bytes | str | None) -> bool:
        """Return whether text or bytes contain one of the ids, in a usual encoding or with JSON's escapes."""
        if not self.ids or (isinstance(content, bytes) and self._is_surely_not_in(content)):
            return False
        return any(True for text in texts_of(content) for _ in self._places(text))

    def without(self, text: str) -> str:
        """Return a text in which markers replace the ids."""
        parts, at = [], 0
        for first, end in self._places(text):
            if first >= at:
                parts += [text[at:first], self.markers[text[first:end]]]
                at = end
        return "".join([*parts, text[at:]])

    def _places(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where a text contains one of the ids, in the order of the text. Two of them may overlap."""
        others: list[tuple[int, int]] | None = None
        for first, end in self._free(text):
            if self.others and others is None:
                others = [(a, b) for a, b in spans_of_words(text) if text[a:b] in self._others]
            if not any(a <= first and end <= b for a, b in others or ()):
                yield first, end

    def _free(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where one of the ids stands in a text, also as a part of somebody else's id."""
        for found in self._found.finditer(text) if self.ids else ():
            yield found.span(found.lastindex or 0)

    def _rests(self, text: str) -> Iterator[str]:
        """Yield what is left of a text without one of the ids, for each place at which it has one."""
        return (text[:first] + text[end:] for first, end in self._free(text))

    def _is_surely_not_in(self, content: bytes) -> bool:
        """
        Return true if a quick look shows that bytes contain no id.

        An erasure reads whole topics, so most contents are about others. An id of ASCII characters is spelt with other
        bytes only in UTF-16, which has zero bytes, or with JSON's escapes, which have backslashes.
        """
        is_plain = self._is_ascii and b"\0" not in content and b"\\" not in content
        return is_plain and not any(one in content for one in self._spelt)

    @cached_property
    def _is_ascii(self) -> bool:
        return all(one.isascii() for one in self.ids)

    @cached_property
    def _spelt(self) -> list[bytes]:
        return [one.encode() for one in self.ids]

    @cached_property
    def _others(self) -> frozenset[str]:
        return frozenset(self.others)

    @cached_property
    def _found(self) -> re.Pattern[str]:
        # The look-ahead finds ids that overlap: one of them may be a part of somebody else's id, and the other not.
        numbers = {one for one in self.ids if not any(map(str.isalpha, one))}
        kinds = ((_FREE, set(self.ids) - numbers), (_FREE_NUMBER, numbers))
        return re.compile("|".join(pattern.format(either=_either(ids)) for pattern, ids in kinds if ids))


def with_kind(kind: str, subject: str) -> str:
    """Return an id together with its kind. A family and a person may have the same id."""
    return f"{kind} {subject}"


def hashed(key: bytes, ids: Iterable[str]) -> list[str]:
    """Return a keyed hash of each id. Without the key, nobody can find out whether an id is among them."""
    return sorted(hmac.digest(key, one.encode(), "sha256").hex() for one in ids)


def _either(ids: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(ids, key=len, reverse=True)))
