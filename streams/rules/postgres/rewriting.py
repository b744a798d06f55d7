"""Rewrite a query with small functions. Each function rewrites one construct, and inner parts are rewritten first."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from streams.rules.postgres.types import Composites, kind

__all__ = ["Place", "Rewrite", "called", "collated", "grouped", "is_row", "rewrite", "rewrites"]


@dataclass
class Place:
    """The PostgreSQL schema in which the SQL of the models runs, and the types and functions that this SQL needs."""

    schema: str
    composites: Composites
    functions: dict[str, str] = field(default_factory=dict)
    """Statements that create this project's functions, by name."""

    def helper(self, name: str, *arguments: exp.Expr) -> exp.Expr:
        """Return a call of one of the functions in `helpers.sql`."""
        return called(f"{self.schema}.{name}", *arguments)


Rewrite = Callable[[Any, Place], exp.Expr]
"""A function that rewrites constructs. It is called only for the constructs for which it is registered."""

_REWRITES: dict[type[exp.Expr], Rewrite] = {}


def rewrites(*constructs: type[exp.Expr]) -> Callable[[Rewrite], Rewrite]:
    """
    Register a function that rewrites the given constructs.

    The function's docstring says how PostgreSQL differs from DuckDB.
    """

    def register(function: Rewrite) -> Rewrite:
        _REWRITES.update(dict.fromkeys(constructs, function))
        return function

    return register


def rewrite(tree: exp.Expr, place: Place) -> exp.Expr:
    """
    Rewrite every part of a query.

    The types of all parts must be known, and each new part gets the type of the part that it replaces.

    Raises:
        NotKnown: a part cannot be rewritten.
    """
    for node in reversed(list(tree.dfs())):
        function = _REWRITES.get(type(node))
        if function is None:
            continue
        new = function(node, place)
        if new is not node:
            new.type = node.type
            if node is tree:
                tree = new
            else:
                node.replace(new)
    return tree


def called(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    """Return a SQL expression that calls the function `name` with the given arguments."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def is_row(node: exp.Expr) -> bool:
    """Return whether an expression was a tuple before it was rewritten."""
    return isinstance(node, exp.Cast) and isinstance(node.this, exp.Anonymous) and node.this.name == "ROW"


def grouped(node: exp.Expr) -> exp.Expr:
    """Return the expression. Put it in parentheses if an operator beside it could apply to only a part of it."""
    is_one = isinstance(node, exp.Column | exp.Literal | exp.Paren | exp.Func) and not isinstance(node, exp.Binary)
    return node if is_one else exp.Paren(this=node)


def collated(node: exp.Expr) -> exp.Expr:
    """Return the expression. If it is text or a list of text, add the collation that orders text by its bytes."""
    if isinstance(node.unnest(), exp.Tuple | exp.Literal) or kind(node) == "null":
        return node
    is_text = kind(node) == "text" or (
        kind(node) == "list" and node.type is not None and node.type.expressions[0].is_type(*exp.DataType.TEXT_TYPES)
    )
    if not is_text or isinstance(node, exp.Collate):
        return node
    new = exp.Collate(this=grouped(node.copy()), expression=exp.to_identifier("C", quoted=True))
    new.type = node.type
    return new
