"""Rewrite numbers, text and comparisons for PostgreSQL."""

from sqlglot import exp

from streams.rules.postgres.rewriting import Place, called, collated, grouped, rewrites
from streams.rules.postgres.supported import refused
from streams.rules.postgres.types import INTEGERS, kind

__all__: list[str] = []

_SUMS = {
    (exp.Add, "date", "integer"),
    (exp.Add, "date", "interval"),
    (exp.Add, "date", "time"),
    (exp.Add, "timestamp", "interval"),
    (exp.Sub, "date", "integer"),
    (exp.Sub, "date", "interval"),
    (exp.Sub, "timestamp", "interval"),
}
"""
Sums and differences of times that have the same result in both databases.

Each entry names the operation and the kinds of its two values. In both databases, a day has 24 hours. If a month is
added to 31 January, both databases return the last day of February.
"""

_CASTS = {
    ("boolean", "integer"),
    ("timestamp", "date"),
    ("timestamp", "time"),
    ("date", "timestamp"),
    *((one, other) for one in INTEGERS for other in INTEGERS),
}


@rewrites(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)
def _compare(node: exp.Binary, _: Place) -> exp.Expr:
    """
    Make comparisons such as `<` order text by its bytes.

    Refuse to compare values of different kinds, because the databases cast them differently.
    """
    left, right = kind(node.left), kind(node.right)
    alike = left == right or {left, right} <= INTEGERS or {left, right} == {"date", "timestamp"}
    is_written = left in {"date", "time", "timestamp"} and isinstance(node.right, exp.Literal) and right == "text"
    if not alike and "null" not in {left, right} and not is_written:
        raise refused(node, f"compares {left} with {right}")
    if left == "list":
        raise refused(node, "compares lists")
    if not isinstance(node, exp.EQ | exp.NEQ | exp.NullSafeEQ | exp.NullSafeNEQ):
        node.set("this", collated(node.left))
        node.set("expression", collated(node.right))
    return node


@rewrites(exp.In)
def _in(node: exp.In, _: Place) -> exp.Expr:
    """Allow `IN` only for text and whole numbers. In both databases, NULL has the same effect."""
    query = node.args.get("query")
    given = node.expressions if query is None else query.this.selects
    kinds = {kind(each) for each in (node.this, *given)} - {"null"}
    if not (kinds <= INTEGERS or kinds == {"text"}):
        raise refused(node, f"compares {' with '.join(sorted(kinds))}")
    return node


@rewrites(exp.Between)
def _between(node: exp.Between, _: Place) -> exp.Expr:
    """Treat `BETWEEN` as two comparisons."""
    for name in ("this", "low", "high"):
        node.set(name, collated(node.args[name]))
    return node


@rewrites(exp.Greatest, exp.Least)
def _extreme_of_several(node: exp.Func, _: Place) -> exp.Expr:
    """Make `greatest` and `least` compare text by its bytes."""
    given = [node.this, *node.expressions]
    if {kind(each) for each in given} & {"struct", "list", "tuple"}:
        raise refused(node, "compares structs or lists")
    return type(node)(this=collated(given[0]), expressions=[collated(each) for each in given[1:]])


@rewrites(exp.Tuple)
def _row(node: exp.Tuple, _: Place) -> exp.Expr:
    """
    Cast a tuple to a record, in which NULL equals NULL and is greater than any value, as in DuckDB.

    Without the cast, a comparison of a PostgreSQL row with NULL would be NULL.
    """
    if isinstance(node.parent, exp.Values):
        return node
    return exp.Cast(
        this=called("ROW", *map(collated, node.expressions)),
        to=exp.DataType.build("record", udt=True, dialect="postgres"),
    )


@rewrites(exp.Is)
def _is_null(node: exp.Is, _: Place) -> exp.Expr:
    """Rewrite `IS NULL` for structs. If all fields are NULL, `IS NULL` is false in DuckDB, but true in PostgreSQL."""
    if not isinstance(node.expression, exp.Null):
        raise refused(node, "is not IS NULL")
    if kind(node.this) in {"struct", "tuple"}:
        return exp.NullSafeEQ(this=node.this, expression=node.expression)
    return node


@rewrites(exp.Add, exp.Sub, exp.Mul)
def _sum(node: exp.Binary, _: Place) -> exp.Expr:
    """Allow only sums of whole numbers, and sums of times that are the same in both databases."""
    left, right = kind(node.left), kind(node.right)
    if not {left, right} <= INTEGERS and (type(node), left, right) not in _SUMS:
        raise refused(node, f"calculates with {left} and {right}")
    return node


@rewrites(exp.IntDiv)
def _whole_quotient(node: exp.IntDiv, _: Place) -> exp.Expr:
    """Divide whole numbers. Both databases round towards zero. Division by zero must give NULL, not an error."""
    if not {kind(node.left), kind(node.right)} <= INTEGERS:
        raise refused(node, "divides something that is not a whole number")
    divisor = exp.Nullif(this=node.right, expression=exp.Literal.number(0))
    return exp.Paren(this=exp.Div(this=grouped(node.left), expression=divisor, typed=True))


@rewrites(exp.Cast)
def _cast(node: exp.Cast, _: Place) -> exp.Expr:
    """
    Allow only casts with the same result in both databases.

    PostgreSQL casts boolean to `bigint` only through `integer`.
    """
    of, to = kind(node.this), _kind_of(node.to)
    if of in {to, "null"} or (of == "text" and isinstance(node.this, exp.Literal)):
        return node
    if (of, to) == ("boolean", "bigint"):
        return exp.cast(exp.cast(node.this, "int"), "bigint")
    if (of, to) not in _CASTS:
        raise refused(node, f"casts to {to} from {of}")
    return node


def _kind_of(type_: exp.DataType) -> str:
    value = exp.Cast(this=exp.Null(), to=type_)
    value.type = type_
    return kind(value)


@rewrites(exp.Hex)
def _hex(node: exp.Hex, _: Place) -> exp.Expr:
    """Write whole numbers in capital hexadecimal digits. A negative number gets the digits of its 64 bits."""
    if kind(node.this) not in {"integer", "bigint"}:
        raise refused(node, "writes something that is not a whole number")
    return exp.Upper(this=called("to_hex", exp.cast(node.this, "bigint")))


@rewrites(exp.DPipe)
def _joined(node: exp.DPipe, place: Place) -> exp.Expr:
    """
    Join only text, whole numbers and lists. The two databases write other values differently.

    If a list is NULL, the result is NULL.
    """
    if kind(node.left) == kind(node.right) == "list":
        return place.helper("list_join", node.left, node.right)
    if not {kind(node.left), kind(node.right)} <= INTEGERS | {"text", "null"}:
        raise refused(node, "joins something that is neither text nor a whole number")
    return node


@rewrites(exp.ConcatWs, exp.MD5, exp.Replace, exp.StrPosition)
def _of_text(node: exp.Func, _: Place) -> exp.Expr:
    """
    Keep functions of text, because they return the same in both databases.

    In both databases, a character is a code point, bytes are UTF-8, and `concat_ws` skips NULL.
    """
    for each in node.iter_expressions():
        if kind(each) not in {"text", "null"}:
            raise refused(node, "takes something that is not text")
    return node


@rewrites(exp.Substring)
def _substring(node: exp.Substring, _: Place) -> exp.Expr:
    """Refuse substrings that begin before the first character, because the databases count differently there."""
    start = node.args["start"]
    is_after = (
        isinstance(start, exp.Add) and isinstance(start.left, exp.StrPosition) and isinstance(start.right, exp.Literal)
    )
    if kind(node.this) != "text" or not (is_after or (isinstance(start, exp.Literal) and int(start.name) > 0)):
        raise refused(node, "may begin before the first character")
    return node


@rewrites(exp.Lower)
def _lower(node: exp.Lower, _: Place) -> exp.Expr:
    """Convert all Unicode letters to lower case, as DuckDB does, whatever the database's locale is."""
    if kind(node.this) != "text":
        raise refused(node, "takes something that is not text")
    letters = exp.Collate(this=grouped(node.this), expression=exp.to_identifier("pg_c_utf8", quoted=True))
    return exp.Collate(this=exp.Lower(this=letters), expression=exp.to_identifier("C", quoted=True))
