"""What the contract says about a field: its description, an example, and its codes."""

import enum
from dataclasses import dataclass
from typing import Annotated, Literal, get_args, get_origin

import msgspec

from streams.contracts.codesets import Code

__all__ = ["Description", "allowed", "describe", "first_sentence"]


@dataclass(frozen=True)
class Description:
    """The description of a field in words. `codes` is the field's closed list, if it has one."""

    text: str
    example: object
    codes: type[Code] | None
    nullable: bool

    @property
    def sentence(self) -> str:
        """The description of the field on one line, with its codes."""
        return f"{self.text} {self.codes.documented()}" if self.codes else self.text


def describe(field: msgspec.structs.FieldInfo) -> Description:
    """
    Read a field's description from its type.

    Raises:
        TypeError: the type has no description or no example.
    """
    text, example, codes, nullable = _read(field.type)
    if text is None or example is _ABSENT:
        raise TypeError(f"field {field.name} lacks a description or an example")
    return Description(text, example, codes, nullable)


def allowed(field: msgspec.structs.FieldInfo) -> str:
    """Return a short text that says what a field may hold: its codes, or its description with an example."""
    if field.type is msgspec.Raw:
        return "a JSON object"
    description = describe(field)
    if description.codes:
        return ", ".join(code.value for code in description.codes)
    return f"{description.text} For example: {msgspec.json.encode(description.example).decode()}"


_ABSENT = object()


def _read(type_: object) -> tuple[str | None, object, type[Code] | None, bool]:
    """
    Return a field's description, example and codes from its type, and whether None is allowed.

    Outer annotations override inner ones.
    """
    if isinstance(type_, type) and issubclass(type_, Code):
        return first_sentence(type_), next(iter(type_)).value, type_, False
    if get_origin(type_) is Annotated:
        inner, *metas = get_args(type_)
        text, example, codes, nullable = _read(inner)
        for meta in (meta for meta in metas if isinstance(meta, msgspec.Meta)):
            text = meta.description or text
            example = meta.examples[0] if meta.examples else example
        return text, example, codes, nullable
    if get_origin(type_) is list:
        text, example, codes, _ = _read(get_args(type_)[0])
        return text, _ABSENT if example is _ABSENT else [example], codes, False
    if get_origin(type_) in (None, Literal, dict, tuple) or isinstance(type_, enum.EnumType):
        return None, _ABSENT, None, False
    options = get_args(type_)
    text, example, codes, _ = _read(next(option for option in options if option is not type(None)))
    return text, example, codes, type(None) in options


def first_sentence(documented: type) -> str:
    """Return the first paragraph of a class's docstring, on one line."""
    return " ".join((documented.__doc__ or "").strip().split("\n\n")[0].split())
