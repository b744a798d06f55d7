"""The fields that name families, persons and addresses."""

from collections.abc import Iterable
from functools import cache
from typing import Any, Literal

import msgspec

from streams.contracts.event import event_types
from streams.contracts.fields import SUBJECT_PATTERN

__all__ = ["columns_naming", "subjects"]


def subjects() -> tuple[list[str], list[str]]:
    """
    Return the columns that name one person, family or address, and the columns that name several.

    Records with the same id in these columns connect families.
    """
    one, several = set(), set()
    for struct in event_types().values():
        for field, schema in _schemas(struct):
            if schema.get("pattern") == SUBJECT_PATTERN:
                one.add(field)
            elif schema.get("items", {}).get("pattern") == SUBJECT_PATTERN:
                several.add(field)
    return sorted(one), sorted(several)


@cache
def columns_naming(kind: Literal["person", "family"]) -> tuple[list[str], list[str]]:
    """Return the columns of events that name one person or family, and those that name several."""
    part = {"person": "person", "family": "famil"}[kind]
    one, several = ([name for name in names if part in name] for names in subjects())
    return one, several


def _schemas(struct: type[msgspec.Struct]) -> Iterable[tuple[str, dict[str, Any]]]:
    """Yield each field with its JSON Schema. If the field may be null, yield the schema of its other values."""
    for field in msgspec.structs.fields(struct):
        schema = msgspec.json.schema(field.type)
        yield field.name, next((part for part in schema.get("anyOf", ()) if part != {"type": "null"}), schema)
