"""The contract's constraints on a field's value, for checks that do not use the decoder."""

from dataclasses import dataclass
from typing import Annotated, get_args, get_origin

import msgspec

from streams.contracts.codesets import Code

__all__ = ["Constraint", "constraint"]


@dataclass(frozen=True)
class Constraint:
    """A closed list of values, a pattern, or neither. If the field is a list, the constraint is on each item."""

    required: bool
    values: tuple[str, ...] = ()
    pattern: str | None = None


def constraint(field: msgspec.structs.FieldInfo) -> Constraint:
    """Read the constraint on a field from its type. Whole numbers between two bounds become a closed list."""
    values, pattern = _read(field.type)
    return Constraint(field.required, values, pattern)


def _read(type_: object) -> tuple[tuple[str, ...], str | None]:
    if isinstance(type_, type) and issubclass(type_, Code):
        return tuple(code.value for code in type_), None
    if get_origin(type_) is Annotated:
        inner, *metas = get_args(type_)
        for meta in (meta for meta in metas if isinstance(meta, msgspec.Meta)):
            if meta.pattern is not None:
                return (), meta.pattern
            if meta.ge is not None and meta.le is not None:
                return tuple(str(number) for number in range(int(meta.ge), int(meta.le) + 1)), None
        return _read(inner)
    for option in get_args(type_):
        if option is not type(None):
            return _read(option)
    return (), None
