"""Types: what a DuckDB type is called in PostgreSQL, and what kind of value an expression has."""

import hashlib

from sqlglot import exp

from streams.rules.postgres.supported import NotKnown, refused

__all__ = ["INTEGERS", "Composites", "element", "kind"]

_Type = exp.DataType.Type

_NAMES = {
    _Type.TEXT: 'text COLLATE "C"',
    _Type.VARCHAR: 'text COLLATE "C"',
    _Type.INT: "integer",
    _Type.BIGINT: "bigint",
    _Type.INT128: "numeric",
    _Type.BOOLEAN: "boolean",
    _Type.DATE: "date",
    _Type.TIME: "time",
    _Type.TIMESTAMP: "timestamp",
    _Type.TIMESTAMPNTZ: "timestamp",
    _Type.VARBINARY: "bytea",
    _Type.DOUBLE: "double precision",
}
"""Text is ordered by its bytes, as DuckDB orders it, whatever the database's locale."""

_KINDS = {
    _Type.TEXT: "text",
    _Type.VARCHAR: "text",
    _Type.INT: "integer",
    _Type.BIGINT: "bigint",
    _Type.INT128: "hugeint",
    _Type.BOOLEAN: "boolean",
    _Type.DATE: "date",
    _Type.TIME: "time",
    _Type.TIMESTAMP: "timestamp",
    _Type.TIMESTAMPNTZ: "timestamp",
    _Type.TIMESTAMPTZ: "timestamptz",
    _Type.INTERVAL: "interval",
    _Type.STRUCT: "struct",
    _Type.ARRAY: "list",
    _Type.LIST: "list",
    _Type.NULL: "null",
}

INTEGERS = frozenset({"integer", "bigint", "hugeint"})
"""Kinds of whole numbers."""


def kind(node: exp.Expression) -> str:
    """
    What kind of value an expression has: `text`, `integer`, `struct`, …; a tuple is one of its own.

    Raises:
        NotKnown: it cannot be told.
    """
    if isinstance(node, exp.Null):
        return "null"
    if isinstance(node.unnest(), exp.Tuple):
        return "tuple"
    found = _KINDS.get(node.type.this) if node.type is not None else None
    if found is None:
        raise refused(node, "has no type that can be told")
    return found


def element(node: exp.Expression) -> exp.DataType:
    """
    The type of a list's elements.

    Raises:
        NotKnown: it cannot be told.
    """
    if kind(node) != "list" or not node.type.expressions:
        raise refused(node, "is no list whose type can be told")
    return node.type.expressions[0]


class Composites:
    """
    The composite types that stand for structs, made as they are met; fields of the same names and types are one type.

    Attributes:
        ddl: statements that create them, by name; each one after those that it names.
    """

    def __init__(self, schema: str) -> None:
        self.ddl: dict[str, str] = {}
        self._schema = schema

    def name(self, type_: exp.DataType | str) -> str:
        """
        The PostgreSQL type of a DuckDB type, with the collation of text.

        Raises:
            NotKnown: there is none that is known.
        """
        if isinstance(type_, str):
            type_ = exp.DataType.build(type_, dialect="duckdb")
        if type_.this in {_Type.ARRAY, _Type.LIST}:
            of, _, collation = self.name(type_.expressions[0]).partition(" COLLATE ")
            return f"{of}[] COLLATE {collation}" if collation else f"{of}[]"
        if type_.this == _Type.STRUCT:
            return self.of({field.name: field.args["kind"] for field in type_.expressions})
        if type_.this not in _NAMES:
            raise NotKnown(f"the type {type_.sql('duckdb')} has no name in PostgreSQL that is known")
        return _NAMES[type_.this]

    def of(self, fields: dict[str, exp.DataType]) -> str:
        """The composite type of some fields, in their order."""
        listed = ", ".join(f'"{name}" {self.name(type_)}' for name, type_ in fields.items())
        name = f"struct_{hashlib.sha256(listed.encode()).hexdigest()[:8]}"
        self.ddl[name] = f"CREATE TYPE {self._schema}.{name} AS ({listed})"
        return f"{self._schema}.{name}"
