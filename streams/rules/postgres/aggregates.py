"""Rewrite aggregates and windows for PostgreSQL."""

from sqlglot import exp

from streams.rules.postgres.rewriting import Place, called, collated, is_row, rewrites
from streams.rules.postgres.supported import refused
from streams.rules.postgres.types import kind

__all__: list[str] = []


@rewrites(exp.Ordered)
def _ordered(node: exp.Ordered, _: Place) -> exp.Expr:
    """Make `ORDER BY` sort NULL last in both directions, and text by its bytes."""
    if kind(node.this) == "list":
        raise refused(node, "orders by a list")
    node.set("this", collated(node.this))
    node.set("nulls_first", False)
    return node


@rewrites(exp.Max, exp.Min)
def _extreme(node: exp.Func, _: Place) -> exp.Expr:
    """Make `min` and `max` compare text by its bytes."""
    if kind(node.this) in {"struct", "tuple", "list", "boolean", "null"}:
        raise refused(node, f"compares {kind(node.this)}")
    node.set("this", collated(node.this))
    return node


@rewrites(exp.Sum)
def _sum(node: exp.Sum, _: Place) -> exp.Expr:
    """Allow only sums of whole numbers. In both databases, such sums can become as large as needed."""
    if kind(node.this) not in {"integer", "bigint"}:
        raise refused(node, "adds something that is not a whole number")
    return node


@rewrites(exp.LogicalOr)
def _any(node: exp.LogicalOr, _: Place) -> exp.Expr:
    """Rename the function: in PostgreSQL, the same function is called `bool_or`."""
    return called("bool_or", node.this)


@rewrites(exp.AnyValue)
def _any_value(node: exp.AnyValue, _: Place) -> exp.Expr:
    """Take any value that is not NULL. Models use this only where all rows of a group have the same value."""
    if kind(node.this) == "list":
        raise refused(node, "takes a list")
    return called("any_value", node.this)


@rewrites(exp.IgnoreNulls)
def _ignore_nulls(node: exp.IgnoreNulls, _: Place) -> exp.Expr:
    """Remove `IGNORE NULLS` from `any_value`, which ignores NULL in any case. For `last_value`, see `_window`."""
    return node if isinstance(node.this, exp.LastValue) else node.this


@rewrites(exp.ArrayAgg)
def _list(node: exp.ArrayAgg, _: Place) -> exp.Expr:
    """
    Refuse lists of lists, unless they are flattened at once.

    In PostgreSQL, all lists in a list must have the same length.
    """
    if kind(node.this) == "list" and not isinstance(_outer(node), exp.Flatten):
        raise refused(node, "is a list of lists")
    return node


def _outer(node: exp.Expr) -> exp.Expr | None:
    """Return the expression that contains an aggregate with its filter and window."""
    parent = node.parent
    while isinstance(parent, exp.Filter | exp.Window) and parent.this is node:
        node, parent = parent, parent.parent
    return parent


@rewrites(exp.Flatten)
def _flattened(node: exp.Flatten, place: Place) -> exp.Expr:
    """Flatten lists inside the aggregate that collects them."""
    (gathered,) = node.find_all(exp.ArrayAgg)
    if _outer(gathered) is not node:
        raise refused(node, "joins lists that no aggregate has gathered")
    gathered.replace(place.helper("flatten_agg", gathered.this))
    joined: exp.Expr = node.this
    return joined


@rewrites(exp.ArgMax, exp.ArgMin)
def _arg_extreme(node: exp.ArgMax | exp.ArgMin, _: Place) -> exp.Expr:
    """
    Rewrite `arg_min` and `arg_max`: take the first value in the order of the key.

    The result is `(array_agg(value ORDER BY key) FILTER (WHERE value and key are not NULL))[1]`. PostgreSQL cannot
    aggregate in order within a window, so `_window` rewrites that case.
    """
    if kind(node.this) == "list":
        raise refused(node, "takes a list")
    if _is_in_window(node):
        return node
    order = exp.Order(this=node.this.copy(), expressions=_keys(node))
    gathered = exp.Filter(this=exp.ArrayAgg(this=order), expression=exp.Where(this=_is_there(node)))
    return exp.Bracket(this=exp.Paren(this=gathered), expressions=[exp.Literal.number(1)], offset=1)


@rewrites(exp.Filter)
def _filtered(node: exp.Filter, _: Place) -> exp.Expr:
    """Move the filter of `arg_min` into the aggregate that collects the values."""
    if isinstance(node.this, exp.Bracket):
        gathered = node.this.find(exp.Filter)
        assert gathered is not None, "`_arg_extreme` has put it there"
        gathered.expression.set("this", exp.and_(gathered.expression.this, node.expression.this))
        return node.this
    return node


def _is_in_window(node: exp.Expr) -> bool:
    parent = node.parent
    if isinstance(parent, exp.Filter) and parent.this is node:
        node, parent = parent, parent.parent
    return isinstance(parent, exp.Window) and parent.this is node


def _keys(node: exp.ArgMax | exp.ArgMin) -> list[exp.Ordered]:
    """Return the parts of the key as terms to order by. In a key that is a tuple, NULL is greater than any value."""
    is_max, key = isinstance(node, exp.ArgMax), node.expression
    parts = key.this.expressions if is_row(key) else [collated(key)]
    return [exp.Ordered(this=part.copy(), desc=is_max, nulls_first=is_max) for part in parts]


def _is_there(node: exp.ArgMax | exp.ArgMin) -> exp.Expr:
    """
    Return the condition under which a row counts: its value and its key are not NULL.

    A key that is a tuple never counts as NULL.
    """
    needed = [node.this] if is_row(node.expression) else [node.this, node.expression]
    return exp.and_(*(exp.NullSafeNEQ(this=each.copy(), expression=exp.null()) for each in needed))


@rewrites(exp.Window)
def _window(node: exp.Window, place: Place) -> exp.Expr:
    """Rewrite windows over `arg_min`, `arg_max` or `IGNORE NULLS`, which PostgreSQL does not support."""
    if isinstance(node.this, exp.IgnoreNulls):
        node.set("this", place.helper("last_known", node.this.this.this))
        return node
    filtered = node.this if isinstance(node.this, exp.Filter) else None
    extreme = node.this if filtered is None else filtered.this
    if not isinstance(extreme, exp.ArgMax | exp.ArgMin):
        return node
    return _first_of_partition(node, extreme, None if filtered is None else filtered.expression.this)


def _first_of_partition(node: exp.Window, extreme: exp.ArgMax | exp.ArgMin, condition: exp.Expr | None) -> exp.Expr:
    """
    Return the first value of the partition in the order of the key.

    Rows that do not count (see `_is_there`) are sorted last.
    """
    definition = _definition(node)
    if definition.args.get("order") is not None or definition.args.get("spec") is not None:
        raise refused(node, "reads only a part of its partition")
    counts = exp.and_(_is_there(extreme), condition.copy()) if condition is not None else _is_there(extreme)
    counts = exp.Coalesce(this=counts, expressions=[exp.false()])
    value = exp.Case(ifs=[exp.If(this=counts.copy(), true=extreme.this.copy())])
    keys = [exp.Ordered(this=counts, desc=True, nulls_first=False), *_keys(extreme)]
    whole = exp.WindowSpec(
        kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end="UNBOUNDED", end_side="FOLLOWING"
    )
    partition = [each.copy() for each in definition.args.get("partition_by") or ()]
    return exp.Window(
        this=exp.FirstValue(this=value),
        partition_by=partition,
        order=exp.Order(expressions=keys),
        spec=whole,
        over="OVER",
    )


def _definition(node: exp.Window) -> exp.Window:
    """Return the definition of a window. If the window refers to a named window, return that window's definition."""
    if (name := node.args.get("alias")) is None:
        return node
    select = node.find_ancestor(exp.Select)
    assert select is not None, "a window is part of a select"
    found: exp.Window = next(each for each in select.args["windows"] if each.name == name.name)
    return found
