"""Which severities the alerts of a rule can have, from the rule's compiled SQL."""

import sqlglot
from sqlglot import exp

from streams.rules.compiled import Model

__all__ = ["severities"]

_ALL = ("red", "amber", "green")


def severities(model: Model, usual: str) -> tuple[str, ...]:
    """
    Return the severities that an alert of the rule can have, the most severe first.

    If the SQL takes the severity from somewhere else, for example from an event, it can be any of the three.

    Args:
        model: the rule's model.
        usual: the severity in the register. It counts where the SQL gives none.
    """
    tree = sqlglot.parse_one(model.sql, read="duckdb")
    raised = next(table for table in tree.find_all(exp.Table) if table.alias == "raised")
    found = next(cte for cte in tree.find_all(exp.CTE) if cte.alias == raised.name)
    column = next(one for one in found.this.selects if one.alias_or_name == "severity")
    values = _values(column.unalias(), usual)
    return tuple(one for one in _ALL if one in values)


def _values(value: exp.Expr, usual: str) -> set[str]:
    match value:
        case exp.Null():
            return {usual}
        case exp.Literal():
            return {value.name}
        case exp.Cast():
            return _values(value.this, usual)
        case exp.If() | exp.Case():
            branches = value.args.get("ifs") or [value]
            last = value.args.get("default") or value.args.get("false") or exp.Null()
            results = [branch.args["true"] for branch in branches]
            return set().union(*(_values(one, usual) for one in [*results, last]))
    return set(_ALL)
