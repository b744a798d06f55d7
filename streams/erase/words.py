"""
Everything in a text that can be the id of a family or a person.

An id may contain `._:/-`, so `F-1/F-2` can be one id or two. Here it is both, and also `F`, `1/F-2` and so on.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

__all__ = ["parts_of", "spans_of_words", "texts_of", "words"]

_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be")
_RUN = re.compile(r"[A-Za-z0-9._:/-]+")
_INNER = frozenset("._:/-")
_LONGEST = 64
"""Of these characters, and at most so many, the contract lets an id consist."""
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_SPACES = "bfnrt"
"""The letters that stand for a space of some kind behind JSON's backslash."""


def texts_of(content: bytes | str | None) -> Iterator[str]:
    """Yield what text or bytes say, in each usual encoding, and without JSON's escapes. The JSON may be broken."""
    texts = [content] if isinstance(content, str) else [(content or b"").decode(one, "replace") for one in _ENCODINGS]
    for text in filter(None, texts):
        yield text
        if "\\" in text:
            yield _ESCAPE.sub(_unescaped, text)


def parts_of(
    key: bytes | str | None, value: bytes | None, headers: Iterable[Mapping[str, bytes | str]] | None
) -> Iterator[bytes | str | None]:
    """Yield everything that a landed record says: its key, its value, and the names and values of its headers."""
    yield from (key, value)
    for header in headers or ():
        yield from (header["name"], header["value"])


def words(content: bytes | str | None, known: Collection[str] = ()) -> Iterator[str]:
    """
    Yield everything in a text or in bytes that can be an id.

    Args:
        known: ids that are known. A part of a known id is left out where the known id stands: it is not an id there.
    """
    for text in texts_of(content):
        for run in _RUN.findall(text):
            spans = list(spans_of_words(run))
            longer = [(first, end) for first, end in spans if run[first:end] in known] if known else ()
            for first, end in spans:
                if not any(a <= first and end <= b and (a, b) != (first, end) for a, b in longer):
                    yield run[first:end]


def spans_of_words(text: str) -> Iterator[tuple[int, int]]:
    """Yield the beginning and the end of everything in a text that can be an id."""
    for run in _RUN.finditer(text):
        for first in range(run.start(), run.end()):
            if text[first] not in _INNER and (first == run.start() or text[first - 1] in _INNER):
                for end in range(first + 1, min(run.end(), first + _LONGEST) + 1):
                    if end == run.end() or text[end] in _INNER:
                        yield first, end


def _unescaped(found: re.Match[str]) -> str:
    code, letter = found.groups()
    if code:
        return chr(int(code, 16))
    return " " if letter in _SPACES else letter
