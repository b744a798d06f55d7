"""The ids to erase, how to find them in text, and the markers that replace them."""

import hmac
import json
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from hashlib import sha256
from secrets import token_hex
from typing import Any, Self

import msgspec

__all__ = ["Subject", "hashed", "texts_of"]

_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be")


class Subject(msgspec.Struct, dict=True):
    """
    The families and persons to erase.

    `markers` holds a random marker for each id. The marker takes the place of the id in records that also tell
    something about others, so that these records keep their form.
    """

    families: list[str]
    persons: list[str]
    markers: dict[str, str]

    @classmethod
    def of(cls, families: Iterable[str], persons: Iterable[str]) -> Self:
        """Return a subject with a new marker for each id."""
        families, persons = sorted(set(families)), sorted(set(persons))
        return cls(families, persons, {one: f"erased-{token_hex(6)}" for one in (*families, *persons)})

    @property
    def ids(self) -> list[str]:
        """All ids to erase."""
        return [*self.families, *self.persons]

    def is_in(self, content: bytes | str | None) -> bool:
        """Return whether text or bytes contain one of the ids, in a usual encoding or with JSON's escapes."""
        if not self.ids or (isinstance(content, bytes) and self._is_surely_not_in(content)):
            return False
        return any(map(self._found.search, texts_of(content)))

    def without(self, value: Any) -> Any:
        """Return a JSON value in which markers replace the ids."""
        if isinstance(value, str):
            return self.markers.get(value) or self._found.sub(lambda found: self.markers[found[0]], value)
        if isinstance(value, list):
            return [self.without(item) for item in value]
        if isinstance(value, dict):
            return {self.without(name): self.without(item) for name, item in value.items()}
        return value

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
    def _found(self) -> re.Pattern[str]:
        # An id is not found within a longer word: F-1 is not in F-12.
        either = "|".join(map(re.escape, sorted(self.ids, key=len, reverse=True)))
        return re.compile(rf"(?<![A-Za-z0-9])(?:{either})(?![A-Za-z0-9])")


def texts_of(content: bytes | str | None) -> Iterator[str]:
    """Yield what text or bytes say, in each usual encoding, and without JSON's escapes."""
    if isinstance(content, str):
        yield content
    elif content:
        yield from (content.decode(encoding, "replace") for encoding in _ENCODINGS)
        yield _unescaped(content)


def hashed(key: bytes, ids: Iterable[str]) -> list[str]:
    """Return a keyed hash of each id. Without the key, nobody can find out whether an id is among them."""
    return sorted(hmac.new(key, one.encode(), sha256).hexdigest() for one in ids)


def _unescaped(content: bytes) -> str:
    """Return JSON as text without escapes, or an empty text if the content is not JSON."""
    try:
        return json.dumps(json.loads(content), ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""
