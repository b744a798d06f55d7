"""Find the PostgreSQL name of each DuckDB type, and the kind of value that an expression has."""

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
"""The PostgreSQL name of each DuckDB type. Text is ordered by its bytes, as in DuckDB, in every locale."""

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


def kind(node: exp.Expr) -> str:
    """
    Return the kind of value that an expression has, for example `text` or `integer`. A tuple has its own kind.

    Raises:
        NotKnown: the kind is not known.
    """
    if isinstance(node, exp.Null):
        return "null"
    if isinstance(node.unnest(), exp.Tuple):
        return "tuple"
    found = _KINDS.get(node.type.this) if node.type is not None else None
    if found is None:
        raise refused(node, "has an unknown type")
    return found


def element(node: exp.Expr) -> exp.DataType:
    """
    Return the type of a list's elements.

    Raises:
        NotKnown: the type is not known.
    """
    type_ = node.type
    if kind(node) != "list" or type_ is None or not type_.expressions:
        raise refused(node, "is not a list of a known type")
    item: exp.DataType = type_.expressions[0]
    return item


class Composites:
    """
    The composite types in PostgreSQL that stand for DuckDB's structs.

    If two structs have fields with the same names and types, they have the same composite type.

    Attributes:
        ddl: statements that create the types, by name. Each type comes after the types that it uses.
    """

    def __init__(self, schema: str) -> None:
        self.ddl: dict[str, str] = {}
        self._schema = schema

    def name(self, type_: exp.DataType | str) -> str:
        """
        Return the PostgreSQL type of a DuckDB type. Text types include the collation.

        Raises:
            NotKnown: the DuckDB type has no known PostgreSQL type.
        """
        if isinstance(type_, str):
            type_ = exp.DataType.build(type_, dialect="duckdb")
        if type_.this in {_Type.ARRAY, _Type.LIST}:
            of, _, collation = self.name(type_.expressions[0]).partition(" COLLATE ")
            return f"{of}[] COLLATE {collation}" if collation else f"{of}[]"
        if type_.this == _Type.STRUCT:
            return self.of({field.name: field.args["kind"] for field in type_.expressions})
        if type_.this not in _NAMES:
            raise NotKnown(f"the type {type_.sql('duckdb')} has no known name in PostgreSQL")
        return _NAMES[type_.this]

    def of(self, fields: dict[str, exp.DataType]) -> str:
        """Return the composite type for the given fields, in their order."""
        listed = ", ".join(f'"{name}" {self.name(type_)}' for name, type_ in fields.items())
        name = f"struct_{hashlib.sha256(listed.encode()).hexdigest()[:8]}"
        self.ddl[name] = f"CREATE TYPE {self._schema}.{name} AS ({listed})"
        return f"{self._schema}.{name}"
