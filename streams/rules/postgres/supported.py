"""
The list of supported SQL: DuckDB constructs that mean the same in PostgreSQL, or that this package rewrites.

A construct or an argument that is not listed is refused. It might mean something else in PostgreSQL, and alerts would
then be wrong without anybody noticing. When you add a construct, also add its test in
`tests/rules/postgres/test_constructs.py`.
"""

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from streams.errors import RulesInvalid

__all__ = ["FUNCTIONS", "KNOWN", "NotKnown", "check", "refused"]


class NotKnown(RulesInvalid):
    """A construct of a model's SQL is not known to mean the same in PostgreSQL, or cannot be rewritten."""


_BINARY, _UNARY = {"this", "expression"}, {"this"}

KNOWN: dict[type[exp.Expr], set[str]] = {
    # Queries. Both databases follow the standard. sqlglot writes out `*`, `USING`, and the expressions behind aliases.
    exp.Select: {
        "distinct",
        "expressions",
        "from_",
        "group",
        "having",
        "joins",
        "qualify",
        "where",
        "windows",
        "with_",
    },
    exp.Distinct: set(),
    exp.Star: {"except_", "replace"},
    exp.From: _UNARY,
    exp.Table: {"this", "alias", "catalog", "db"},
    exp.TableAlias: {"this", "columns"},
    exp.Subquery: {"this", "alias"},
    exp.Join: {"this", "kind", "method", "on", "side", "using"},
    exp.Where: _UNARY,
    exp.Group: {"all", "expressions"},
    exp.Having: _UNARY,
    exp.Qualify: _UNARY,
    exp.With: {"expressions", "recursive"},
    exp.CTE: {"this", "alias", "key_expressions"},
    exp.Union: {"this", "expression", "by_name", "distinct", "with_"},
    exp.Values: {"alias", "expressions"},
    exp.Exists: _UNARY,
    exp.Explode: _UNARY,
    # Names and literals.
    exp.Alias: {"this", "alias"},
    exp.Column: {"this", "table", "db"},
    exp.Identifier: {"this", "quoted"},
    exp.Dot: _BINARY,
    exp.Literal: {"this", "is_string"},
    exp.Boolean: _UNARY,
    exp.Null: set(),
    exp.Var: _UNARY,
    exp.Paren: _UNARY,
    exp.Tuple: {"expressions"},
    exp.Interval: {"this", "unit"},
    exp.Cast: {"this", "to"},
    exp.DataType: {"this", "nested"},
    # Three-valued logic is the same in both databases. Comparisons of text get a collation.
    exp.And: _BINARY,
    exp.Or: _BINARY,
    exp.Not: _UNARY,
    exp.EQ: _BINARY,
    exp.NEQ: _BINARY,
    exp.GT: _BINARY,
    exp.GTE: _BINARY,
    exp.LT: _BINARY,
    exp.LTE: _BINARY,
    exp.NullSafeEQ: _BINARY,
    exp.NullSafeNEQ: _BINARY,
    exp.Is: _BINARY,
    exp.In: {"this", "expressions", "query"},
    exp.Between: {"this", "low", "high"},
    exp.Case: {"this", "ifs", "default"},
    exp.If: {"this", "true", "false"},
    exp.Coalesce: {"this", "expressions"},
    exp.Nullif: _BINARY,
    # Both databases skip NULL arguments. The result is NULL only if all arguments are NULL.
    exp.Greatest: {"this", "expressions", "ignore_nulls"},
    exp.Least: {"this", "expressions", "ignore_nulls"},
    # Numbers and times. The module `values` checks which types may be combined.
    exp.Add: _BINARY,
    exp.Sub: _BINARY,
    exp.Mul: _BINARY,
    exp.Neg: _UNARY,
    exp.IntDiv: _BINARY,
    exp.Hex: _UNARY,
    exp.AtTimeZone: {"this", "zone"},
    exp.DateDiff: {"this", "expression", "unit", "date_part_boundary"},
    exp.DateFromParts: {"year", "month", "day"},
    exp.Year: _UNARY,
    exp.Month: _UNARY,
    exp.Day: _UNARY,
    exp.DayOfWeekIso: _UNARY,
    exp.ToDays: _UNARY,
    exp.TimeToStr: {"this", "format"},
    # Text.
    exp.DPipe: {"this", "expression", "safe"},
    exp.ConcatWs: {"expressions", "coalesce", "safe"},
    exp.Lower: _UNARY,
    exp.MD5: _UNARY,
    exp.Replace: {"this", "expression", "replacement"},
    exp.StrPosition: {"this", "substr"},
    exp.Substring: {"this", "start"},
    exp.Length: _UNARY,
    # Structs and lists.
    exp.Struct: {"expressions"},
    exp.PropertyEQ: _BINARY,
    exp.Array: {"expressions"},
    exp.ArrayConcat: {"this", "expressions"},
    exp.ArrayContains: _BINARY,
    exp.ArrayDistinct: _UNARY,
    exp.ArrayFilter: _BINARY,
    exp.ArraySlice: {"this", "start", "end"},
    exp.ArraySort: {"this", "nulls_first"},
    exp.Bracket: {"this", "expressions"},
    exp.Flatten: _UNARY,
    exp.Transform: _BINARY,
    exp.Lambda: {"this", "expressions"},
    # Aggregates and windows.
    exp.AnyValue: _UNARY,
    exp.ArgMax: _BINARY,
    exp.ArgMin: _BINARY,
    exp.ArrayAgg: _UNARY,
    exp.Count: {"this", "big_int"},
    exp.Filter: _BINARY,
    exp.LogicalOr: _UNARY,
    exp.Max: _UNARY,
    exp.Min: _UNARY,
    exp.Sum: _UNARY,
    exp.Window: {"this", "alias", "order", "over", "partition_by", "spec"},
    exp.WindowSpec: {"kind", "start", "start_side", "end", "end_side"},
    exp.Order: {"expressions"},
    exp.Ordered: {"this", "desc"},
    exp.RowNumber: set(),
    exp.Lag: {"this", "offset", "default"},
    exp.Lead: {"this", "offset", "default"},
    exp.LastValue: _UNARY,
    exp.IgnoreNulls: _UNARY,
}
"""The known constructs, each with its known arguments."""

FUNCTIONS = {"epoch_us", "list_unique", "to_hours", "to_microseconds", "to_minutes", "to_months"}
"""Known functions that have no class in sqlglot."""

_JOINS = {
    ("", "", "INNER"),
    ("", "", "CROSS"),
    ("", "", "SEMI"),
    ("", "", "ANTI"),
    ("", "LEFT", ""),
    ("ASOF", "", "INNER"),
}


def _is_join(node: exp.Join) -> bool:
    return (node.method, node.side, node.kind) in _JOINS


def _is_bound(bound: object) -> bool:
    return bound in {"UNBOUNDED", "CURRENT ROW"} or isinstance(bound, exp.Literal)


def _is_frame(node: exp.WindowSpec) -> bool:
    return str(node.args["kind"]).upper() == "ROWS" and _is_bound(node.args["start"]) and _is_bound(node.args["end"])


_LOOKED_AT: dict[type[exp.Expr], Callable[[Any], bool]] = {
    exp.Anonymous: lambda node: node.name.lower() in FUNCTIONS,
    exp.ArraySort: lambda node: str(node.args.get("nulls_first") or "FALSE") == "FALSE",
    exp.IgnoreNulls: lambda node: isinstance(node.this, exp.LastValue | exp.AnyValue),
    exp.Interval: lambda node: node.unit.name in {"MICROSECOND", "SECOND", "MINUTE", "HOUR", "DAY", "MONTH", "YEAR"},
    exp.Join: _is_join,
    exp.Literal: lambda node: node.is_string or node.is_int,
    exp.WindowSpec: _is_frame,
}
"""Further checks, for constructs that may be refused although all their arguments are known."""


_UNKNOWN = "is not known to mean the same in PostgreSQL"


def check(tree: exp.Expr) -> None:
    """
    Check every construct in a query before the query is rewritten.

    Raises:
        NotKnown: a construct is not in the list. The message names it and its line.
    """
    for node in tree.walk():
        given = {name: value for name, value in node.args.items() if value not in (None, False, [])}
        known = {"this", "expressions"} if isinstance(node, exp.Anonymous) else KNOWN.get(type(node))
        if known is None or not _LOOKED_AT.get(type(node), lambda _: True)(node):
            raise refused(node, _UNKNOWN)
        for name, value in given.items():
            if name not in known:
                raise refused(value if isinstance(value, exp.Expr) else node, _UNKNOWN)


def refused(node: exp.Expr, why: str) -> NotKnown:
    """Return an error that names a construct and its line."""
    text = " ".join(node.sql("duckdb", comments=False).split())
    return NotKnown(f"line {_line(node)}: {text[:120]} {why}")


def _line(node: exp.Expr) -> object:
    """
    Return the line of the first part that has a line number.

    If no part has one, return the line of an expression around it.
    """
    around: exp.Expr | None = node
    while around is not None:
        lines = [found.meta["line"] for found in around.walk() if "line" in found.meta]
        if lines:
            return min(lines)
        around = around.parent
    return "unknown"
