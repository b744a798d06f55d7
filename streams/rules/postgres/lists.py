"""Rewrite structs and lists for PostgreSQL."""

from sqlglot import exp

from streams.rules.postgres.rewriting import Place, called, collated, rewrites
from streams.rules.postgres.supported import refused
from streams.rules.postgres.types import element, kind

__all__: list[str] = []

_LAST = "-2"
"""How sqlglot writes the last position of a list: it counts from zero, and changes DuckDB's `-1` to `-2`."""


@rewrites(exp.Struct)
def _struct(node: exp.Struct, place: Place) -> exp.Expr:
    """Turn a struct into a value of a composite type."""
    assert node.type is not None, "types are found before anything is rewritten"
    name = place.composites.name(node.type)
    row = called("ROW", *(field.expression for field in node.expressions))
    return exp.Cast(this=row, to=exp.DataType.build(name, udt=True, dialect="postgres"))


@rewrites(exp.Array)
def _array(node: exp.Array, _: Place) -> exp.Expr:
    """Give an empty list the type of the expression beside it, because an empty list has no type of its own."""
    if any(kind(each) == "list" for each in node.expressions):
        raise refused(node, "is a list of lists")
    return node if node.expressions else exp.Literal.string("{}")


@rewrites(exp.ArrayConcat)
def _concatenated(node: exp.ArrayConcat, place: Place) -> exp.Expr:
    """Concatenate lists as DuckDB does: NULL counts as an empty list, even if all lists are NULL."""
    given: list[exp.Expr] = [node.this, *node.expressions]
    joined, *others = given
    if not others:
        raise refused(node, "joins only one list")
    for other in others:
        joined = place.helper("list_append_all", joined, other)
    return joined


@rewrites(exp.ArrayContains)
def _contains(node: exp.ArrayContains, place: Place) -> exp.Expr:
    """Search a list for an item. A NULL in the list must not make the result NULL."""
    return place.helper("list_contains", node.this, node.expression)


@rewrites(exp.ArrayDistinct)
def _distinct(node: exp.ArrayDistinct, place: Place) -> exp.Expr:
    """Return the distinct items without NULL. DuckDB returns them in any order, and PostgreSQL returns them sorted."""
    return place.helper("list_distinct", collated(node.this))


@rewrites(exp.ArraySort)
def _sorted(node: exp.ArraySort, place: Place) -> exp.Expr:
    """Sort a list: NULL comes last, and text is sorted by its bytes."""
    return place.helper("list_sort", collated(node.this))


@rewrites(exp.Bracket)
def _item(node: exp.Bracket, place: Place) -> exp.Expr:
    """Take the last item of a list, or NULL if the list is empty. Other positions are refused."""
    if kind(node.this) != "list" or [each.sql() for each in node.expressions] != [_LAST]:
        raise refused(node, "is not the last item of a list")
    return place.helper("list_last", node.this)


@rewrites(exp.ArraySlice)
def _slice(node: exp.ArraySlice, _: Place) -> exp.Expr:
    """
    Take the slice between two positions, counted from one.

    If the end lies before the start, the result is an empty list.
    """
    start, end = node.args["start"], node.args["end"]
    if not (isinstance(start, exp.Literal) and isinstance(end, exp.Literal) and int(start.name) > 0):
        raise refused(node, "is counted from the end")
    return exp.Bracket(this=exp.Paren(this=node.this), expressions=[exp.Slice(this=start, expression=end)], offset=1)


@rewrites(exp.Length)
def _length(node: exp.Length, _: Place) -> exp.Expr:
    """Use `cardinality` for the length of a list. The length of text is counted in code points in both databases."""
    return called("cardinality", node.this) if kind(node.this) == "list" else node


@rewrites(exp.ArrayFilter)
def _filtered(node: exp.ArrayFilter, _: Place) -> exp.Expr:
    """Turn a list comprehension that has a condition into a query over the list. The query keeps the list's order."""
    return _comprehension(node, exp.column(node.expression.expressions[0].name), node.expression.this)


@rewrites(exp.Transform)
def _transformed(node: exp.Transform, _: Place) -> exp.Expr:
    """Turn a list comprehension that computes values into a query over the list. The query keeps the list's order."""
    if element(node).this in {exp.DataType.Type.ARRAY, exp.DataType.Type.LIST}:
        raise refused(node, "makes a list of lists")
    return _comprehension(node, node.expression.this, None)


def _comprehension(node: exp.Func, value: exp.Expr, condition: exp.Expr | None) -> exp.Expr:
    """
    Return a query over a list.

    The call of `unnest` is in the select list, because there a struct stays one value, and NULL stays NULL.
    """
    (variable,) = node.expression.expressions
    unnested = exp.alias_(called("unnest", node.this.copy()), variable.name, quoted=True)
    query = exp.select(value).from_(exp.Subquery(this=exp.select(unnested), alias=exp.TableAlias(this="listed")))
    if condition is not None:
        query = query.where(condition)
    is_list = exp.Not(this=exp.Is(this=exp.Paren(this=node.this), expression=exp.null()))
    return exp.Case(ifs=[exp.If(this=is_list, true=called("ARRAY", query))])
