"""Rewrite clauses and joins that PostgreSQL lacks. In the given query, columns must be written as `table.column`."""

from collections.abc import Callable
from typing import cast

from sqlglot import exp
from sqlglot.transforms import eliminate_semi_and_anti_joins

from streams.rules.postgres.supported import refused

__all__ = ["restate"]


def restate(tree: exp.Expr) -> exp.Expr:
    """
    Rewrite the clauses of a query and of every query inside it.

    Raises:
        NotKnown: a clause cannot be rewritten.
    """
    for union in list(tree.find_all(exp.SetOperation)):
        _unite_by_place(union)
    for rule in (_group_by_all, _join_as_of, _semi_join):
        for select in list(tree.find_all(exp.Select)):
            rule(select)
    for select in list(tree.find_all(exp.Select)):
        if select.args.get("qualify") is not None:
            tree = _replace(tree, select, _qualify)
    return tree


def _replace(tree: exp.Expr, part: exp.Select, rule: Callable[[exp.Select], exp.Select]) -> exp.Expr:
    if part is tree:
        return rule(part)
    # First take this part out of the tree, because the query that replaces it contains it.
    place = exp.Placeholder()
    part.replace(place)
    place.replace(rule(part))
    return tree


def _unite_by_place(union: exp.SetOperation) -> None:
    """Rewrite `UNION BY NAME`: put the columns of all parts into the order of the first part."""
    if not union.args.get("by_name"):
        return
    names = union.left.named_selects
    for select in _parts(union.right):
        columns = {column.alias_or_name: column for column in select.selects}
        if set(columns) != set(names):
            raise refused(union, "unites queries with different columns")
        select.set("expressions", [columns[name] for name in names])
    union.set("by_name", None)


def _parts(query: exp.Expr) -> list[exp.Select]:
    query = query.unnest()
    if isinstance(query, exp.SetOperation):
        return [*_parts(query.left), *_parts(query.right)]
    return [cast("exp.Select", query)]


def _group_by_all(select: exp.Select) -> None:
    """Rewrite `GROUP BY ALL`: group by every column that contains no aggregate."""
    group = select.args.get("group")
    if group is None or not group.args.get("all"):
        return
    columns = [column.unalias() for column in select.selects if not column.find(exp.AggFunc)]
    select.set("group", exp.Group(expressions=[column.copy() for column in columns]))


def _join_as_of(select: exp.Select) -> None:
    """Rewrite `ASOF JOIN`: of the rows that meet the condition, join only the one that is nearest to its bound."""
    for join in select.args.get("joins") or ():
        if join.method != "ASOF":
            continue
        alias, condition = join.this.alias_or_name, join.args["on"]
        unequal = [each for each in condition.flatten() if isinstance(each, exp.LT | exp.LTE | exp.GT | exp.GTE)]
        if len(unequal) != 1 or not isinstance(condition, exp.And):
            raise refused(join, "does not have exactly one inequality")
        (bound,) = unequal
        is_left = isinstance(bound.left, exp.Column) and bound.left.table == alias
        mine = bound.left if is_left else bound.right
        is_latest = isinstance(bound, exp.LT | exp.LTE) == is_left
        nearest = exp.Ordered(this=mine.copy(), desc=is_latest, nulls_first=False)
        found = exp.select("*").from_(join.this.copy()).where(condition.copy()).order_by(nearest).limit(1)
        lateral = exp.Lateral(
            this=exp.Subquery(this=found), alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True))
        )
        join.replace(exp.Join(this=lateral, kind="INNER", on=exp.true()))


def _semi_join(select: exp.Select) -> None:
    """Rewrite `SEMI JOIN` and `ANTI JOIN` as a condition that a matching row exists, or that none exists."""
    eliminate_semi_and_anti_joins(select)


def _qualify(select: exp.Select) -> exp.Select:
    """Rewrite `QUALIFY`: make its condition a column of an inner query, and filter by this column outside."""
    if select.args.get("distinct"):
        raise refused(select, "has both DISTINCT and QUALIFY")
    names, condition = select.named_selects, select.args["qualify"].this
    select.set("qualify", None)
    with_ = select.args.get("with_")
    select.set("with_", None)
    select.append("expressions", exp.alias_(condition, "is_qualified", quoted=True))
    below = exp.Subquery(this=select, alias=exp.TableAlias(this=exp.to_identifier("below", quoted=True)))
    columns = [exp.column(name, table="below", quoted=True) for name in names]
    outer = exp.select(*columns).from_(below).where(exp.column("is_qualified", table="below", quoted=True))
    outer.set("with_", with_)
    return outer
