"""Error messages say which values are allowed, in words that the builder of a form knows."""

import json

import msgspec
import pytest

from streams.contracts import Rejected, decode, event_types
from streams.contracts.fields import IN_WORDS
from tests.contracts.messages import arrived, changed, record

WRONG = [17, 1.5, True, "§", "x" * 5_000, "", [], ["§"], [17], ["x"] * 500, {}, "2026-03-02T09:15:00", 10**12]
FIELDS = [(struct, field.name) for struct in event_types().values() for field in msgspec.structs.fields(struct)]
STRUCT = next(iter(event_types().values()))
ATTRIBUTES = ["specversion", "id", "source", "type", "time", "authority", "data", "backfill", "datacontenttype"]


def said_of(outcome) -> list[str]:
    return [outcome.allowed] if isinstance(outcome, Rejected) else [one.allowed for one in outcome.dropped]


def with_attribute(name, value):
    event = {**changed(STRUCT), name: value}
    return decode(record(STRUCT.topic, json.dumps(event).encode(), None))


def assert_in_words(said: list[str]) -> None:
    for sentence in said:
        assert not any(word in sentence for word in ("Expected", "regex", "Invalid", "`str`", "`datetime`", "[0-9]"))


@pytest.mark.parametrize(("struct", "name"), FIELDS, ids=lambda value: getattr(value, "__name__", value))
def test_what_every_field_allows_is_given_in_words(struct, name):
    """The value may have the wrong type, the wrong length or the wrong format."""
    assert_in_words([sentence for value in WRONG for sentence in said_of(arrived(struct, {name: value}))])


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_what_every_attribute_allows_is_given_in_words(name):
    assert_in_words([sentence for value in WRONG for sentence in said_of(with_attribute(name, value))])


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("id", "x" * 129, "text of at most 128 characters"),
        ("id", 17, "text; this is a whole number"),
        ("time", "2026-03-02T09:15:00", "a time with an offset, such as 2026-03-02T09:15:00Z"),
        ("time", 1_772_442_900, "a time with an offset, such as 2026-03-02T09:15:00Z; this is a whole number"),
        ("authority", "Wirral", "the GSS code of an authority, such as E08000015"),
        ("data", "{}", "an object; this is text"),
    ],
)
def test_message_gives_what_is_allowed_and_the_kind_that_was_given(name, value, says):
    assert with_attribute(name, value).allowed == says


def test_every_pattern_of_the_contract_has_words():
    """Without words, the message would show the regular expression itself."""

    def patterns(type_: object):
        for meta in getattr(type_, "__metadata__", ()):
            yield getattr(meta, "pattern", None)
        for inner in (*getattr(type_, "__args__", ()), getattr(type_, "__origin__", None)):
            if inner is not None and inner is not type_:
                yield from patterns(inner)

    used = {
        pattern
        for struct in event_types().values()
        for field in msgspec.structs.fields(struct)
        for pattern in patterns(field.type)
        if pattern
    }

    assert used <= IN_WORDS.keys()
