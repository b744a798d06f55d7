"""The decoder's error messages, rewritten for builders of forms."""

import re

from streams.contracts.fields import IN_WORDS

__all__ = ["in_words"]

_KINDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "datetime": "a time with an offset, such as 2026-03-02T09:15:00Z",
    "date": "a day, such as 2017-05-21",
    "null": "null",
}
_GOT = {**_KINDS, "bool": "a truth value"}
_BOUNDS = {"<=": "at most", ">=": "at least", "<": "less than", ">": "more than"}
_UNITS = {"str": "characters", "array": "items"}
_EXPECTED = re.compile(
    r"Expected `(?P<kind>\w+)(?: \| null)?`(?: of length)?"
    r"(?: (?P<bound>[<>]=?) (?P<limit>-?\d+)| with a timezone component|, got `(?P<got>\w+)`)?"
)
_NO_MOMENT = re.compile(r"Invalid RFC3339 encoded (?P<kind>date|datetime)")


def in_words(expected: str) -> str:
    """
    Turn a decoder's message into words that say what is allowed.

    Names of the decoder's types and the text of a pattern would not help a builder of forms.
    """
    for pattern, words in IN_WORDS.items():
        if repr(pattern) in expected:
            return words
    found = _EXPECTED.fullmatch(expected) or _NO_MOMENT.fullmatch(expected)
    if found is None or found["kind"] not in _KINDS:
        return expected
    given = found.groupdict()
    words = _KINDS[found["kind"]]
    if given.get("bound"):
        of = "of " if found["kind"] in _UNITS else ""
        words = f"{words} {of}{_BOUNDS[given['bound']]} {given['limit']} {_UNITS.get(found['kind'], '')}".rstrip()
    return f"{words}; this is {_GOT[given['got']]}" if given.get("got") in _GOT else words
