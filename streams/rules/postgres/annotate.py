"""Find the types of all parts of a query, including parts whose DuckDB types sqlglot does not know."""

from collections.abc import Callable
from typing import Any

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.optimizer.annotate_types import TypeAnnotator, annotate_types
from sqlglot.schema import MappingSchema

__all__ = ["annotate"]

_Annotator = Callable[[TypeAnnotator, Any], None]


def annotate(tree: exp.Expr, schema: MappingSchema) -> None:
    """Give every expression of a qualified query its type."""
    annotate_types(tree, schema=schema, expression_metadata=_METADATA, dialect="duckdb")


def _type(types: TypeAnnotator, node: exp.Expr, type_: exp.DataType | exp.DType | None) -> None:
    types._set_type(node, type_)  # noqa: SLF001  (how annotators are written; the version is pinned)


def _as_first(types: TypeAnnotator, node: exp.Expr) -> None:
    _type(types, node, node.this.type)


def _as_any(types: TypeAnnotator, node: exp.Expr) -> None:
    """Give the node the type of its first argument that is neither NULL nor an empty list."""
    given = [node.this, *node.expressions]
    told = [each.type for each in given if not isinstance(each, exp.Null) and not _is_empty_list(each)]
    _type(types, node, told[0] if told else None)


def _is_empty_list(node: exp.Expr) -> bool:
    return isinstance(node, exp.Array) and not node.expressions


def _as_item(types: TypeAnnotator, node: exp.Expr) -> None:
    type_ = node.this.type
    _type(types, node, type_.expressions[0] if type_ is not None and type_.expressions else None)


def _as_list_of(types: TypeAnnotator, node: exp.Expr, item: exp.DataType | None) -> None:
    _type(types, node, exp.DataType(this=exp.DataType.Type.LIST, expressions=[item], nested=True) if item else None)


def _array(types: TypeAnnotator, node: exp.Array) -> None:
    _as_list_of(types, node, node.expressions[0].type if node.expressions else exp.DataType.build("NULL"))


def _filtered(types: TypeAnnotator, node: exp.ArrayFilter) -> None:
    _lambda(types, node)
    _as_first(types, node)


def _transformed(types: TypeAnnotator, node: exp.Transform) -> None:
    _lambda(types, node)
    _as_list_of(types, node, node.expression.this.type)


def _lambda(types: TypeAnnotator, node: exp.Func) -> None:
    """Find the types in the body of a lambda again, once the type of its variable is known."""
    body, (variable,) = node.expression.this, node.expression.expressions
    of = node.this.type
    for part in body.walk():
        if isinstance(part, exp.Column | exp.Identifier) and part.name == variable.name and not part.text("table"):
            _type(types, part, of.expressions[0] if of and of.expressions else None)
        elif not isinstance(part, exp.Column):
            types._visited.pop(id(part), None)  # noqa: SLF001
    types.annotate_expression(body)


def _sum(types: TypeAnnotator, node: exp.Add | exp.Sub) -> None:
    left, right = node.left.type, node.right.type
    date, timestamp, interval, time = (exp.DataType.build(name) for name in ("DATE", "TIMESTAMP", "INTERVAL", "TIME"))
    if left is not None and right is not None:
        if left.is_type("timestamp", "timestampntz") and right == interval:
            _type(types, node, timestamp)
            return
        if left == date and (right in (interval, time)):
            _type(types, node, timestamp)
            return
        if left == date and right.is_type(*exp.DataType.INTEGER_TYPES):
            _type(types, node, date)
            return
    types._annotate_binary(node)  # noqa: SLF001


def _named_function(types: TypeAnnotator, node: exp.Anonymous) -> None:
    is_number = node.name.lower() in {"epoch_us", "list_unique"}
    _type(types, node, exp.DataType.build("BIGINT" if is_number else "INTERVAL"))


def _joined(types: TypeAnnotator, node: exp.DPipe) -> None:
    is_list = node.left.type is not None and node.left.type.is_type("list", "array")
    _type(types, node, node.left.type if is_list else exp.DataType.build("TEXT"))


def _text(types: TypeAnnotator, node: exp.Expr) -> None:
    _type(types, node, exp.DataType.build("TEXT"))


def _big(types: TypeAnnotator, node: exp.Expr) -> None:
    _type(types, node, exp.DataType.build("BIGINT"))


def _tuple(types: TypeAnnotator, node: exp.Tuple) -> None:
    _type(types, node, exp.DataType.build("STRUCT"))


_ANNOTATORS: dict[type[exp.Expr], _Annotator] = {
    exp.Add: _sum,
    exp.Sub: _sum,
    exp.AnyValue: _as_first,
    exp.ArgMax: _as_first,
    exp.ArgMin: _as_first,
    exp.Array: _array,
    exp.ArrayAgg: lambda types, node: _as_list_of(types, node, node.this.type),
    exp.ArrayConcat: _as_any,
    exp.ArrayDistinct: _as_first,
    exp.ArrayFilter: _filtered,
    exp.ArraySlice: _as_first,
    exp.ArraySort: _as_first,
    exp.Bracket: _as_item,
    exp.Coalesce: _as_any,
    exp.DPipe: _joined,
    exp.Explode: _as_item,
    exp.Filter: _as_first,
    exp.Flatten: _as_item,
    exp.Hex: _text,
    exp.Lag: _as_first,
    exp.LastValue: _as_first,
    exp.Lead: _as_first,
    exp.Max: _as_first,
    exp.Min: _as_first,
    exp.Paren: _as_first,
    exp.Replace: _text,
    exp.IgnoreNulls: _as_first,
    exp.Anonymous: _named_function,
    exp.Transform: _transformed,
    exp.Tuple: _tuple,
    exp.Window: _as_first,
    **dict.fromkeys((exp.Year, exp.Month, exp.Day, exp.DayOfWeekIso, exp.DateDiff), _big),
}

_METADATA: dict[type[exp.Expr], Any] = {
    **DuckDB.EXPRESSION_METADATA,
    **{construct: {"annotator": annotator} for construct, annotator in _ANNOTATORS.items()},
}
